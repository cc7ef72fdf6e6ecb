"""Cut a region and a period out of a cube, whatever direction its axes run."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError
from ...spec import Period, Region
from .coordinates import date_as_days, days_since_1970, parse_date
from .grid import Grid, grid_of, is_time

#: Cells of the cube that a selection keeps: a slice, or positions where it crosses the seam.
Indexers = dict[str, slice | NDArray[np.int64]]


def select(
    ds: xr.Dataset, region: Region | None = None, period: Period | None = None
) -> xr.Dataset:
    """Return the part of `ds` whose cell centres lie in `region` and `period`, lazily.

    Parameters
    ----------
    ds : xarray.Dataset
    region : Region, optional
        Edges included. On longitudes west may be larger than east: the region then crosses
        the seam of the cube, and its cells keep the order of the cube.
    period : Period, optional
        Both ends included; an end without a time of day means the whole day.

    Raises
    ------
    CubeError
        ``empty_selection`` where no cell is left, ``unsupported_grid`` where the cube has no
        such dims.
    """
    return ds.isel(indexers(ds, region, period))


def indexers(
    ds: xr.Dataset, region: Region | None = None, period: Period | None = None
) -> Indexers:
    """Return which positions of each dim :func:`select` keeps."""
    grid = grid_of(ds)
    kept: Indexers = {}
    if region is not None:
        kept |= _horizontal(ds, grid, region)
    if period is not None:
        kept |= _temporal(ds, grid, period)
    return kept


def _horizontal(ds: xr.Dataset, grid: Grid, region: Region) -> Indexers:
    if grid.y is None or grid.x is None:
        raise CubeError(
            "The cube has no horizontal dims, so no region can be cut out of it.",
            code="unsupported_grid",
            field="region",
        )
    for dim in (grid.y, grid.x):
        if dim not in ds.coords or ds[dim].ndim != 1:
            raise CubeError(
                f"'{dim}' has no 1-D coordinate, so no region can be cut out.",
                code="unsupported_grid",
                field="region",
            )
    y = np.asarray(ds[grid.y].values, dtype=np.float64)
    x = np.asarray(ds[grid.x].values, dtype=np.float64)
    if region.south > region.north:
        raise CubeError(
            "The region's south edge lies north of its north edge.", field="region.south"
        )
    if grid.geographic:
        width = region.east - region.west
        if width < 0:
            width += 360
        inside_x = np.mod(x - region.west, 360.0) <= min(width, 360.0)
    else:
        inside_x = (x >= region.west) & (x <= region.east)
    return {
        grid.y: _positions((y >= region.south) & (y <= region.north), grid.y, "region"),
        grid.x: _positions(inside_x, grid.x, "region"),
    }


def _temporal(ds: xr.Dataset, grid: Grid, period: Period) -> Indexers:
    time = grid.time
    if time is None or time not in ds.coords or not is_time(ds[time]):
        raise CubeError(
            "The cube has no time dim with dates, so no period can be cut out of it.",
            code="unsupported_grid",
            field="period",
        )
    days = days_since_1970(ds[time])
    start = date_as_days(parse_date(period.start, field="period.start"), ds[time])
    end = date_as_days(parse_date(period.end, field="period.end"), ds[time])
    inside = days < end + 1 if len(period.end) <= len("2002-07-16") else days <= end
    return {time: _positions((days >= start) & inside, time, "period")}


def _positions(inside: NDArray[np.bool_], dim: str, field: str) -> slice | NDArray[np.int64]:
    positions = np.flatnonzero(inside)
    if positions.size == 0:
        raise CubeError(
            f"The {field} holds no cell of the cube along '{dim}'.",
            hint="Compare it with the extent that the description of the cube shows.",
            code="empty_selection",
            field=field,
        )
    if positions[-1] - positions[0] + 1 == positions.size:
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions
