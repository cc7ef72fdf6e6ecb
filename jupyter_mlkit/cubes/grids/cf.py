"""What CF attributes, dtypes and customary names say about one dim or coordinate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import xarray as xr

Axis = Literal["time", "y", "x"]
#: Also the dims that are neither time nor horizontal.
Role = Literal["time", "y", "x", "vertical", "member"]

_STANDARD_NAMES: dict[str, Role] = {
    "time": "time",
    "latitude": "y",
    "longitude": "x",
    "projection_y_coordinate": "y",
    "projection_x_coordinate": "x",
    "projection_y_angular_coordinate": "y",
    "projection_x_angular_coordinate": "x",
    "grid_latitude": "y",
    "grid_longitude": "x",
    "realization": "member",
    **dict.fromkeys(
        (
            "air_pressure",
            "altitude",
            "atmosphere_hybrid_sigma_pressure_coordinate",
            "atmosphere_sigma_coordinate",
            "depth",
            "depth_below_geoid",
            "geopotential_height",
            "height",
            "height_above_mean_sea_level",
            "model_level_number",
            "ocean_s_coordinate",
            "ocean_sigma_coordinate",
        ),
        "vertical",
    ),
}
_AXES: dict[str, Role] = {"T": "time", "Y": "y", "X": "x", "Z": "vertical", "E": "member"}
_NORTH = {"degrees_north", "degree_north", "degrees_n", "degree_n", "degreesn", "degreen"}
_EAST = {"degrees_east", "degree_east", "degrees_e", "degree_e", "degreese", "degreee"}
_PLAIN_DEGREES = {"degrees", "degree", "deg", "°"}
RADIANS = {"radian", "radians", "rad"}
#: Names that dims usually have; also how a spec may call them.
AXIS_NAMES: dict[Axis, tuple[str, ...]] = {
    "time": ("time", "t", "date", "datetime", "times"),
    "y": ("lat", "latitude", "y", "northing", "rlat", "lats", "nav_lat"),
    "x": ("lon", "longitude", "x", "easting", "rlon", "lons", "long", "nav_lon"),
}
_OTHER_NAMES: dict[Role, tuple[str, ...]] = {
    "vertical": (
        *("level", "lev", "plev", "pressure", "pressure_level", "isobaricinhpa", "depth"),
        *("deptht", "altitude", "height", "z"),
    ),
    "member": ("member", "member_id", "realization", "ensemble", "ens", "number"),
}
#: Names of coordinates of cells: lat, latitude, lats, nav_lat, xlat, clat, lat_rho; not latent.
_CALLED = {
    "latitude": re.compile(r"(nav_|x|c|g)?lat(s|itudes?)?(_\w+)?"),
    "longitude": re.compile(r"(nav_|x|c|g)?lon(s|g|gitudes?)?(_\w+)?"),
}
_ROTATED = {"grid_latitude", "grid_longitude"}
_METRIC = {"m", "metre", "metres", "meter", "meters", "km", "kilometre", "kilometer", "kilometers"}


def dim_axes(ds: xr.Dataset) -> dict[Role, str]:
    """Return which dim of `ds` has which role: by attributes, then dtypes, then names."""
    found: dict[Role, str] = {}
    for evidence in (_by_attributes, _by_dtype, _by_name):
        for dim in map(str, ds.dims):
            role = evidence(ds, dim)
            if role is not None and role not in found and dim not in found.values():
                found[role] = dim
    return found


def _by_attributes(ds: xr.Dataset, dim: str) -> Role | None:
    if dim not in ds.coords or ds[dim].ndim != 1:
        return None
    attrs = ds[dim].attrs
    role = _STANDARD_NAMES.get(_lower(attrs, "standard_name"))
    role = role or _AXES.get(str(attrs.get("axis", "")).upper())
    if role is not None:
        return role
    units = _lower(attrs, "units")
    if units in _NORTH:
        return "y"
    if units in _EAST:
        return "x"
    return "vertical" if _lower(attrs, "positive") in ("up", "down") else None


def _by_dtype(ds: xr.Dataset, dim: str) -> Role | None:
    return "time" if dim in ds.coords and is_time(ds[dim]) else None


def _by_name(_: xr.Dataset, dim: str) -> Role | None:
    names: Mapping[Any, tuple[str, ...]] = {**AXIS_NAMES, **_OTHER_NAMES}
    return next((role for role, known in names.items() if dim.lower() in known), None)


def is_time(coord: xr.DataArray) -> bool:
    """Return whether `coord` holds points in time (numpy or cftime)."""
    if np.issubdtype(coord.dtype, np.datetime64):
        return True
    return coord.dtype == object and coord.size > 0 and hasattr(coord.values.flat[0], "timetuple")


def is_latitude(coord: xr.DataArray) -> bool:
    """Return whether `coord` holds geographic latitudes in degrees (ICON: in radians)."""
    return _in_degrees(coord, _NORTH, "latitude")


def is_longitude(coord: xr.DataArray) -> bool:
    """Return whether `coord` holds geographic longitudes in degrees (ICON: in radians)."""
    return _in_degrees(coord, _EAST, "longitude")


def _in_degrees(coord: xr.DataArray, units: set[str], name: str) -> bool:
    standard = _lower(coord.attrs, "standard_name")
    if standard in _ROTATED or not np.issubdtype(coord.dtype, np.number):
        return False
    declared = _lower(coord.attrs, "units")
    means = _CALLED[name].fullmatch(str(coord.name).lower()) is not None
    if declared:
        angle = declared in _PLAIN_DEGREES or (declared in RADIANS and standard == name)
        return declared in units or (angle and (means or standard == name))
    return standard == name or means


def is_projected(coord: xr.DataArray) -> bool:
    """Return whether `coord` says that it is one of a projection or of a rotated pole."""
    standard = _lower(coord.attrs, "standard_name")
    return (
        standard.startswith("projection_")
        or standard in _ROTATED
        or _lower(coord.attrs, "units") in _METRIC
    )


def is_rotated(coord: xr.DataArray) -> bool:
    """Return whether `coord` holds degrees about a rotated pole."""
    if _lower(coord.attrs, "standard_name") in _ROTATED:
        return True
    degrees = _lower(coord.attrs, "units") in _PLAIN_DEGREES
    return degrees and str(coord.name).lower() in ("rlat", "rlon")


def _lower(attrs: Mapping[Any, Any], name: str) -> str:
    return str(attrs.get(name, "")).lower()
