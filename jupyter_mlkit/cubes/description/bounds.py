"""Where and when the cells of a cube are."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...models import Dimension
from ..grids.coordinates import kind_of
from ..grids.grid import Grid, is_time
from ..grids.positions import positions
from ..grids.sizes import Size
from ..grids.tiles import spacing

DimRole = Literal["time", "y", "x", "cell", "vertical", "member", "other"]


def dimensions(ds: xr.Dataset, grid: Grid) -> list[Dimension]:
    """Return the dims that data variables have, in the order in which they occur."""
    used: list[str] = []
    for variable in ds.data_vars.values():
        used += [str(dim) for dim in variable.dims if dim not in used]
    return [_dimension(ds, grid, dim) for dim in used]


def bbox(ds: xr.Dataset, grid: Grid) -> list[float] | None:
    """Return west, south, east, north of the outer edges of the cells.

    Degrees or metres as the coordinates are; on scattered cells of their centres. West is
    larger than east where they lie across the date line. None where cells have no place.
    """
    if grid.kind == "none" or any(not ds.sizes[dim] for dim in grid.horizontal):
        return None
    if grid.kind == "rectilinear":
        return _bbox_of_rows(ds, grid)
    places = positions(ds, grid)
    lat, lon = (np.asarray(part.values, np.float64).ravel() for part in (places.y, places.x))
    known = np.isfinite(lat) & np.isfinite(lon)
    if not known.any():
        return None
    west, east = _arc(lon[known])
    edges = (west, float(lat[known].min()), east, float(lat[known].max()))
    return [round(edge, 6) for edge in edges]


def period(ds: xr.Dataset, grid: Grid) -> list[str] | None:
    """Return the first and the last time."""
    time = grid.time if grid.time is not None else grid.cell_time
    if time is None or time not in ds.coords or not is_time(ds[time]) or not ds[time].size:
        return None
    values = ds[time].values.ravel()
    if np.issubdtype(values.dtype, np.datetime64):
        values = values[~np.isnat(values)]
    return [point(values.min()), point(values.max())] if values.size else None


def point(value: object) -> str:
    """Return one value of a coordinate as text."""
    if isinstance(value, np.datetime64):
        return str(np.datetime_as_string(value, unit="s")).removesuffix("T00:00:00")
    if isinstance(value, np.floating):
        return f"{float(value):.10g}"
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _dimension(ds: xr.Dataset, grid: Grid, dim: str) -> Dimension:
    chunks = [
        variable.encoding.get("preferred_chunks", {}).get(dim)
        for variable in ds.data_vars.values()
        if dim in variable.dims
    ]
    known = [int(chunk) for chunk in chunks if chunk]
    name = grid.coordinate(dim)
    coord = ds[name] if name in ds.coords and ds[name].ndim == 1 else None
    ends: list[str | None] = [None, None]
    if coord is not None and coord.size:
        ends = [point(coord.values[0]), point(coord.values[-1])]
    return Dimension(
        name=dim,
        size=int(ds.sizes[dim]),
        chunk=max(known) if known else None,
        role=_role(grid, dim),
        first=ends[0],
        last=ends[1],
        step=None if coord is None else _step(ds, grid, dim, coord),
        units=None if coord is None else _text(coord.attrs.get("units")),
    )


def _role(grid: Grid, dim: str) -> DimRole:
    others: dict[str | None, DimRole] = {
        grid.cell: "cell",
        grid.vertical: "vertical",
        grid.member: "member",
    }
    return grid.axis(dim) or others.get(dim, "other")


def _step(ds: xr.Dataset, grid: Grid, dim: str, coord: xr.DataArray) -> str | None:
    measured = is_time(coord) or np.issubdtype(coord.dtype, np.number)
    if not measured or coord.size < 2 or coord.name != dim:
        return None
    distance = spacing(ds, grid, dim)
    return str(Size(float(f"{distance:.5g}"), kind_of(ds, grid, dim))) if distance else None


def _bbox_of_rows(ds: xr.Dataset, grid: Grid) -> list[float] | None:
    edges: list[float] = []
    for dim in (grid.x, grid.y):
        name = None if dim is None else grid.coordinate(dim)
        if name is None or name not in ds.coords or ds[name].ndim != 1:
            return None
        if not np.issubdtype(ds[name].dtype, np.number):
            return None
        values = np.asarray(ds[name].values, dtype=np.float64)
        values = values[np.isfinite(values)]
        if not values.size:
            return None
        half = float(np.median(np.abs(np.diff(values)))) / 2 if values.size > 1 else 0.0
        low, high = float(values.min()), float(values.max())
        if dim == grid.x and grid.geographic and not _is_monotonic(values):
            west, east = _arc(values)  # 179 is followed by -179
            if (east - west) % 360 + 3 * half < 360:  # not all around the globe
                low, high = west, east
        edges += [low - half, high + half]
    left, right, south, north = (round(edge, 6) for edge in edges)
    if grid.geographic:
        south, north = max(-90.0, south), min(90.0, north)
    return [left, south, right, north]


def _is_monotonic(values: NDArray[np.float64]) -> bool:
    steps = np.diff(values)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _arc(lon: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the shortest arc that holds all longitudes, from -180 to 180."""
    around = np.unique(np.mod(lon, 360.0))
    gaps = np.append(np.diff(around), around[0] + 360 - around[-1])
    last = int(np.argmax(gaps))
    ends = (float(around[(last + 1) % around.size]), float(around[last]))
    west, east = (end - 360 if end > 180 else end for end in ends)
    return west, east


def _text(value: object) -> str | None:
    return None if value is None else str(value)
