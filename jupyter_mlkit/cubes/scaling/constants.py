"""Constants of scaling as JSON: one number as a number, one per cell as packed float64."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .affine import Affine


def affine_to_dict(affine: Affine) -> dict[str, Any]:
    """Return offset and scale as JSON-ready builtins."""
    return {"offset": _to_json(affine.offset), "scale": _to_json(affine.scale)}


def affine_from_dict(stored: Mapping[str, Any]) -> Affine:
    """Read what :func:`affine_to_dict` gave."""
    return Affine(_from_json(stored["offset"]), _from_json(stored["scale"]))


def _to_json(values: xr.DataArray) -> Any:
    if values.ndim == 0:
        return float(values)
    coords = {str(dim): _packed(values[dim].values) for dim in values.dims if dim in values.coords}
    return {"dims": list(map(str, values.dims)), "coords": coords, **_packed(values.values)}


def _from_json(stored: Any) -> xr.DataArray:
    if not isinstance(stored, Mapping):
        return xr.DataArray(float(stored))
    coords = {dim: _unpacked(along) for dim, along in stored["coords"].items()}
    return xr.DataArray(_unpacked(stored), coords, stored["dims"])


def _packed(values: NDArray[Any]) -> dict[str, Any]:
    """Return an array as text; what is no number (names of members) as a list."""
    if values.dtype.kind not in "iufbM":
        return {"values": [str(value) for value in values.tolist()]}
    little = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"))
    text = base64.b64encode(little.tobytes()).decode("ascii")
    return {"dtype": little.dtype.str, "shape": list(values.shape), "base64": text}


def _unpacked(stored: Mapping[str, Any]) -> NDArray[Any]:
    if "values" in stored:
        return np.array(stored["values"])
    flat = np.frombuffer(base64.b64decode(stored["base64"]), np.dtype(stored["dtype"]))
    return flat.reshape(stored["shape"]).astype(flat.dtype.newbyteorder("="))
