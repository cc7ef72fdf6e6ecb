"""Coordinates in the form that identifies a cell, whatever width or convention a file uses."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from ...errors import CubeError, InvalidInputError
from .cf import is_time
from .grid import Grid
from .sizes import Kind

_METRES = {"m": 1.0, "metre": 1.0, "metres": 1.0, "meter": 1.0, "meters": 1.0, "": 1.0}
_KILOMETRES = {"km": 1000.0, "kilometre": 1000.0, "kilometer": 1000.0, "kilometers": 1000.0}
_DEGREES = {"degrees", "degree", "deg", "°", "degrees_north", "degrees_east"}


def kind_of(ds: xr.Dataset, grid: Grid, dim: str) -> Kind:
    """Return in which kind of unit sizes along `dim` are given."""
    axis = grid.axis(dim)
    if axis == "time":
        return "time" if dim in ds.coords and is_time(ds[dim]) else "plain"
    if axis is None:
        return "plain"
    name = grid.coordinate(dim)
    if name not in ds.coords or grid.kind == "curvilinear":
        return "plain"
    units = str(ds[name].attrs.get("units", "")).lower()
    if grid.geographic or units in _DEGREES:
        return "angle"
    return "length" if units in _METRES or units in _KILOMETRES else "plain"


def cell_coordinates(ds: xr.Dataset, grid: Grid, dim: str) -> NDArray[np.float64]:
    """Return the coordinate of each cell along `dim` in degrees, metres, days since 1970 or plain.

    Numbers pass through float32, so that a file that keeps its coordinates in float64 and one
    that keeps them in float32 name the same cells; longitudes are taken modulo 360.

    Raises
    ------
    CubeError
        ``unsupported_grid`` where `dim` has no 1-D numeric coordinate.
    """
    name = grid.coordinate(dim)
    if name not in ds.coords or ds[name].ndim != 1:
        raise no_coordinate(dim)
    coord = ds[name]
    if is_time(coord):
        return days_since_1970(coord)
    if not np.issubdtype(coord.dtype, np.number):
        raise CubeError(
            f"The coordinate of '{dim}' holds {coord.dtype}: neither numbers nor times.",
            hint=f"Give it numbers or dates: ds.assign_coords({dim}=...).",
            code="unsupported_grid",
            field=f"split.sizes.{dim}",
        )
    values = as_float32(coord.values)
    if kind_of(ds, grid, dim) == "length":
        values = values * _KILOMETRES.get(str(coord.attrs.get("units", "")).lower(), 1.0)
    if grid.geographic and dim == grid.x:
        values = modulo_360(values)
    return values


def as_float32(values: ArrayLike) -> NDArray[np.float64]:
    """Return `values` at the precision of float32, as float64."""
    return np.asarray(values).astype(np.float32).astype(np.float64)


def modulo_360(lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return longitudes from 0 to below 360 at the precision of float32."""
    # Again through float32: -0.1 and 359.9 are one meridian.
    found = as_float32(np.mod(lon, 360.0))
    found[found == 360.0] = 0.0
    return found


def no_coordinate(dim: str) -> CubeError:
    """Return the error for a dim whose cells have no place."""
    return CubeError(
        f"The dim '{dim}' has no coordinate, so its cells cannot be told apart.",
        hint=f"Give it one: ds.assign_coords({dim}=...).",
        code="unsupported_grid",
        field=f"split.sizes.{dim}",
    )


def days_since_1970(coord: xr.DataArray) -> NDArray[np.float64]:
    """Return times as float64 days since 1970-01-01 UTC, in the calendar that they have.

    A time that is missing is NaN.
    """
    if np.issubdtype(coord.dtype, np.datetime64):
        ns = coord.values.astype("datetime64[ns]")
        return np.where(np.isnat(ns), np.nan, ns.astype(np.int64) / 86_400e9)
    import cftime  # type: ignore[import-untyped, unused-ignore]

    calendar = coord.values.flat[0].calendar
    numbers = cftime.date2num(coord.values, "days since 1970-01-01", calendar=calendar)
    return np.asarray(numbers, dtype=np.float64)


def months_of(coord: xr.DataArray) -> NDArray[np.int64]:
    """Return the calendar month (1 to 12) of each time."""
    return np.asarray(coord.dt.month.values, dtype=np.int64)


def parse_date(text: str, *, field: str | None = None) -> datetime:
    """Read an ISO 8601 date or time; one without a zone is UTC.

    Returns
    -------
    datetime
        Naive, in UTC.

    Raises
    ------
    InvalidInputError
        ``invalid_date``.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            f"'{text}' is not a date.",
            hint="Write ISO 8601, such as 2002-07-16 or 2002-07-16T12:00.",
            code="invalid_date",
            field=field,
        ) from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def date_as_days(moment: datetime, coord: xr.DataArray) -> float:
    """Return `moment` as days since 1970 in the calendar of the time coordinate `coord`."""
    if np.issubdtype(coord.dtype, np.datetime64):
        ns = np.datetime64(moment, "ns").astype(np.int64)
        return float(ns / 86_400e9)
    import cftime  # type: ignore[import-untyped, unused-ignore]

    calendar = coord.values.flat[0].calendar
    # 30-day calendars have no 31st; those without leap years no 29 February.
    day = min(moment.day, 30) if calendar == "360_day" else moment.day
    if calendar in ("noleap", "365_day") and (moment.month, day) == (2, 29):
        day = 28
    same = cftime.datetime(
        *(moment.year, moment.month, day, moment.hour, moment.minute, moment.second),
        calendar=calendar,
    )
    return float(cftime.date2num(same, "days since 1970-01-01", calendar=calendar))
