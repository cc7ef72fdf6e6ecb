"""Put predictions back on the cube: written by regions, whole or not at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError, InvalidInputError, MLKitError
from ..grids.variables import require_variable
from ..reading.slabs import Slab, SlabReader, stored_chunks
from .atomic import staged

#: Features (float32, own units, shape (n, n_features)) in, n predictions out.
PredictFunction = Callable[[NDArray[np.float32]], NDArray[np.floating[Any]]]

_BUDGET = 32 * 2**20
_CHUNK_CELLS = 2**20
#: What of a coordinate's encoding says how its values are stored, whatever the zarr format.
_KEPT_ENCODING = ("units", "calendar", "dtype", "_FillValue", "scale_factor", "add_offset")
#: Attributes with this prefix stamp the whole cube, too.
_STAMP = "mlkit"


def predict_to_zarr(
    predict_fn: PredictFunction,
    ds: xr.Dataset,
    path: str | Path,
    *,
    features: Sequence[str],
    name: str,
    attrs: Mapping[str, Any] | None = None,
    dims: Sequence[str] | None = None,
    dtype: str = "float32",
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Apply a model to every cell of a cube and write the result as a zarr cube.

    Parameters
    ----------
    predict_fn : callable
        Maps float32 features in their own units, shape (n, n_features), to n numbers. It is
        called once per box of chunks, and never with a NaN.
    ds : xarray.Dataset
        The cube with the features, lazy.
    path : str or Path
        Where the zarr group (format 2, consolidated) shall be.
    features : sequence of str
        In the order of the model's columns.
    name : str
        Of the variable that is written.
    attrs : mapping, optional
        Attributes of that variable (``units``, ``long_name``, ``mlkit.run_id``); those that
        begin with ``mlkit`` are also put on the cube.
    dims : sequence of str, optional
        Dims of the result; else all dims of the features, in the order of `ds`.
    dtype : str
        Floating type of the result; cells where a feature is missing are NaN.
    overwrite : bool
        Replace a zarr group at `path`.
    progress : callable, optional
        Told the share that is done, 0 to 1.

    Returns
    -------
    Path
        Where the cube is. Coordinates, their attributes, bounds, grid mapping, and the order
        and direction of the dims are those of `ds`.

    Raises
    ------
    ConflictError
        ``already_exists``.
    CubeError
        ``unknown_variable``, ``unreadable_chunk``.
    InvalidInputError
        The model returns another number of values.
    """
    target = Path(path).expanduser().absolute()
    for feature in features:
        require_variable(ds, feature, "features")
    order = _dims_of(ds, features, dims)
    reader = SlabReader(ds, features, order, chunks=_chunks(ds, features, order), budget=_BUDGET)
    with staged(target, overwrite=overwrite) as stage:
        try:
            array = _skeleton(stage, ds, reader, name, attrs or {}, features[0], dtype)
            for done, slab in enumerate(reader, start=1):
                values = _predict_slab(predict_fn, reader, slab, np.dtype(dtype))
                array[tuple(slab.slices[dim] for dim in order)] = values
                if progress is not None:
                    progress(done / len(reader))
            _consolidate(stage)
        except OSError as error:
            raise MLKitError(
                f"The prediction cannot be written to {target}: {error.strerror or error}.",
                hint="Check the free space and the permissions of that folder.",
                code="not_writable",
            ) from error
    return target


def _dims_of(ds: xr.Dataset, features: Sequence[str], dims: Sequence[str] | None) -> list[str]:
    if not features:
        raise InvalidInputError("A prediction needs at least one feature.", field="features")
    used = {str(dim) for feature in features for dim in ds[feature].dims}
    if dims is None:
        # The features' own order, as the order of ds.sizes may be that of another variable.
        widest = max(features, key=lambda feature: ds[feature].ndim)
        first = [str(dim) for dim in ds[widest].dims]
        return first + [str(dim) for dim in ds.dims if dim in used and dim not in first]
    missing = used - set(dims) or {dim for dim in dims if dim not in ds.dims}
    if missing:
        raise CubeError(
            f"The prediction has dims {', '.join(dims)}; the features and the cube differ in "
            f"{', '.join(sorted(missing))}.",
            code="unsupported_grid",
        )
    return list(dims)


def _chunks(ds: xr.Dataset, features: Sequence[str], order: Sequence[str]) -> dict[str, int]:
    """Return the features' chunks; where they have none, whole dims up to some MiB, last first."""
    known = stored_chunks(ds, features, order)
    found: dict[str, int] = {}
    for dim in reversed(order):
        room = max(1, _CHUNK_CELLS // math.prod(found.values()))
        found[dim] = known.get(dim, min(max(1, int(ds.sizes[dim])), room))
    return found


def _predict_slab(
    predict_fn: PredictFunction, reader: SlabReader, slab: Slab, dtype: np.dtype[Any]
) -> NDArray[Any]:
    columns = [
        np.broadcast_to(reader.read(feature, slab).astype(np.float32, copy=False), slab.shape)
        for feature in reader.names
    ]
    valid = np.isfinite(columns[0])
    for column in columns[1:]:
        valid = valid & np.isfinite(column)
    result = np.full(slab.shape, np.nan, dtype)
    if valid.any():
        x = np.stack([column[valid] for column in columns], axis=1)
        predicted = np.asarray(predict_fn(x))
        if predicted.size != len(x):
            raise InvalidInputError(
                f"The model returned {predicted.size} values for {len(x)} cells.",
                hint="A model returns one number per row.",
            )
        result[valid] = predicted.reshape(-1)
    return result


def _skeleton(
    stage: Path,
    ds: xr.Dataset,
    reader: SlabReader,
    name: str,
    attrs: Mapping[str, Any],
    template: str,
    dtype: str,
) -> Any:
    """Write coordinates and attributes, and make the empty variable."""
    import zarr

    stamp = {key: value for key, value in attrs.items() if key.startswith(_STAMP)}
    conventions = {key: ds.attrs[key] for key in ("Conventions",) if key in ds.attrs}
    coords = xr.Dataset(
        coords=_coords(ds, set(reader.dims)), attrs={**conventions, **_plain(stamp)}
    )
    coords.to_zarr(stage, mode="w", zarr_format=2, consolidated=False)
    group = zarr.open_group(str(stage), mode="r+")
    mapping = ds[template].encoding.get("grid_mapping", ds[template].attrs.get("grid_mapping"))
    return group.create_array(
        name,
        shape=tuple(reader.sizes[dim] for dim in reader.dims),
        chunks=tuple(reader.chunks[dim] for dim in reader.dims),
        dtype=dtype,
        fill_value=float("nan"),
        attributes={
            "_ARRAY_DIMENSIONS": list(reader.dims),
            **({"grid_mapping": mapping} if mapping in coords.variables else {}),
            **_plain(attrs),
        },
    )


def _coords(ds: xr.Dataset, dims: set[str]) -> dict[str, xr.DataArray]:
    """Return the coordinates that belong to `dims`, free of their old zarr codecs."""
    kept = {}
    for key, coord in ds.coords.items():
        # Bounds have a dim of their own (n, 2).
        if not (set(map(str, coord.dims)) <= dims or _is_bounds(ds, str(key), dims)):
            continue
        clean = coord.drop_vars([other for other in coord.coords if other != key])
        clean = clean.copy(deep=False)
        clean.attrs = dict(coord.attrs)
        if "bounds" in coord.encoding:
            clean.attrs["bounds"] = coord.encoding["bounds"]
        clean.encoding = {k: coord.encoding[k] for k in _KEPT_ENCODING if k in coord.encoding}
        kept[str(key)] = clean
    return kept


def _is_bounds(ds: xr.Dataset, name: str, dims: set[str]) -> bool:
    owners = {
        str(ds[dim].attrs.get("bounds", ds[dim].encoding.get("bounds", f"{dim}_bnds")))
        for dim in dims
        if dim in ds.coords
    }
    return name in owners


def _plain(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as JSON can hold them."""
    return {
        key: value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        for key, value in attrs.items()
    }


def _consolidate(stage: Path) -> None:
    import zarr

    zarr.consolidate_metadata(str(stage), zarr_format=2)
