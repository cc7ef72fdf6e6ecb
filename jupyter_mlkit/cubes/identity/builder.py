"""The fingerprint of what another pass reads anyway, with no second read."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError
from ..grids.select import Indexers
from ..grids.variables import require_variable
from ..reading.slabs import Slab
from .chunks import Chunks, Index, chunks_of, cut
from .fingerprint import Fingerprint
from .values import ValueDigest
from .variable import Kind, digest_variable


class FingerprintBuilder:
    """Takes what a pass over a cube reads, in any order and from any thread.

    The result equals that of :func:`.fingerprint.fingerprint` of the same kind. Give each
    variable either its values, box by box, or its stored chunks.

    Parameters
    ----------
    ds : xarray.Dataset
        The cube as opened.
    variables : sequence of str
    selection : mapping, optional
        Positions by dim that the pass reads, see :func:`.fingerprint.fingerprint`.

    Examples
    --------
    >>> builder = FingerprintBuilder(ds, reader.names)
    >>> for part in reader.map(lambda slab, arrays: builder.add_values(slab, arrays)): ...
    >>> builder.finish()
    """

    def __init__(
        self,
        ds: xr.Dataset,
        variables: Sequence[str],
        selection: Mapping[str, slice | NDArray[np.int64]] | None = None,
    ) -> None:
        chosen: Indexers = dict(selection or {})
        self._names = sorted(set(variables))
        for name in self._names:
            require_variable(ds, name)
        self._cuts = {name: cut(ds, name, chosen) for name in self._names}
        self._chunks = {name: chunks_of(ds, name, chosen) for name in self._names}
        self._values: dict[str, ValueDigest] = {}
        self._leaves: dict[str, dict[Index, bytes | None]] = {}
        self._lock = threading.Lock()

    def add_values(self, slab: Slab, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Add decoded values of a box of the selected cube, as ``SlabReader.map`` gives them.

        Parameters
        ----------
        slab : Slab
            Positions within the selected cube.
        arrays : mapping
            Values by name over the dims of `slab`, of size 1 along those that a variable lacks;
            other names than the builder's are passed over.
        """
        for name in self._names:
            if name not in arrays:
                continue
            held = self._cuts[name][name].dims
            lacking = [dim for dim in slab.slices if dim not in held]
            if any(slab.slices[dim].start != 0 for dim in lacking):
                continue  # a static variable comes again with every step
            values = arrays[name]
            axes = tuple(axis for axis, dim in enumerate(slab.slices) if dim in lacking)
            own = {dim: kept for dim, kept in slab.slices.items() if dim in held}
            self._digest_of(name).add(np.squeeze(values, axis=axes), own)

    def add_chunk(self, name: str, index: Index, data: Any) -> None:
        """Add the bytes of one stored chunk (or shard); None where it is not stored."""
        leaf = None if data is None else hashlib.blake2b(data).digest()
        with self._lock:
            self._leaves.setdefault(name, {})[tuple(map(int, index))] = leaf

    def finish(self) -> Fingerprint:
        """Return the fingerprint.

        Raises
        ------
        CubeError
            ``incomplete`` where cells or chunks of a variable were not given.
        """
        leaves: dict[str, tuple[Kind, str]] = {}
        for name in self._names:
            chunks = self._chunks[name]
            kind: Kind = "value"
            if name in self._leaves and chunks is not None:
                kind, body = "stored", self._join(chunks, self._leaves[name])
            else:
                body = self._digest_of(name).digest(name)
            leaves[name] = (kind, digest_variable(self._cuts[name], name, kind, body))
        scalars = [name for name in self._names if not self._cuts[name][name].ndim]
        return Fingerprint.of(leaves, scalars=scalars)

    def _digest_of(self, name: str) -> ValueDigest:
        with self._lock:
            if name not in self._values:
                variable = self._cuts[name][name]
                sizes = {str(dim): int(size) for dim, size in variable.sizes.items()}
                self._values[name] = ValueDigest(sizes)
            return self._values[name]

    @staticmethod
    def _join(chunks: Chunks, leaves: Mapping[Index, bytes | None]) -> bytes:
        missing = next((index for index in chunks.indices() if index not in leaves), None)
        if missing is not None:
            raise CubeError(
                f"Chunk {missing} of '{chunks.name}' was not read: it cannot be identified.",
                code="incomplete",
            )
        return chunks.digest(leaves[index] for index in chunks.indices())
