"""Horizontal blocks that suit the extent of a cube: what counts and intervals are based on."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr

from ..grids.grid import Grid
from ..grids.sizes import Size
from ..grids.tiles import ENOUGH_BLOCKS, extent, horizontal_tiles
from .axes import axis_of

_STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5)


def tiles_of(frame: xr.Dataset, grid: Grid, *, at_least: int = ENOUGH_BLOCKS) -> dict[str, Size]:
    """Return the largest round size that cuts the cube into `at_least` horizontal tiles.

    Parameters
    ----------
    frame : xarray.Dataset
    grid : Grid
    at_least : int
        Fewer are returned only where single cells are reached.

    Returns
    -------
    dict
        Size by name of a dim, or by ``lat`` and ``lon`` where cells are scattered; empty where
        nothing is horizontal.
    """
    if grid.kind not in ("curvilinear", "unstructured"):
        return horizontal_tiles(frame, grid, at_least=at_least)
    axes = [axis_of(frame, grid, name, field="split.sizes") for name in ("lat", "lon")]
    lengths = [_length(axis.values, circular=axis.circular) for axis in axes]
    if not all(lengths):
        return {}
    best = min(lengths) / at_least
    for power in range(-3, 8):
        for step in _STEPS:
            size = step * 10.0**power
            if math.prod(math.ceil(length / size - 1e-6) for length in lengths) >= at_least:
                best = max(best, size)
    return {name: Size(best, axis.kind) for name, axis in zip(("lat", "lon"), axes, strict=True)}


def tile_count(frame: xr.Dataset, grid: Grid, sizes: Mapping[str, Size]) -> int:
    """Return how many tiles of `sizes`, by dim as :func:`tiles_of` has them, cover the cube."""
    if grid.kind not in ("curvilinear", "unstructured"):
        lengths = {dim: extent(frame, grid, dim) for dim in sizes}
    else:
        axes = {name: axis_of(frame, grid, name, field="split.sizes") for name in sizes}
        lengths = {
            name: _length(axis.values, circular=axis.circular) for name, axis in axes.items()
        }
    return math.prod(math.ceil(lengths[dim] / size.value - 1e-6) for dim, size in sizes.items())


def _length(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], *, circular: bool) -> float:
    """Return the length that `values` span; on the circle, without the largest empty arc."""
    known = np.unique(values[np.isfinite(values)])
    if known.size < 2:
        return 0.0
    if not circular:
        return float(known[-1] - known[0])
    gaps = np.append(np.diff(known), known[0] + 360 - known[-1])
    return float(360 - gaps.max())
