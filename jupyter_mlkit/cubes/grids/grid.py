"""Which dims of a cube are time, y and x, and how large its cells are."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Axis = Literal["time", "y", "x"]

_STANDARD_NAMES: dict[str, Axis] = {
    "time": "time",
    "latitude": "y",
    "longitude": "x",
    "projection_y_coordinate": "y",
    "projection_x_coordinate": "x",
    "grid_latitude": "y",
    "grid_longitude": "x",
}
_AXES: dict[str, Axis] = {"T": "time", "Y": "y", "X": "x"}
_NORTH = {"degrees_north", "degree_north", "degrees_n", "degree_n", "degreesn", "degreen"}
_EAST = {"degrees_east", "degree_east", "degrees_e", "degree_e", "degreese", "degreee"}
#: Names that dims usually have; also how a spec may call them.
AXIS_NAMES: dict[Axis, tuple[str, ...]] = {
    "time": ("time", "t", "date", "datetime", "times"),
    "y": ("lat", "latitude", "y", "northing", "rlat", "lats", "nav_lat"),
    "x": ("lon", "longitude", "x", "easting", "rlon", "lons", "long", "nav_lon"),
}
_ROTATED = {"grid_latitude", "grid_longitude"}


@dataclass(frozen=True)
class Grid:
    """The dims of a cube by what they mean.

    Attributes
    ----------
    time, y, x : str or None
        Name of the dim with that role; y and x are the horizontal dims.
    geographic : bool
        Whether y and x are degrees of latitude and longitude.
    """

    time: str | None
    y: str | None
    x: str | None
    geographic: bool

    @property
    def horizontal(self) -> tuple[str, ...]:
        """Names of the horizontal dims, y first."""
        return tuple(dim for dim in (self.y, self.x) if dim is not None)

    def axis(self, dim: Hashable) -> Axis | None:
        """Return the role of `dim`, None for levels, members and bands."""
        for axis, name in (("time", self.time), ("y", self.y), ("x", self.x)):
            if name is not None and name == dim:
                return axis  # type: ignore[return-value]
        return None

    def canonical(self, dims: list[str]) -> list[str]:
        """Return `dims` in canonical order: time, y, x, then the others by name."""
        order: dict[Axis | None, int] = {"time": 0, "y": 1, "x": 2, None: 3}
        return sorted(dims, key=lambda dim: (order[self.axis(dim)], dim))


def grid_of(ds: xr.Dataset) -> Grid:
    """Recognise time, y and x by CF attributes first, then by dtype and names.

    Parameters
    ----------
    ds : xarray.Dataset
        Any dims in any order; only dims with a 1-D coordinate of their own name, or with a
        known name, are recognised.

    Returns
    -------
    Grid
    """
    found: dict[Axis, str] = {}
    for evidence in (_by_attributes, _by_dtype, _by_name):
        for dim in map(str, ds.dims):
            axis = evidence(ds, dim)
            if axis is not None and axis not in found and dim not in found.values():
                found[axis] = dim
    y, x = found.get("y"), found.get("x")
    return Grid(
        time=found.get("time"),
        y=y,
        x=x,
        geographic=(
            y is not None
            and x is not None
            and _in_degrees(ds, y, _NORTH, "latitude")
            and _in_degrees(ds, x, _EAST, "longitude")
        ),
    )


def _by_attributes(ds: xr.Dataset, dim: str) -> Axis | None:
    if dim not in ds.coords or ds[dim].ndim != 1:
        return None
    attrs = ds[dim].attrs
    axis = _STANDARD_NAMES.get(str(attrs.get("standard_name", "")).lower())
    axis = axis or _AXES.get(str(attrs.get("axis", "")).upper())
    if axis is not None:
        return axis
    units = str(attrs.get("units", "")).lower()
    if units in _NORTH:
        return "y"
    return "x" if units in _EAST else None


def _by_dtype(ds: xr.Dataset, dim: str) -> Axis | None:
    return "time" if dim in ds.coords and is_time(ds[dim]) else None


def _by_name(_: xr.Dataset, dim: str) -> Axis | None:
    return next((axis for axis, names in AXIS_NAMES.items() if dim.lower() in names), None)


def is_time(coord: xr.DataArray) -> bool:
    """Return whether `coord` holds points in time (numpy or cftime)."""
    if np.issubdtype(coord.dtype, np.datetime64):
        return True
    return coord.dtype == object and coord.size > 0 and hasattr(coord.values.flat[0], "timetuple")


def _in_degrees(ds: xr.Dataset, dim: str, units: set[str], name: str) -> bool:
    if dim not in ds.coords:
        return False
    attrs = ds[dim].attrs
    if str(attrs.get("standard_name", "")).lower() in _ROTATED:
        return False
    declared = str(attrs.get("units", "")).lower()
    if declared:
        return declared in units or (
            declared in ("degrees", "degree", "deg", "°") and dim.lower()[:3] == name[:3]
        )
    return attrs.get("standard_name") == name or dim.lower().startswith(name[:3])


@dataclass(frozen=True)
class AreaWeights:
    """Weights of cells by area, along y (or all ones).

    Attributes
    ----------
    values : xarray.DataArray
        float64 along the y dim; 0-d and one where areas are equal.
    kind : str
        ``"area (bounds)"``, ``"area (cos lat)"`` or ``"equal"``.
    edges : ndarray of float64, shape (n, 2), or None
        South and north edge along y in degrees, where the weights come from bounds; else they
        follow from the coordinate.
    """

    values: xr.DataArray
    kind: str
    edges: NDArray[np.float64] | None = None


def cell_area_weights(ds: xr.Dataset, grid: Grid | None = None) -> AreaWeights:
    """Return the weight of each cell by its area.

    On latitudes it is sin(north edge) - sin(south edge) where the bounds are there, else
    cos(latitude); on projected grids it is one, as cells are taken to have equal area.

    Parameters
    ----------
    ds : xarray.Dataset
    grid : Grid, optional
        Recognised from `ds` where not given.
    """
    grid = grid or grid_of(ds)
    if not grid.geographic or grid.y is None:
        return AreaWeights(xr.DataArray(1.0), "equal")
    lat = ds[grid.y].astype(np.float64)
    bounds = _bounds_of(ds, grid.y)
    if bounds is not None:
        sines = np.sin(np.radians(bounds))
        values, kind = np.abs(sines[:, 1] - sines[:, 0]), "area (bounds)"
    else:
        # A pole cell centred on 90 deg would get a tiny negative weight from rounding.
        values, kind = np.clip(np.cos(np.radians(lat.values)), 0, None), "area (cos lat)"
    edges = None if bounds is None else np.sort(bounds, axis=1)
    return AreaWeights(xr.DataArray(values, dims=[grid.y], name="weight"), kind, edges)


def _bounds_of(ds: xr.Dataset, dim: str) -> NDArray[np.float64] | None:
    """Return the edges of the cells along `dim`, shape (n, 2), where the cube has them."""
    # Decoding moves the attribute "bounds" to the encoding.
    declared = ds[dim].attrs.get("bounds", ds[dim].encoding.get("bounds"))
    for name in (declared, f"{dim}_bnds", f"{dim}_bounds"):
        if name in ds.variables and ds[name].shape == (ds.sizes[dim], 2):
            return np.asarray(ds[name].values, dtype=np.float64)
    return None
