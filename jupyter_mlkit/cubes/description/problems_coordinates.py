"""What is wrong with the places and times of cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...models import ErrorBody
from ..grids.coordinates import days_since_1970
from ..grids.grid import Grid, is_time
from ..grids.sizes import Size
from .bounds import point

#: A step this much longer than the usual one means that steps are missing.
_GAP = 1.5
#: Where more of the steps than this are no multiple (give or take) of the usual one, none is.
_IRREGULAR, _UNEVEN = 0.2, 0.25


def coordinate_problems(ds: xr.Dataset, grid: Grid) -> Iterator[ErrorBody]:
    """Yield what is wrong with the dims of `ds` and their coordinates."""
    used = {str(dim) for variable in ds.data_vars.values() for dim in variable.dims}
    for dim in sorted(used):
        if not ds.sizes[dim]:
            yield ErrorBody(
                message=f"The dim '{dim}' has no cells.",
                code="empty_dimension",
                hint="Choose another region or period, or write the cube again.",
                field=dim,
            )
    if grid.kind == "none":
        yield ErrorBody(
            message="No horizontal dims were recognised: there are no maps and no split by place.",
            code="unsupported_grid",
            hint="Name the dims lat and lon (or y and x), or give them standard_name.",
            field=None,
        )
    for dim in sorted(used):
        name = grid.coordinate(dim)
        if name in ds.coords and ds[name].ndim == 1 and ds[name].size > 1:
            yield from _along(ds[name], circular=grid.geographic and dim == grid.x)
        elif dim in grid.horizontal and grid.kind == "rectilinear" and name not in ds.coords:
            yield ErrorBody(
                message=f"'{dim}' has no coordinate, so cells have no place.",
                code="unsupported_grid",
                hint=f"Give it one: ds.assign_coords({dim}=...).",
                field=dim,
            )
        if dim in grid.horizontal and name in ds.coords and ds[name].dtype.kind not in "iufmM":
            yield ErrorBody(
                message=f"The coordinate of '{dim}' holds {ds[name].dtype}: cells have no place.",
                code="unsupported_grid",
                hint=f"Give it numbers: ds.assign_coords({dim}=...).",
                field=dim,
            )
    yield from _places(ds, grid)


def _along(coord: xr.DataArray, *, circular: bool) -> Iterator[ErrorBody]:
    """Yield what is wrong with the 1-D coordinate of a dim."""
    if is_time(coord):
        values = days_since_1970(coord)
        if np.issubdtype(coord.dtype, np.datetime64) and np.isnat(coord.values).any():
            values = np.where(np.isnat(coord.values), np.nan, values)
    elif np.issubdtype(coord.dtype, np.number):
        values = np.asarray(coord.values, dtype=np.float64)
    else:
        return
    name = str(coord.name)
    missing = int((~np.isfinite(values)).sum())
    if missing:
        yield ErrorBody(
            message=f"{missing} of {values.size} values of the coordinate '{name}' are missing.",
            code="missing_coordinates",
            hint="Leave these cells out, or write the coordinate again.",
            field=name,
        )
        return
    if circular and values.min() < 0 and values.max() > 180:
        yield _mixed_longitudes(name, values)
        return
    ordered, first = np.unique(values, return_index=True)
    twice = values.size - ordered.size
    if twice:
        repeated = np.setdiff1d(np.arange(values.size), first)[0]
        yield ErrorBody(
            message=f"{twice} of {values.size} values of '{name}' occur twice or more, the first "
            f"is {point(coord.values[repeated])}: these cells cannot be told apart.",
            code="duplicate_coordinates",
            hint=f"Keep one of each: ds.drop_duplicates('{name}').",
            field=name,
        )
    steps = np.diff(np.unwrap(values, period=360) if circular else values)
    if not ((steps >= 0).all() or (steps <= 0).all()):
        back = min(int((steps < 0).sum()), int((steps > 0).sum()))
        yield ErrorBody(
            message=f"'{name}' is not sorted: {back} of {steps.size} steps run backwards.",
            code="unsorted_coordinates",
            hint=f"Sort it: ds.sortby('{name}').",
            field=name,
        )
    elif is_time(coord) and ordered.size > 2:
        yield from _time_gaps(name, coord, np.abs(steps[steps != 0]))


def _time_gaps(name: str, coord: xr.DataArray, steps: NDArray[np.float64]) -> Iterator[ErrorBody]:
    usual = float(np.median(steps))
    ratio = steps / usual
    odd = (ratio < 0.5) | (np.abs(ratio - np.rint(ratio)) > _UNEVEN)
    if float(odd.mean()) > _IRREGULAR:
        yield ErrorBody(
            message=f"The times of '{name}' have no regular step: from "
            f"{Size(float(steps.min()), 'time')} to {Size(float(steps.max()), 'time')}.",
            code="irregular_time",
            hint="Windows and lags count steps: resample the cube for these.",
            field=name,
        )
        return
    wide = np.flatnonzero(steps > _GAP * usual)
    if not wide.size:
        return
    lost = int(np.rint(steps[wide] / usual - 1).sum())
    before = np.unique(coord.values)[wide[0]]
    yield ErrorBody(
        message=f"'{name}' lacks {lost} steps of {Size(float(f'{usual:.5g}'), 'time')} in "
        f"{wide.size} gaps, the first after {point(before)}.",
        code="time_gaps",
        hint="Windows and lags that reach across a gap are left out: reindex the cube to all "
        "steps to have them with missing values.",
        field=name,
    )


def _places(ds: xr.Dataset, grid: Grid) -> Iterator[ErrorBody]:
    """Yield what is wrong with latitudes and longitudes, in rows or scattered."""
    if not grid.geographic or grid.lat is None or grid.lon is None:
        return
    lat, lon = (np.asarray(ds[name].values, np.float64) for name in (grid.lat, grid.lon))
    if not lat.size or not lon.size:
        return
    beyond = float(np.nanmax(np.abs(lat))) if np.isfinite(lat).any() else 0.0
    if beyond > 90 + 1e-3:
        yield ErrorBody(
            message=f"'{grid.lat}' reaches {beyond:g}: latitudes end at 90 degrees.",
            code="implausible_coordinates",
            hint="Check whether latitude and longitude are swapped, or a fill value is in them.",
            field=grid.lat,
        )
    if grid.kind == "rectilinear":
        return
    if np.isfinite(lon).any() and np.nanmin(lon) < 0 and np.nanmax(lon) > 180:
        yield _mixed_longitudes(grid.lon, lon)
    missing = float((~np.isfinite(lat) | ~np.isfinite(lon)).mean())
    if missing:
        yield ErrorBody(
            message=f"{missing:.1%} of the cells have no latitude or longitude.",
            code="missing_coordinates",
            hint="They belong to no block or region and are not used.",
            field=grid.lat,
        )


def _mixed_longitudes(name: str, values: NDArray[np.float64]) -> ErrorBody:
    return ErrorBody(
        message=f"'{name}' runs from {np.nanmin(values):g} to {np.nanmax(values):g}: longitudes "
        "of -180..180 and of 0..360 are mixed.",
        code="mixed_longitudes",
        hint=f"Use one of them: ds.assign_coords({name}=(ds.{name} + 180) % 360 - 180), then sort.",
        field=name,
    )
