"""Sizes of blocks that a target asks for: what a form suggests and a report recommends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import xarray as xr

from ..grids.grid import Grid
from .autocorrelation import Autocorrelation, autocorrelation_length


def lengths_of(
    ds: xr.Dataset,
    target: str,
    grid: Grid,
    known: Sequence[Autocorrelation] = (),
    seed: int = 0,
) -> tuple[Autocorrelation, ...]:
    """Return how far the target knows itself, along space and time where it has them.

    Parameters
    ----------
    ds : xarray.Dataset
    target : str
    grid : Grid
        Of `ds`.
    known : sequence of Autocorrelation
        Lengths that are not measured again.
    seed : int
        Of the cells that are drawn.

    Raises
    ------
    SpecError, CubeError
        As :func:`.autocorrelation.autocorrelation_length`.
    """
    have = {length.axis: length for length in known}
    return tuple(
        have.get(axis) or autocorrelation_length(ds, target, axis=axis, seed=seed)
        for axis in _axes(ds, target, grid)
    )


def recommended_blocks(lengths: Sequence[Autocorrelation], grid: Grid) -> dict[str, str]:
    """Return the size of blocks by dim: twice the length, where the variogram levels off."""
    found: dict[str, str] = {}
    for length in lengths:
        size = length.recommended_block
        if size is None:
            continue
        names = grid.horizontal if grid.kind == "rectilinear" else ("lat", "lon")
        dims = names if length.axis == "space" else (str(grid.time),)
        found |= dict.fromkeys(dims, size)
    return found


def _axes(ds: xr.Dataset, target: str, grid: Grid) -> list[Literal["space", "time"]]:
    found: list[Literal["space", "time"]] = []
    if grid.horizontal and set(grid.horizontal) <= set(ds[target].dims):
        found.append("space")
    if grid.time is not None and grid.time in ds[target].dims:
        found.append("time")
    return found
