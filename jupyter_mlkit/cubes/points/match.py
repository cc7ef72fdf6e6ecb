"""In-situ measurements and the cells of a cube that they fall into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError, InvalidInputError
from ..grids.coordinates import date_as_days, days_since_1970
from ..grids.crs import mapping_of
from ..grids.grid import Grid, grid_of
from ..grids.sizes import parse_size
from ..splits.distance import EARTH_RADIUS
from .linear import linear
from .nearest import Cells, Found, nearest
from .read import Column, read_cells
from .table import Points, points_of

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Method = Literal["nearest", "linear"]


def match_points(
    cube: xr.Dataset,
    table: pd.DataFrame | xr.Dataset,
    tolerance: str | float | None = None,
    method: Method = "nearest",
    time_tolerance: str | None = None,
) -> xr.Dataset:
    """Give every measurement the values of the cube where and when it was taken.

    The cube is read in whole chunks, only those that hold points, each once.

    Parameters
    ----------
    cube : xarray.Dataset
        Any grid. Dims beside those of place and time (levels, members) stay dims of the result.
    table : pandas.DataFrame or xarray.Dataset
        One row per measurement: latitude and longitude in degrees, time where the cube has a
        time dim (without a zone it is UTC), and whatever was measured.
    tolerance : str or float, optional
        How far the centre of a cell may lie: ``"10 km"``, ``"0.1 deg"``, or metres. Where not
        given, half a cell along each axis; along one dim and on swaths the usual distance of
        neighbouring centres.
    method : {"nearest", "linear"}
        The nearest cell, or those around the point weighed linearly: four, on a grid of cells
        along one dim three (see :func:`.linear.linear`); a point is missing where one of them
        is. Time is always the nearest.
    time_tolerance : str, optional
        ``"12h"``; half a usual time step where not given.

    Returns
    -------
    xarray.Dataset
        Dim ``sample``, in the order of the table: the variables of the cube, what was measured
        (with ``_measured`` added where the cube has the name), ``distance`` to the centre of the
        nearest cell in metres, ``dt`` (time of the cell minus time of the measurement), and
        ``matched``. Its coordinates ``lat``, ``lon``, ``time`` are those of the measurement, so
        that a split gives it the block of its own place. Points without a match are missing
        (NaN); ``attrs["unmatched"]`` counts them.

    Raises
    ------
    InvalidInputError
        ``no_coordinates``: the table lacks latitude, longitude or time; ``invalid_method``.
    CubeError
        ``unsupported_grid``, ``unreadable_chunk``.
    SpecError
        A tolerance cannot be read.
    """
    grid = grid_of(cube)
    if method not in ("nearest", "linear"):
        raise InvalidInputError(
            f"There is no method '{method}'.",
            hint="Choose 'nearest' or 'linear'.",
            code="invalid_method",
        )
    points = points_of(table, needs_time=grid.time is not None)
    cells = Cells.of(cube, grid)
    y, x = _in_crs(cube, grid, cells, points)
    found = linear(cells, y, x) if method == "linear" else nearest(cells, y, x)
    limit = None if tolerance is None else _metres(tolerance, geographic=cells.geographic)
    matched = found.inside if limit is None else found.distance <= limit
    places, dt = dict(found.places), None
    if grid.time is not None and points.time is not None:
        places[grid.time], dt = _nearest_time(cube[grid.time], points.time)
        matched = matched & (np.abs(dt) <= _days(cube[grid.time], time_tolerance))
    data = read_cells(cube, Found(places, found.weights, found.distance, matched), matched)
    return _assembled(points, data, found.distance, dt, matched)


def _in_crs(cube: xr.Dataset, grid: Grid, cells: Cells, points: Points) -> tuple[Floats, Floats]:
    """Return the places of `points` in the coordinates of the cube's cells."""
    if cells.geographic:
        return points.lat, points.lon
    try:
        import pyproj
    except ImportError:
        raise CubeError(
            "Points in degrees on a projected cube need the package pyproj.",
            hint="Run: pip install 'jupyter_mlkit[geo]'",
            code="unsupported_grid",
        ) from None
    attrs = dict(mapping_of(cube))
    try:
        if "crs_wkt" not in attrs and grid.crs is not None and grid.crs.startswith("EPSG:"):
            target = pyproj.CRS.from_user_input(grid.crs)
        else:
            target = pyproj.CRS.from_cf(attrs)
    except (pyproj.exceptions.CRSError, KeyError):
        raise CubeError(
            "The cube is projected and does not say how, so points in degrees have no place.",
            hint="Give it a CF grid mapping (for example with rioxarray: ds.rio.write_crs).",
            code="unsupported_grid",
        ) from None
    there = pyproj.Transformer.from_crs("EPSG:4326", target, always_xy=True)
    x, y = there.transform(points.lon, points.lat)
    return np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64)


def _metres(tolerance: str | float, *, geographic: bool) -> float:
    if not isinstance(tolerance, str):
        return float(tolerance)
    size = parse_size(tolerance, field="tolerance")
    if size.kind == "length":
        return size.value
    if size.kind == "angle" and geographic:
        return float(np.radians(size.value) * EARTH_RADIUS)
    raise InvalidInputError(
        f"'{tolerance}' is no distance here.", hint="Write '10 km' or '0.1 deg'.", field="tolerance"
    )


def _days(time: xr.DataArray, tolerance: str | None) -> float:
    """Return how many days a time may be away."""
    if tolerance is not None:
        size = parse_size(tolerance, field="time_tolerance")
        if size.kind != "time":
            raise InvalidInputError(
                f"'{tolerance}' is no length of time.", hint="Write '12h'.", field="time_tolerance"
            )
        return size.value
    steps = np.diff(np.sort(days_since_1970(time)))
    return float(np.median(steps)) / 2 if steps.size else 0.5


def _nearest_time(
    coord: xr.DataArray, times: NDArray[np.datetime64]
) -> tuple[NDArray[np.int64], Floats]:
    """Return the position of the nearest time, and how many days it is later."""
    days = days_since_1970(coord)
    order = np.argsort(days, kind="stable")
    ordered = days[order]
    wanted = _as_days(times, coord)
    after = np.clip(np.searchsorted(ordered, wanted), 1, max(days.size - 1, 1))
    before = np.maximum(after - 1, 0)
    after = np.minimum(after, days.size - 1)
    place = np.where(wanted - ordered[before] <= ordered[after] - wanted, before, after)
    return order[place].astype(np.int64), ordered[place] - wanted


def _as_days(times: NDArray[np.datetime64], coord: xr.DataArray) -> Floats:
    """Return `times` as days since 1970 in the calendar of `coord`; NaN where there is none."""
    plain = times.astype("M8[us]")
    if np.issubdtype(coord.dtype, np.datetime64):
        days = plain.astype(np.int64) / 86_400e6
    else:
        unique, place = np.unique(plain, return_inverse=True)
        known = [
            np.nan if np.isnat(moment) else date_as_days(moment.item(), coord) for moment in unique
        ]
        days = np.array(known, dtype=np.float64)[place]
    return np.where(np.isnat(times), np.nan, days)


def _assembled(
    points: Points,
    data: dict[str, Column],
    distance: Floats,
    dt: Floats | None,
    matched: NDArray[np.bool_],
) -> xr.Dataset:
    variables: dict[str, Any] = dict(data)
    for name, values in points.measured.items():
        variables[f"{name}_measured" if name in data else name] = ("sample", values)
    variables["distance"] = (
        "sample",
        distance,
        {"long_name": "distance to the centre of the cell", "units": "m"},
    )
    if dt is not None:
        nat = np.timedelta64("NaT", "ns")
        late = np.where(np.isnan(dt), 0, np.round(dt * 86_400e9)).astype("m8[ns]")
        variables["dt"] = ("sample", np.where(np.isnan(dt), nat, late))
    variables["matched"] = ("sample", matched)
    coords: dict[str, Any] = {
        "lat": ("sample", points.lat, {"standard_name": "latitude", "units": "degrees_north"}),
        "lon": ("sample", points.lon, {"standard_name": "longitude", "units": "degrees_east"}),
    }
    if points.time is not None:
        coords["time"] = ("sample", points.time, {"standard_name": "time"})
    attrs = {"unmatched": int(matched.size - matched.sum())}
    return xr.Dataset(variables, coords=coords, attrs=attrs)
