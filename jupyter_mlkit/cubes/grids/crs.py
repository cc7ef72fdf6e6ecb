"""The coordinate reference system that a cube names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import xarray as xr

_MARKS = ("grid_mapping_name", "crs_wkt", "spatial_ref", "epsg_code")
#: The last code of a WKT text is the one of the whole system: ``ID["EPSG",3035]]``.
_CODE = re.compile(r'(?:ID|AUTHORITY)\["EPSG",\s*"?(\d+)"?\]')


def mapping_of(ds: xr.Dataset) -> Mapping[Any, Any]:
    """Return the attributes of the grid mapping of `ds`, empty where it has none."""
    for name in (*ds.coords, *ds.data_vars):
        variable = ds.variables[name]
        if variable.ndim <= 1 and any(mark in variable.attrs for mark in _MARKS):
            return variable.attrs
    return {}


def crs_of(ds: xr.Dataset) -> str | None:
    """Return ``"EPSG:<code>"`` where `ds` says so, else the name of its grid mapping.

    Parameters
    ----------
    ds : xarray.Dataset
        Read are the grid mapping (``crs_wkt``, ``spatial_ref``, ``epsg_code``,
        ``grid_mapping_name``) and the attribute ``crs`` of the cube.
    """
    attrs = mapping_of(ds)
    for name in ("epsg_code", "crs_wkt", "spatial_ref"):
        code = _epsg(str(attrs.get(name, "")))
        if code is not None:
            return code
    named = attrs.get("grid_mapping_name")
    if named:
        return str(named)
    return _epsg(str(ds.attrs.get("crs", "")))


def _epsg(text: str) -> str | None:
    plain = re.fullmatch(r"(?:epsg:)?(\d{4,6})", text.strip(), re.IGNORECASE)
    if plain:
        return f"EPSG:{plain.group(1)}"
    codes = _CODE.findall(text)
    # Parts of a system (datum, ellipsoid) have codes of their own; only a final one is its own.
    if codes and re.search(r'\["EPSG",\s*"?\d+"?\]\]\s*$', text):
        return f"EPSG:{codes[-1]}"
    return None
