"""Where the cells of a cube are, on every kind of grid."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError
from ..reading.boxes import values_of
from .cf import RADIANS, is_rotated
from .coordinates import as_float32, cell_coordinates, modulo_360
from .grid import Grid
from .healpix import cell_centres, healpix_of


@dataclass(frozen=True)
class Positions:
    """Centres of cells.

    Attributes
    ----------
    y, x : xarray.DataArray
        float64: degrees (x modulo 360) or metres; 1-D each on a rectilinear grid, 2-D on a
        curvilinear one, 1-D over the cells of an unstructured one. Without coordinates.
    geographic : bool
        Whether they are degrees on the sphere, so that distances are great circles. Those about
        a rotated pole are: a rotation changes no distance.
    """

    y: xr.DataArray
    x: xr.DataArray
    geographic: bool


#: Positions of frames that are still there, by id: splits of one frame ask several times.
_known: dict[int, tuple[weakref.ref[xr.Dataset], Grid, Positions]] = {}


def positions(frame: xr.Dataset, grid: Grid) -> Positions:
    """Return the centres of the cells of `frame`.

    Numbers pass through float32, so that a file with coordinates in float64 and one with
    float32 name the same cells. They are kept as long as `frame` is: a frame is not changed
    in place.

    Parameters
    ----------
    frame : xarray.Dataset
        The cube, a crop of it, or its coordinates alone.
    grid : Grid
        Of `frame`.

    Raises
    ------
    CubeError
        ``unsupported_grid`` where there are no horizontal dims or cells without a place.
    """
    key = id(frame)
    known = _known.get(key)
    if known is not None and known[0]() is frame and known[1] == grid:
        return known[2]
    found = _positions(frame, grid)
    _known[key] = (weakref.ref(frame, lambda _: _known.pop(key, None)), grid, found)
    return found


def _positions(frame: xr.Dataset, grid: Grid) -> Positions:
    if grid.kind == "rectilinear" and grid.y is not None and grid.x is not None:
        return _rectilinear(frame, grid, grid.y, grid.x)
    if grid.lat is not None and grid.lon is not None:
        return _scattered(frame, grid.lat, grid.lon)
    cells = healpix_of(frame)
    if cells is not None:
        count = frame.sizes[cells.dim]
        number = np.arange(count) if cells.index is None else frame[cells.index].values
        lat, lon = cell_centres(number, cells.nside, nested=cells.nested)
        return _geographic(lat, lon, (cells.dim,))
    raise CubeError(
        "The cells of the cube have no place: neither horizontal dims nor latitudes and "
        "longitudes of cells were found.",
        hint="Give the coordinates the CF standard names 'latitude' and 'longitude', "
        "with ds.assign_coords(...).",
        code="unsupported_grid",
    )


def _rectilinear(frame: xr.Dataset, grid: Grid, y: str, x: str) -> Positions:
    along_y, along_x = cell_coordinates(frame, grid, y), cell_coordinates(frame, grid, x)
    rotated = is_rotated(frame[y]) and is_rotated(frame[x])
    if rotated:
        along_x = modulo_360(along_x)
    return Positions(
        xr.DataArray(along_y, dims=[y]),
        xr.DataArray(along_x, dims=[x]),
        grid.geographic or rotated,
    )


def _scattered(frame: xr.Dataset, lat: str, lon: str) -> Positions:
    dims = tuple(map(str, frame[lat].dims))
    return _geographic(_degrees(frame[lat]), _degrees(frame[lon].transpose(*dims)), dims)


def _geographic(
    lat: NDArray[np.float64], lon: NDArray[np.float64], dims: tuple[str, ...]
) -> Positions:
    return Positions(
        xr.DataArray(as_float32(lat), dims=dims),
        xr.DataArray(modulo_360(as_float32(lon)), dims=dims),
        True,
    )


def _degrees(coord: xr.DataArray) -> NDArray[np.float64]:
    values = np.asarray(values_of(coord), dtype=np.float64)
    return np.degrees(values) if str(coord.attrs.get("units", "")).lower() in RADIANS else values
