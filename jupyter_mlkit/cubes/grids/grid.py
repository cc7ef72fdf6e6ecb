"""Which dims of a cube are time, y, x, cells, levels and members, and what kind of grid it has."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import xarray as xr

from .cf import AXIS_NAMES, Axis, dim_axes, is_latitude, is_longitude, is_projected, is_time
from .crs import crs_of
from .healpix import healpix_of
from .pairs import Pair, latlon_pairs

__all__ = [
    "AXIS_NAMES",
    "Axis",
    "Grid",
    "GridKind",
    "grid_of",
    "is_time",
]

GridKind = Literal["rectilinear", "curvilinear", "unstructured", "none"]


@dataclass(frozen=True)
class Grid:
    """The dims of a cube by what they mean.

    Attributes
    ----------
    time, y, x : str or None
        Name of the dim with that role; y and x are the horizontal dims.
    geographic : bool
        Whether the cells have latitudes and longitudes in degrees as their coordinates.
    kind : {"rectilinear", "curvilinear", "unstructured", "none"}
        Whether cells are told apart by 1-D coordinates of y and x, by 2-D latitudes and
        longitudes (swaths), by latitudes and longitudes along one dim (ICON, HEALPix, in-situ
        points), or whether there are no horizontal dims.
    cell : str or None
        The one horizontal dim of an unstructured grid.
    lat, lon : str or None
        Names of the coordinates that hold latitude and longitude of the cells, 1-D or 2-D.
        Projected grids have them where the file gives them; HEALPix cells may do without.
    vertical, member : str or None
        Dims of levels and of ensemble members.
    cell_time : str or None
        The coordinate that holds the time of each cell, where every cell of an unstructured
        grid has its own (in-situ points, trajectories); there is no dim ``time`` then.
    crs : str or None
        The coordinate reference system: ``"EPSG:3035"`` where a code is known, else the CF
        ``grid_mapping_name`` such as ``"rotated_latitude_longitude"``.
    """

    time: str | None
    y: str | None
    x: str | None
    geographic: bool
    kind: GridKind = "rectilinear"
    cell: str | None = None
    lat: str | None = None
    lon: str | None = None
    vertical: str | None = None
    member: str | None = None
    cell_time: str | None = None
    crs: str | None = None

    @property
    def horizontal(self) -> tuple[str, ...]:
        """Names of the horizontal dims: y and x, or the one of the cells, or none."""
        dims = (self.cell,) if self.cell is not None else (self.y, self.x)
        return tuple(dim for dim in dims if dim is not None)

    def axis(self, dim: Hashable) -> Axis | None:
        """Return the role of `dim`, None for cells, levels, members and bands."""
        for axis, name in (("time", self.time), ("y", self.y), ("x", self.x)):
            if name is not None and name == dim:
                return axis  # type: ignore[return-value]
        return None

    def canonical(self, dims: list[str]) -> list[str]:
        """Return `dims` in canonical order: time, y, x (or cells), then the others by name."""
        order: dict[Axis | None, int] = {"time": 0, "y": 1, "x": 2, None: 3}
        return sorted(dims, key=lambda dim: (1 if dim == self.cell else order[self.axis(dim)], dim))

    def coordinate(self, dim: str) -> str:
        """Return the name of the 1-D coordinate along `dim`, which may differ from the dim's."""
        if self.kind == "rectilinear" and self.geographic:
            if dim == self.y and self.lat is not None:
                return self.lat
            if dim == self.x and self.lon is not None:
                return self.lon
        return dim


def grid_of(ds: xr.Dataset) -> Grid:
    """Recognise the grid of a cube by CF attributes first, then by dtype and names.

    Parameters
    ----------
    ds : xarray.Dataset
        Any dims in any order. Latitudes and longitudes that are no dims are found among the
        coordinates, not among the data variables.

    Returns
    -------
    Grid
        Equal for a cube, any crop of it, and its coordinates alone.
    """
    axes = dim_axes(ds)
    y, x = axes.get("y"), axes.get("x")
    base = Grid(
        time=axes.get("time"),
        y=y,
        x=x,
        geographic=False,
        kind="none" if y is None and x is None else "rectilinear",
        vertical=axes.get("vertical"),
        member=axes.get("member"),
        crs=crs_of(ds),
    )
    if y is not None and x is not None and _placed(ds, y) and _placed(ds, x):
        if is_latitude(ds[y]) and is_longitude(ds[x]):
            return replace(base, geographic=True, lat=y, lon=x)
        projected = is_projected(ds[y]) and is_projected(ds[x])
    else:
        projected = False
    pairs = [pair for pair in latlon_pairs(ds) if base.time not in pair.dims or len(pair.dims) == 1]
    plane = next((pair for pair in pairs if len(pair.dims) == 2), None)
    if plane is not None:
        base = replace(base, lat=plane.lat, lon=plane.lon)
        if projected:
            return base
        y, x = _ordered(plane.dims, y, x)
        kind: GridKind = "rectilinear" if plane.separate else "curvilinear"
        return replace(base, y=y, x=x, geographic=True, kind=kind)
    return base if projected else _unstructured(ds, base, pairs)


def _unstructured(ds: xr.Dataset, base: Grid, pairs: list[Pair]) -> Grid:
    """Return the grid of cells along one dim, `base` where `ds` has none."""
    if pairs:
        (cell,) = pairs[0].dims
        lat, lon = pairs[0].lat, pairs[0].lon
    else:
        healpix = healpix_of(ds)
        if healpix is None:
            return base
        cell, lat, lon = healpix.dim, None, None
    return replace(
        base,
        time=None if base.time == cell else base.time,
        y=None,
        x=None,
        geographic=True,
        kind="unstructured",
        cell=cell,
        lat=lat,
        lon=lon,
        vertical=None if base.vertical == cell else base.vertical,
        member=None if base.member == cell else base.member,
        cell_time=_time_of_cells(ds, cell),
    )


def _time_of_cells(ds: xr.Dataset, cell: str) -> str | None:
    for name, coord in ds.coords.items():
        if coord.dims == (cell,) and is_time(coord):
            return str(name)
    return None


def _placed(ds: xr.Dataset, dim: str) -> bool:
    return dim in ds.coords and ds[dim].ndim == 1 and bool(np.issubdtype(ds[dim].dtype, np.number))


def _ordered(dims: tuple[str, ...], y: str | None, x: str | None) -> tuple[str, str]:
    """Return which of two dims is y and which x; the first is y where nothing tells."""
    first, second = dims
    return (second, first) if second == y or first == x else (first, second)
