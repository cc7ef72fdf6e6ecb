"""Cut a region and a period out of a cube, whatever grid it has and direction its axes run."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError
from ...spec import Period, Region
from .cf import is_time
from .coordinates import date_as_days, days_since_1970, parse_date
from .grid import Grid, grid_of
from .positions import positions

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
        Edges included, in the cube's horizontal coordinates. On longitudes west may be larger
        than east: the region then crosses the seam of the cube, and its cells keep the order of
        the cube. On a curvilinear grid rows and columns without any cell of the region are cut
        off, and the cells outside that are left are missing (NaN).
    period : Period, optional
        Both ends included; an end without a time of day means the whole day.

    Raises
    ------
    CubeError
        ``empty_selection`` where no cell is left, ``unsupported_grid`` where the cube has no
        such dims.
    """
    chosen = ds.isel(indexers(ds, region, period))
    inside = None if region is None else region_mask(chosen, region)
    return chosen if inside is None else _masked(chosen, inside)


def indexers(
    ds: xr.Dataset, region: Region | None = None, period: Period | None = None
) -> Indexers:
    """Return which positions of each dim :func:`select` keeps.

    On a curvilinear grid these bound the region; :func:`region_mask` tells its cells.
    """
    grid = grid_of(ds)
    inside: dict[str, tuple[NDArray[np.bool_], str]] = {}
    if region is not None:
        inside |= {dim: (kept, "region") for dim, kept in _horizontal(ds, grid, region).items()}
    if period is not None:
        dim, kept = _temporal(ds, grid, period)
        if dim in inside:  # every cell has its own place and time
            kept = kept & inside[dim][0]
        inside[dim] = (kept, "period")
    return {dim: _kept(mask, dim, field) for dim, (mask, field) in inside.items()}


def region_mask(ds: xr.Dataset, region: Region) -> xr.DataArray | None:
    """Return which cells of `ds` lie in `region`, None where :func:`indexers` says it all.

    Parameters
    ----------
    ds : xarray.Dataset
        A cube on a curvilinear grid, or the part of it that :func:`indexers` keeps; of cubes
        of other kinds every cell that they keep lies in the region.
    region : Region

    Returns
    -------
    xarray.DataArray or None
        bool over the horizontal dims.
    """
    grid = grid_of(ds)
    return _inside_cells(ds, grid, region) if grid.kind == "curvilinear" else None


def _horizontal(ds: xr.Dataset, grid: Grid, region: Region) -> dict[str, NDArray[np.bool_]]:
    """Return along each dim which positions hold a cell of the region."""
    if not grid.horizontal or (grid.cell is None and (grid.y is None or grid.x is None)):
        raise CubeError(
            "The cube has no horizontal dims, so no region can be cut out of it.",
            code="unsupported_grid",
            field="region",
        )
    if region.south > region.north:
        raise CubeError(
            "The region's south edge lies north of its north edge.", field="region.south"
        )
    if grid.kind == "rectilinear":
        return _along_axes(ds, grid, region)
    inside = _inside_cells(ds, grid, region)
    return {
        dim: np.asarray(inside.any([other for other in grid.horizontal if other != dim]).values)
        for dim in grid.horizontal
    }


def _along_axes(ds: xr.Dataset, grid: Grid, region: Region) -> dict[str, NDArray[np.bool_]]:
    assert grid.y is not None
    assert grid.x is not None
    coords = []
    for dim in (grid.y, grid.x):
        name = grid.coordinate(dim)
        if name not in ds.coords or ds[name].ndim != 1:
            raise CubeError(
                f"'{dim}' has no 1-D coordinate, so no region can be cut out.",
                code="unsupported_grid",
                field="region",
            )
        coords.append(np.asarray(ds[name].values, dtype=np.float64))
    y, x = coords
    if grid.geographic:
        return {grid.y: _latitudes(y, region), grid.x: _longitudes(x, region)}
    return {grid.y: _latitudes(y, region), grid.x: (x >= region.west) & (x <= region.east)}


def _inside_cells(ds: xr.Dataset, grid: Grid, region: Region) -> xr.DataArray:
    """Return which cells that each have their own place lie in the region."""
    places = positions(ds, grid)
    inside = _latitudes(places.y.values, region) & _longitudes(places.x.values, region)
    return xr.DataArray(inside, dims=places.y.dims)


def _latitudes(y: NDArray[np.float64], region: Region) -> NDArray[np.bool_]:
    return (y >= region.south) & (y <= region.north)


def _longitudes(x: NDArray[np.float64], region: Region) -> NDArray[np.bool_]:
    width = region.east - region.west
    if width < 0:
        width += 360
    return np.asarray(np.mod(x - region.west, 360.0) <= min(width, 360.0))


def _temporal(ds: xr.Dataset, grid: Grid, period: Period) -> tuple[str, NDArray[np.bool_]]:
    name = grid.cell_time if grid.cell_time is not None else grid.time
    if name is None or name not in ds.coords or not is_time(ds[name]):
        raise CubeError(
            "The cube has no time dim with dates, so no period can be cut out of it.",
            code="unsupported_grid",
            field="period",
        )
    days = days_since_1970(ds[name])
    start = date_as_days(parse_date(period.start, field="period.start"), ds[name])
    end = date_as_days(parse_date(period.end, field="period.end"), ds[name])
    inside = days < end + 1 if len(period.end) <= len("2002-07-16") else days <= end
    return str(ds[name].dims[0]), (days >= start) & inside


def _kept(inside: NDArray[np.bool_], dim: str, field: str) -> slice | NDArray[np.int64]:
    kept = np.flatnonzero(inside)
    if kept.size == 0:
        raise CubeError(
            f"The {field} holds no cell of the cube along '{dim}'.",
            hint="Compare it with the extent that the description of the cube shows.",
            code="empty_selection",
            field=field,
        )
    if kept[-1] - kept[0] + 1 == kept.size:
        return slice(int(kept[0]), int(kept[-1]) + 1)
    return kept


def _masked(ds: xr.Dataset, inside: xr.DataArray) -> xr.Dataset:
    """Return `ds` with its cells outside missing; nothing is read for it."""
    from ..features.inside import where_inside

    if bool(inside.all()):
        return ds
    return ds.assign(
        {
            name: where_inside(variable, inside.variable)
            for name, variable in ds.data_vars.items()
            if set(inside.dims) <= set(variable.dims) and variable.dtype.kind in "fiub"
        }
    )
