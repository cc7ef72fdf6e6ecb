"""Sizes of blocks that suit a cube's extent."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from .coordinates import cell_coordinates, kind_of
from .grid import Grid
from .sizes import Size

#: With a tenth of them for validation, enough stay above 20 on a cube that is half empty.
ENOUGH_BLOCKS = 200
_STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5)


def spacing(ds: xr.Dataset, grid: Grid, dim: str) -> float | None:
    """Return the mean distance of neighbours along `dim` in base units, None for one cell."""
    raw = ds[grid.coordinate(dim)]
    if dim == grid.x and grid.geographic:
        # Unwrapped: modulo 360 would break the order of -180 .. 180.
        values = np.asarray(raw.values, dtype=np.float64)
    else:
        values = cell_coordinates(ds, grid, dim)
    if values.size < 2:
        return None
    steps = np.abs(np.diff(values))
    steps = steps[np.isfinite(steps)]
    if not steps.size:
        return None
    # A region across the seam has one step of nearly 360 that says nothing.
    return float(np.median(steps)) if steps.max() > 180 else float(steps.mean())


def extent(ds: xr.Dataset, grid: Grid, dim: str) -> float:
    """Return the length of the cube along `dim` in base units, outer edges included."""
    step = spacing(ds, grid, dim)
    return 0.0 if step is None else step * ds.sizes[dim]


def horizontal_tiles(
    ds: xr.Dataset, grid: Grid, *, at_least: int = ENOUGH_BLOCKS
) -> dict[str, Size]:
    """Return the largest round size that cuts the cube into `at_least` horizontal tiles.

    Parameters
    ----------
    ds : xarray.Dataset
    grid : Grid
    at_least : int
        Fewer are returned only where single cells are reached.

    Returns
    -------
    dict
        Size by horizontal dim; empty where the cube has none that can be measured.
    """
    dims = [
        dim
        for dim in grid.horizontal
        if grid.kind == "rectilinear"
        and (name := grid.coordinate(dim)) in ds.coords
        and ds[name].ndim == 1
        and np.issubdtype(ds[name].dtype, np.number)
        and ds.sizes[dim]
    ]
    lengths = {dim: extent(ds, grid, dim) for dim in dims}
    lengths = {dim: length for dim, length in lengths.items() if length > 0}
    if not lengths:
        return {}
    cell = max(spacing(ds, grid, dim) or 0.0 for dim in lengths)
    angle = all(kind_of(ds, grid, dim) == "angle" for dim in lengths)
    best = cell
    for size in _round_sizes(cell, max(lengths.values()), closes_circle=angle):
        if math.prod(math.ceil(length / size - 1e-6) for length in lengths.values()) >= at_least:
            best = size
    return {dim: Size(best, kind_of(ds, grid, dim)) for dim in lengths}


def _round_sizes(smallest: float, largest: float, *, closes_circle: bool) -> list[float]:
    first, last = math.floor(math.log10(smallest)), math.ceil(math.log10(largest))
    sizes = [round(step * 10.0**power, 12) for power in range(first, last + 1) for step in _STEPS]
    return [
        size
        for size in sizes
        if smallest < size <= largest
        and (not closes_circle or abs(360 / size - round(360 / size)) < 1e-9)
    ]
