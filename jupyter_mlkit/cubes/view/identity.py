"""Which data a training uses, however its cube was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..grids.select import Indexers
from ..identity.builder import FingerprintBuilder
from ..identity.chunks import chunks_of
from ..identity.fingerprint import Fingerprint, fingerprint
from ..identity.prepared import fingerprint_prepared
from ..sources.open import open_cube
from ..sources.prepare import code_hash

if TYPE_CHECKING:
    from .data import CubeData

#: The sources of a prepared cube are hashed as a whole unless they hold so much more than is used.
_MOST_TIMES = 20


def identity_of(data: CubeData) -> Fingerprint:
    """Return the identity of what `data` uses; it may have to be read for it.

    Raises
    ------
    CubeError
        ``unreadable_chunk``, ``store_unreachable``.
    """
    return _of_sources(data) or fingerprint(data.whole, data.stored, _selection(data))


def value_builder(data: CubeData) -> FingerprintBuilder | None:
    """Return what takes the identity of `data` from a pass over it, None where none can.

    Stored chunks are identified without decoding them, and computed features do not tell all
    the values that they are computed from.
    """
    names, kept = data.stored, _selection(data)
    if data.spec.prepare is not None and data.is_opened:
        return None
    if not set(names) <= set(data.variables) or kept != data.indexers:
        return None
    if any(chunks_of(data.whole, name, kept) is not None for name in names):
        return None
    return FingerprintBuilder(data.whole, names, kept)


def _of_sources(data: CubeData) -> Fingerprint | None:
    prepare = data.spec.prepare
    if prepare is None or not data.is_opened:
        return None
    used = sum(int(data.ds[name].nbytes) for name in data.variables)
    found = [
        fingerprint(open_cube(source), max_bytes=_MOST_TIMES * used) for source in data.spec.sources
    ]
    if any(one.kind in ("metadata", "unknown") for one in found):
        return None
    whole = fingerprint_prepared(found, code_hash(prepare))
    return None if whole.kind == "unknown" else whole


def _selection(data: CubeData) -> Indexers:
    kept = dict(data.indexers)
    if any("lag(" in name for name in data.features):
        # Lagged features reach back before the period.
        kept.pop(data.grid.time or "", None)
    return kept
