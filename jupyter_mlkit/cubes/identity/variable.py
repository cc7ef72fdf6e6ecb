"""Digest of one variable: of its coordinates, of the attributes that matter, of its chunks."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import numpy as np
import xarray as xr

from ..grids.grid import grid_of
from ..reading.boxes import values_of
from .digest import digest_of

Kind = Literal["stored", "snapshot", "value", "metadata", "unknown"]

#: Attributes that say how stored numbers become values.
_CODING = ("scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned")
#: Attributes that change what the values mean.
_MEANING = (
    "units",
    "standard_name",
    "calendar",
    "valid_min",
    "valid_max",
    "valid_range",
    "grid_mapping",
    "flag_values",
    "flag_masks",
    "flag_meanings",
)


def digest_variable(ds: xr.Dataset, name: str, kind: Kind, body: bytes | None) -> str:
    """Digest coordinates, meaning and chunks (`body`) of one variable of a cut cube."""
    variable = ds[name]
    both = {**variable.encoding, **variable.attrs}
    coordinates = {str(dim): _along(ds, str(dim)) for dim in variable.dims}
    coordinates |= {beside: _coordinate(ds[beside]) for beside in _places_beside(ds, name)}
    # Values are decoded: how they had been coded is no part of them.
    keys = _MEANING if kind == "value" else (*_MEANING, *_CODING)
    meaning = {key: repr(_plain(both[key])) for key in keys if key in both}
    return digest_of(
        [str(dim) for dim in variable.dims],
        str(variable.dtype),
        meaning,
        coordinates,
        "" if body is None else body.hex(),
    )


def _places_beside(ds: xr.Dataset, name: str) -> list[str]:
    """Return the coordinates of cells that are not in rows: they are along no dim of their own."""
    grid = grid_of(ds)
    if grid.kind not in ("curvilinear", "unstructured"):
        return []
    beside = [found for found in (grid.lat, grid.lon, grid.cell_time) if found is not None]
    return [found for found in beside if set(ds[found].dims) <= set(ds[name].dims)]


def _along(ds: xr.Dataset, dim: str) -> str:
    return _coordinate(ds[dim]) if dim in ds.coords else digest_of(int(ds.sizes[dim]))


def _coordinate(coord: xr.DataArray) -> str:
    values = values_of(coord)
    if np.issubdtype(values.dtype, np.datetime64):
        data = values.astype("datetime64[ns]").astype("<i8").tobytes()
    elif np.issubdtype(values.dtype, np.number):
        data = values.astype("<f8").tobytes()
    else:
        data = "\0".join(map(str, values.ravel().tolist())).encode()
    return digest_of(hashlib.blake2b(data).hexdigest(), str(coord.attrs.get("units", "")))


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
