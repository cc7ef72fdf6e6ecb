"""The coordinates, attributes and encoding that a prediction takes over from its cube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

#: What of a coordinate's encoding says how its values are stored, whatever the zarr format.
_KEPT_ENCODING = ("units", "calendar", "dtype", "_FillValue", "scale_factor", "add_offset")
#: Attributes with this prefix stamp the whole cube, too.
STAMP = "mlkit"


@dataclass(frozen=True)
class Frame:
    """Everything of a prediction but its values.

    Attributes
    ----------
    name : str
    dims : tuple of str
    shape, chunks : tuple of int
        Along `dims`.
    dtype : numpy.dtype
    coords : dict
        Free of their old codecs.
    attrs : dict
        Of the variable, as JSON can hold them.
    dataset_attrs : dict
        Of the dataset around it.
    grid_mapping : str or None
        Name of the coordinate that holds the CRS.
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype[Any]
    coords: dict[str, xr.DataArray]
    attrs: dict[str, Any]
    dataset_attrs: dict[str, Any]
    grid_mapping: str | None

    @classmethod
    def of(
        cls,
        ds: xr.Dataset,
        *,
        name: str,
        dims: Sequence[str],
        chunks: Mapping[str, int],
        dtype: np.dtype[Any],
        attrs: Mapping[str, Any],
        template: str,
    ) -> Frame:
        """Take what belongs to `dims` from the cube; `template` is a feature that names the CRS."""
        about = {**ds[template].attrs, **ds[template].encoding}
        mapping = about.get("grid_mapping")
        mapping = mapping if isinstance(mapping, str) and mapping in ds.variables else None
        plain = _plain(attrs)
        kept = {key: ds.attrs[key] for key in ("Conventions",) if key in ds.attrs}
        stamp = {key: value for key, value in plain.items() if key.startswith(STAMP)}
        return cls(
            name=name,
            dims=tuple(dims),
            shape=tuple(int(ds.sizes[dim]) for dim in dims),
            chunks=tuple(int(chunks[dim]) for dim in dims),
            dtype=dtype,
            coords=_coords(ds, set(dims), mapping, name),
            attrs=plain,
            dataset_attrs={**_plain(kept), **stamp},
            grid_mapping=mapping,
        )

    def array(self, data: Any) -> xr.DataArray:
        """Return `data` with all that belongs to it."""
        # Bounds have a dim of their own, which an array cannot hold.
        coords = {k: c for k, c in self.coords.items() if set(c.dims) <= set(self.dims)}
        found = xr.DataArray(data, dims=self.dims, coords=coords, name=self.name, attrs=self.attrs)
        found.encoding = {"dtype": self.dtype, "_FillValue": self.dtype.type(np.nan)}
        if self.grid_mapping is not None:
            found.encoding["grid_mapping"] = self.grid_mapping
        return found

    def auxiliary(self) -> list[str]:
        """Return the coordinates that a variable names in its CF attribute ``coordinates``."""
        return sorted(
            key
            for key, coord in self.coords.items()
            if key not in coord.dims
            and set(coord.dims) <= set(self.dims)
            and key != self.grid_mapping
            and not key.endswith(("_bnds", "_bounds"))
        )


def _coords(
    ds: xr.Dataset, dims: set[str], mapping: str | None, name: str
) -> dict[str, xr.DataArray]:
    """Return the coordinates that belong to `dims`, free of their old zarr codecs."""
    kept = {}
    # Bounds and CRS are plain variables where a cube was opened without decode_coords="all".
    bounds = _bounds(ds, dims)
    for key in dict.fromkeys([*map(str, ds.coords), *bounds, *([mapping] if mapping else [])]):
        coord = ds[key]
        belongs = set(map(str, coord.dims)) <= dims and (key in ds.coords or key == mapping)
        if key == name or not (belongs or key in bounds):
            continue
        clean = coord.drop_vars([other for other in coord.coords if other != key])
        clean = clean.copy(deep=False)
        clean.attrs = dict(coord.attrs)
        if "bounds" in coord.encoding:
            clean.attrs["bounds"] = coord.encoding["bounds"]
        clean.encoding = {k: coord.encoding[k] for k in _KEPT_ENCODING if k in coord.encoding}
        kept[key] = clean
    return kept


def _bounds(ds: xr.Dataset, dims: set[str]) -> list[str]:
    """Return the names of the bounds of the coordinates on `dims`; they have a dim of their own."""
    found = []
    for key, coord in ds.coords.items():
        if set(map(str, coord.dims)) <= dims:
            declared = {**coord.attrs, **coord.encoding}.get("bounds", f"{key}_bnds")
            if declared in ds.variables:
                found.append(str(declared))
    return found


def _plain(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as JSON can hold them."""
    return {
        key: value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        for key, value in attrs.items()
    }
