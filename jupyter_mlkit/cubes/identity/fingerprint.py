"""Which data a run used: a digest of the variables and chunks that it touched.

A Merkle tree over coordinates, attributes that matter and chunks, per variable, so that
another variable or a later chunk in the same store does not change the identity.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError
from ...spec import Source
from ..grids.select import Indexers
from ..grids.variables import require_variable
from ..reading.slabs import SlabReader
from ..sources.open import remote_errors, zarr_group
from ..sources.uri import display_uri, fsspec_options, local_path, protocol_of
from .digest import SetDigest, mix64

Kind = Literal["stored", "snapshot", "value", "metadata"]

#: 24 hex digits: with the kind in front it fits MLflow's 36 characters for a digest.
_HEX_BYTES = 12
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
_REMOTE_BATCH = 64
#: Layers of dask that move values from chunk to chunk and change none.
_RECHUNKS = re.compile(r"rechunk-(merge|split)-[0-9a-f]{32}$")


@dataclass(frozen=True)
class Fingerprint:
    """Identity of data.

    Attributes
    ----------
    kind : {"stored", "snapshot", "value", "metadata"}
        Of the compressed chunks as stored, of a versioned store, of decoded values, or of
        metadata and coordinates alone (which does not tell changed values).
    digest : str
        24 hex digits.
    variables : dict
        Digest of each variable.
    """

    kind: Kind
    digest: str
    variables: dict[str, str]

    def __str__(self) -> str:
        return f"{self.kind}:{self.digest}"


def fingerprint(
    ds: xr.Dataset,
    source: Source | str | None,
    variables: Sequence[str],
    selection: Mapping[str, slice | NDArray[np.int64]] | None = None,
    *,
    max_bytes: int | None = None,
) -> Fingerprint:
    """Identify `variables` of a cube within a selection.

    Parameters
    ----------
    ds : xarray.Dataset
        The cube as opened, or as already cut by `selection`.
    source : Source or str or None
        Where it was opened. Stored chunks are hashed where it is a zarr group; where it is a
        netCDF file, unknown, or the variable is in memory or computed by dask, the values are.
    variables : sequence of str
        Order does not matter.
    selection : mapping, optional
        Positions by dim (see ``select.indexers``); only chunks that it touches count.
    max_bytes : int, optional
        Where more decoded bytes than this would have to be read, fall back to ``metadata``.

    Returns
    -------
    Fingerprint

    Raises
    ------
    CubeError
        ``unknown_variable``, ``unreadable_chunk``, ``store_unreachable``.
    """
    chosen = dict(selection or {})
    for name in variables:
        require_variable(ds, name)
    store = _store_of(source)
    size = sum(ds[name].nbytes for name in variables)
    leaves: dict[str, tuple[Kind, str]] = {}
    for name in sorted(set(variables)):
        body: bytes | None = None
        kind: Kind = "metadata"
        if max_bytes is None or size <= max_bytes:
            body = store.chunks(ds, name, chosen) if store is not None else None
            kind = "stored"
            if body is None:
                body, kind = _values(_selected(ds, name, chosen), name), "value"
        leaves[name] = (kind, _variable(_selected(ds, name, chosen), name, kind, body))
    kinds = {kind for kind, _ in leaves.values()}
    weakest: Kind = next((k for k in ("metadata", "value") if k in kinds), "stored")
    digests = {name: digest for name, (_, digest) in leaves.items()}
    return Fingerprint(weakest, _hash(weakest, digests), digests)


def _variable(ds: xr.Dataset, name: str, kind: Kind, body: bytes | None) -> str:
    """Digest coordinates, meaning and chunks of one variable."""
    variable = ds[name]
    both = {**variable.encoding, **variable.attrs}
    coordinates = {str(dim): _coordinate(ds, str(dim)) for dim in variable.dims}
    # Values are decoded: how they had been coded is no part of them.
    keys = _MEANING if kind == "value" else (*_MEANING, *_CODING)
    meaning = {key: repr(_plain(both[key])) for key in keys if key in both}
    return _hash(
        [str(dim) for dim in variable.dims],
        str(variable.dtype),
        meaning,
        coordinates,
        "" if body is None else body.hex(),
    )


def _coordinate(ds: xr.Dataset, dim: str) -> str:
    if dim not in ds.coords:
        return _hash(int(ds.sizes[dim]))
    coord = ds[dim]
    if np.issubdtype(coord.dtype, np.datetime64):
        data = coord.values.astype("datetime64[ns]").astype("<i8").tobytes()
    elif np.issubdtype(coord.dtype, np.number):
        data = coord.values.astype("<f8").tobytes()
    else:
        data = "\0".join(map(str, coord.values.tolist())).encode()
    return _hash(hashlib.blake2b(data).hexdigest(), str(coord.attrs.get("units", "")))


def _values(ds: xr.Dataset, name: str) -> bytes:
    """Digest decoded values; neither chunking nor compression enters."""
    dims = [str(dim) for dim in ds[name].dims]
    reader = SlabReader(ds, [name], dims)
    sizes = tuple(reader.sizes[dim] for dim in dims)
    digest = SetDigest()
    for slab in reader:
        values: NDArray[Any] = reader.read(name, slab)
        if np.issubdtype(values.dtype, np.floating):
            values = values + values.dtype.type(0)  # -0.0 is 0.0
            values[np.isnan(values)] = np.nan  # one NaN for all
        flat = np.ascontiguousarray(values).reshape(-1)
        bits = flat.view(f"u{flat.dtype.itemsize}").astype(np.uint64)
        place = np.zeros(slab.shape, np.uint64)
        for axis, dim in enumerate(dims):
            along = np.arange(slab.slices[dim].start, slab.slices[dim].stop, dtype=np.uint64)
            along *= np.uint64(math.prod(sizes[axis + 1 :]))
            place += along.reshape([-1 if i == axis else 1 for i in range(len(dims))])
        digest.add(mix64(mix64(place.reshape(-1)) ^ bits))
    return bytes.fromhex(digest.hexdigest())


class _ZarrChunks:
    """Stored chunks of a zarr group."""

    def __init__(self, source: Source) -> None:
        self._group = zarr_group(source)
        self._root = local_path(source.uri)
        self._source = source

    def chunks(self, ds: xr.Dataset, name: str, chosen: Indexers) -> bytes | None:
        """Digest the stored chunks that the selection touches.

        None where the variable in hand is not, or cannot be known to be, the stored one.
        """
        if name not in self._group or not _is_lazy(ds[name]):
            return None
        array = self._group[name]
        touched = self._touched(ds[name], array, chosen)
        if touched is None:
            return None
        digest = hashlib.blake2b(_layout(array).encode())
        keys = (
            (index, f"{name}/{array.metadata.encode_chunk_key(index)}")
            for index in itertools.product(*touched)
        )
        for index, data in self._read(keys):
            # A chunk that is not stored is all fill value.
            leaf = b"" if data is None else hashlib.blake2b(data).digest()
            digest.update(repr(index).encode() + leaf)
        return digest.digest()

    def _touched(
        self, variable: xr.DataArray, array: Any, chosen: Indexers
    ) -> list[list[int]] | None:
        touched = []
        shape = zip(variable.dims, variable.shape, array.shape, _chunk_shape(array), strict=True)
        for dim, now, stored, chunk in shape:
            kept = chosen.get(str(dim), slice(None))
            positions = np.arange(stored)[kept]
            if now not in (stored, positions.size):
                return None
            touched.append(np.unique(positions // chunk).tolist())
        return touched

    def _read(
        self, keys: Iterator[tuple[tuple[int, ...], str]]
    ) -> Iterator[tuple[tuple[int, ...], bytes | None]]:
        if self._root is not None:
            for index, key in keys:
                yield index, _file_bytes(self._root / key)
            return
        import fsspec

        protocol = protocol_of(self._source.uri)
        options = fsspec_options(protocol, self._source.options)
        fs, root = fsspec.core.url_to_fs(self._source.uri, **options)
        while batch := list(itertools.islice(keys, _REMOTE_BATCH)):
            paths = [f"{root.rstrip('/')}/{key}" for _, key in batch]
            found = fs.cat(paths, on_error="return")
            for (index, key), path in zip(batch, paths, strict=True):
                data = found[path] if isinstance(found, dict) else found
                if isinstance(data, FileNotFoundError):
                    yield index, None
                elif isinstance(data, remote_errors()):
                    raise CubeError(
                        f"{display_uri(self._source.uri)}/{key} cannot be read: "
                        f"{type(data).__name__}.",
                        hint="Try again; check the network and your access.",
                        code="store_unreachable",
                    )
                elif isinstance(data, Exception):
                    raise data
                else:
                    yield index, data


def _store_of(source: Source | str | None) -> _ZarrChunks | None:
    if source is None or source == "memory":
        return None
    source = Source(uri=source) if isinstance(source, str) else source
    path = local_path(source.uri)
    if path is not None and not any((path / mark).exists() for mark in (".zgroup", "zarr.json")):
        return None
    return _ZarrChunks(source)


def _is_lazy(variable: xr.DataArray) -> bool:
    """Return whether the values are still those of the store: neither loaded nor computed."""
    if variable.chunks is not None:
        return _is_plain_read(variable)
    return not variable.variable._in_memory


def _is_plain_read(variable: xr.DataArray) -> bool:
    """Return whether a dask array is what xarray opened under this name, at most rechunked.

    Dask may hold any computation on top of what was read; a selection too counts as one, as
    nothing tells here which chunks it touches.
    """
    read = re.compile(rf"(original-)?open_dataset-{re.escape(str(variable.name))}-[0-9a-f]{{32}}")
    layers = [name for name in map(str, variable.data.dask.layers) if not _RECHUNKS.match(name)]
    return bool(layers) and all(read.fullmatch(name) for name in layers)


def _layout(array: Any) -> str:
    """Return how stored bytes become numbers."""
    stored = array.metadata.to_dict()
    keys = ("data_type", "dtype", "codecs", "compressor", "filters", "order", "fill_value")
    return json.dumps({key: repr(stored.get(key)) for key in keys}) + repr(_chunk_shape(array))


def _chunk_shape(array: Any) -> tuple[int, ...]:
    """Return the shape of a stored object: of the shard where there are shards."""
    return tuple(array.shards or array.chunks)


def _file_bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CubeError(
            f"{path} cannot be read: {error.strerror}.", code="unreadable_chunk"
        ) from error


def _selected(ds: xr.Dataset, name: str, chosen: Indexers) -> xr.Dataset:
    """Return the selected part, whether or not `ds` has been cut already."""
    narrow = ds[[name]]
    todo = {}
    for dim, kept in chosen.items():
        if dim not in narrow.dims:
            continue
        wanted = len(range(*kept.indices(10**12))) if isinstance(kept, slice) else kept.size
        if ds.sizes[dim] != wanted:
            todo[dim] = kept
    return narrow.isel(todo)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _hash(*parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=_HEX_BYTES).hexdigest()
