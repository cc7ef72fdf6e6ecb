"""The stored chunks behind a variable: which ones a selection touches, and their digest."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..grids.select import Indexers
from ..reading.stored import stored

Index = tuple[int, ...]


@dataclass(frozen=True)
class Chunks:
    """Stored chunks (or shards) that a variable is made of.

    Attributes
    ----------
    name : str
        Of the variable.
    array : zarr.Array
    touched : tuple of tuple of int
        Numbers of the chunks along each axis of the array; their product is meant.
    place : str
        Which cells of the chunks are meant, as far as no coordinate tells.
    """

    name: str
    array: Any
    touched: tuple[tuple[int, ...], ...]
    place: str

    def __len__(self) -> int:
        return math.prod(map(len, self.touched))

    def indices(self) -> Iterator[Index]:
        """Yield the indices of the chunks in the order in which they are digested."""
        return itertools.product(*self.touched)

    def names(self) -> Iterator[str]:
        """Yield the names of the chunks below the array, in the order of :meth:`indices`."""
        return map(self.array.metadata.encode_chunk_key, self.indices())

    @property
    def folder(self) -> Path | None:
        """Where the chunks are files; None elsewhere."""
        from zarr.storage import FsspecStore, LocalStore

        store, path = self.array.store_path.store, self.array.store_path.path
        if type(store) is LocalStore:
            return Path(str(store.root), path)
        if type(store) is FsspecStore and "file" in str(store.fs.protocol):
            return Path(str(store.path), path)
        return None

    def digest(self, leaves: Iterable[bytes | None]) -> bytes:
        """Digest the digests of the chunks; one that is not stored (None) is all fill value."""
        digest = hashlib.blake2b((self.layout() + self.place).encode())
        for index, leaf in zip(self.indices(), leaves, strict=True):
            digest.update(repr(index).encode() + (leaf or b""))
        return digest.digest()

    def layout(self) -> str:
        """Return how stored bytes become numbers."""
        held = self.array.metadata.to_dict()
        keys = ("data_type", "dtype", "codecs", "compressor", "filters", "order", "fill_value")
        parts = json.dumps({key: repr(held.get(key)) for key in keys})
        return parts + repr(_object_shape(self.array))


def chunks_of(ds: xr.Dataset, name: str, chosen: Indexers) -> Chunks | None:
    """Return the stored chunks that the selection touches.

    None where the variable in hand is not, or cannot be known to be, a stored one.
    """
    variable = ds[name]
    found = stored(variable)
    if found is None:
        return None
    shape = _object_shape(found.array)
    touched: list[tuple[int, ...]] = [()] * found.array.ndim
    unplaced: dict[str, Any] = {}
    for axis, position in found.fixed.items():
        touched[axis] = (position // shape[axis],)
        unplaced[f"axis {axis}"] = position
    for dim, axis, along in zip(variable.dims, found.axes, found.positions, strict=True):
        positions = np.asarray(along, dtype=np.int64)
        if str(dim) in chosen and not _is_cut(positions.size, chosen[str(dim)]):
            positions = positions[chosen[str(dim)]]
        touched[axis] = tuple(np.unique(positions // shape[axis]).tolist())
        whole = np.arange(found.array.shape[axis])
        if dim not in ds.coords and not np.array_equal(positions, whole):
            unplaced[str(dim)] = hashlib.blake2b(positions.astype("<i8").tobytes()).hexdigest()
    place = json.dumps(unplaced, sort_keys=True) if unplaced else ""
    return Chunks(name, found.array, tuple(touched), place)


def cut(ds: xr.Dataset, name: str, chosen: Indexers) -> xr.Dataset:
    """Return the selected part of one variable, whether or not `ds` has been cut already."""
    narrow = ds[[name]]
    todo = {
        dim: kept
        for dim, kept in chosen.items()
        if dim in narrow.dims and not _is_cut(ds.sizes[dim], kept)
    }
    return narrow.isel(todo)


def _is_cut(size: int, kept: Any) -> bool:
    wanted = len(range(*kept.indices(10**12))) if isinstance(kept, slice) else len(kept)
    return bool(size == wanted)


def _object_shape(array: Any) -> tuple[int, ...]:
    """Return the shape of a stored object: of the shard where there are shards."""
    return tuple(array.shards or array.chunks)
