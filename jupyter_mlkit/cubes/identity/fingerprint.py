"""Which data a run used: a digest of the variables and chunks that it touched.

A Merkle tree over coordinates, attributes that matter and chunks, per variable, so that
another variable or a later chunk in the same store does not change the identity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...spec import Source
from ..grids.select import Indexers
from ..grids.variables import require_variable
from ..sources.open import open_cube
from .cache import LeafCache
from .chunks import Chunks, chunks_of, cut
from .digest import digest_of
from .hashing import Hasher
from .leaves import leaves_of, sizes_of, unknown_bytes
from .snapshots import versions_of
from .values import digest_values
from .variable import Kind, digest_variable

#: The kind of a whole is that of the part that is known least.
_WEAKEST: tuple[Kind, ...] = ("unknown", "metadata", "value", "stored", "snapshot")


@dataclass(frozen=True)
class Fingerprint:
    """Identity of data.

    Attributes
    ----------
    kind : {"stored", "snapshot", "value", "metadata", "unknown"}
        Of the compressed chunks as stored, of the versions of a versioned store, of decoded
        values, or of coordinates, attributes and sizes of chunks alone (which tells most changed
        values and not all). ``unknown`` is equal to nothing.
    digest : str
        24 hex digits, empty where unknown.
    variables : dict
        Digest of each variable.
    reason : str or None
        Why it is ``metadata`` or ``unknown``, a sentence for a person.
    """

    kind: Kind
    digest: str
    variables: dict[str, str]
    reason: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.kind}:{self.digest}" if self.digest else self.kind

    @classmethod
    def of(
        cls,
        leaves: Mapping[str, tuple[Kind, str]],
        *,
        scalars: Sequence[str] = (),
        reason: str | None = None,
    ) -> Fingerprint:
        """Join kind and digest of each variable; what is read of `scalars` weakens nothing."""
        kinds = {kind for name, (kind, _) in leaves.items() if name not in scalars}
        kinds = kinds or {kind for kind, _ in leaves.values()}
        weakest: Kind = next((kind for kind in _WEAKEST if kind in kinds), "value")
        digests = {name: leaves[name][1] for name in sorted(leaves)}
        known = reason if weakest == "metadata" else None
        return cls(weakest, digest_of(weakest, digests), digests, known)


def fingerprint(
    cube: xr.Dataset | Source | str,
    variables: Sequence[str] | None = None,
    selection: Mapping[str, slice | NDArray[np.int64]] | None = None,
    *,
    max_bytes: int | None = None,
) -> Fingerprint:
    """Identify variables of a cube within a selection.

    Stored chunks are hashed where a variable is read from a zarr store, through whatever store
    and format, and is neither loaded nor computed; the digests of local chunks are kept in the
    user's cache folder by path, size, time of change and inode, so that an unchanged store is
    not read again. (A file whose bytes were changed while all of these stayed is not noticed.)
    Versioned stores are identified by the snapshot that last wrote each chunk. Everything else
    (netCDF, memory, dask that computes) is identified by its values.

    Parameters
    ----------
    cube : xarray.Dataset, Source or str
        The cube as opened, or as already cut by `selection`; or where it is.
    variables : sequence of str, optional
        All numeric data variables where not given. Order does not matter.
    selection : mapping, optional
        Positions by dim (see ``select.indexers``); only chunks that it touches count.
    max_bytes : int, optional
        Where more than this would have to be read, fall back to ``metadata``.

    Returns
    -------
    Fingerprint

    Raises
    ------
    CubeError
        ``unknown_variable``, ``unreadable_chunk``, ``store_unreachable``, and what
        :func:`~jupyter_mlkit.cubes.sources.open.open_cube` raises.
    """
    ds = cube if isinstance(cube, xr.Dataset) else open_cube(cube)
    chosen: Indexers = dict(selection or {})
    names = sorted(set(_numeric(ds) if variables is None else variables))
    for name in names:
        require_variable(ds, name)
    parts = {name: _Part.of(ds, name, chosen) for name in names}
    with LeafCache() as cache, Hasher() as hasher:
        affordable = max_bytes is None or _costs(parts.values(), cache, max_bytes) <= max_bytes
        leaves = {name: part.leaf(cache, hasher, read=affordable) for name, part in parts.items()}
    scalars = [name for name in names if not ds[name].ndim]
    return Fingerprint.of(leaves, scalars=scalars, reason=None if affordable else _TOO_MUCH)


_TOO_MUCH = (
    "Coordinates, attributes and the sizes of chunks are identified; the values are not, "
    "because reading them all would take long."
)


@dataclass(frozen=True)
class _Part:
    """One variable of the cube, cut by the selection."""

    ds: xr.Dataset
    name: str
    chunks: Chunks | None
    versions: bytes | None

    @classmethod
    def of(cls, ds: xr.Dataset, name: str, chosen: Indexers) -> _Part:
        chunks = chunks_of(ds, name, chosen)
        return cls(cut(ds, name, chosen), name, chunks, versions_of(ds, chunks))

    def cost(self, cache: LeafCache, most: int) -> int:
        """Return how many bytes would have to be read to identify it."""
        if self.versions is not None:
            return 0
        if self.chunks is None:
            return int(self.ds[self.name].nbytes)
        return unknown_bytes(self.chunks, cache, most)

    def leaf(self, cache: LeafCache, hasher: Hasher, *, read: bool) -> tuple[Kind, str]:
        kind, body = self._body(cache, hasher, read=read)
        return kind, digest_variable(self.ds, self.name, kind, body)

    def _body(self, cache: LeafCache, hasher: Hasher, *, read: bool) -> tuple[Kind, bytes | None]:
        if self.versions is not None:
            return "snapshot", self.versions
        if not read:
            sizes = None if self.chunks is None else sizes_of(self.chunks)
            return "metadata", None if sizes is None else _digest_sizes(sizes)
        if self.chunks is not None:
            return "stored", self.chunks.digest(leaves_of(self.chunks, cache, hasher))
        return "value", digest_values(self.ds, self.name)


def _costs(parts: Iterable[_Part], cache: LeafCache, most: int) -> int:
    total = 0
    for part in parts:
        total += part.cost(cache, most - total)
        if total > most:
            break
    return total


def _digest_sizes(sizes: NDArray[np.int64]) -> bytes:
    return hashlib.blake2b(sizes.astype("<i8").tobytes()).digest()


def _numeric(ds: xr.Dataset) -> list[str]:
    return [str(name) for name, variable in ds.data_vars.items() if variable.dtype.kind in "biuf"]
