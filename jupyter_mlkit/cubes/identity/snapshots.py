"""Versions of the chunks of a versioned store: what last wrote each of them, with no read.

A snapshot as a whole would change its name with every commit, also where nothing changed that
a run used; so each chunk is named by the snapshot that wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import xarray as xr
from msgspec.structs import astuple

from ...errors import CubeError
from ...spec import Source, StorageOptions
from ..sources.locate import locate
from ..sources.versions import open_repository
from .chunks import Chunks, Index

#: Longer histories are not walked; the stored bytes are hashed then.
_MOST_SNAPSHOTS = 1000


def versions_of(ds: xr.Dataset, chunks: Chunks | None) -> bytes | None:
    """Return what tells the versions of `chunks`.

    Parameters
    ----------
    ds : xarray.Dataset
        Its ``encoding`` says which snapshot of what source it is.
    chunks : Chunks or None

    Returns
    -------
    bytes or None
        None where the store has no versions, or its history cannot be reached or walked.
    """
    snapshot = ds.encoding.get("icechunk_snapshot")
    if chunks is None or snapshot is None:
        return None
    store = chunks.array.store_path.store
    if str(store.session.snapshot_id) != snapshot or not store.session.read_only:
        return None
    import icechunk

    options = ds.encoding.get("icechunk_options", StorageOptions())
    try:
        history = _history(str(ds.encoding.get("source", "")), astuple(options), str(snapshot))
    except (CubeError, icechunk.IcechunkError):
        return None
    written = history.writers(chunks)
    if written is None:
        return None
    return chunks.digest(written.get(index) for index in chunks.indices())


@dataclass(frozen=True)
class _Commit:
    """Which chunks a snapshot wrote, by the path of their array."""

    snapshot: str
    chunks: dict[str, set[Index]]
    new: frozenset[str]


class _History:
    """Commits from the newest to the oldest, as far as they have been asked for."""

    def __init__(self, repository: Any, snapshot: str) -> None:
        self._repository = repository
        self._infos = repository.ancestry(snapshot_id=snapshot)
        self._known: list[_Commit] = []

    def writers(self, chunks: Chunks) -> dict[Index, bytes] | None:
        """Return the snapshot that last wrote each chunk; those never written are left out.

        None where the history does not reach back to when the array was made.
        """
        path = f"/{chunks.array.path}"
        touched = [set(numbers) for numbers in chunks.touched]
        found: dict[Index, bytes] = {}
        for number in range(_MOST_SNAPSHOTS):
            if number == len(self._known) and not self._reach_back():
                return None
            commit = self._known[number]
            for index in commit.chunks.get(path, ()):
                if all(number in axis for number, axis in zip(index, touched, strict=True)):
                    found.setdefault(index, commit.snapshot.encode())
            if len(found) == len(chunks) or path in commit.new:
                return found
        return None

    def _reach_back(self) -> bool:
        """Learn of one more commit; False where there is none or older ones have expired."""
        import icechunk

        try:
            info = next(self._infos, None)
            if info is None or info.parent_id is None:
                return False
            diff = self._repository.diff(from_snapshot_id=info.parent_id, to_snapshot_id=info.id)
        except icechunk.IcechunkError:
            return False
        chunks = {
            path: {tuple(map(int, index)) for index in indices}
            for path, indices in diff.updated_chunks.items()
        }
        self._known.append(_Commit(info.id, chunks, frozenset(diff.new_arrays)))
        return True


@lru_cache(maxsize=4)
def _history(uri: str, options: tuple[Any, ...], snapshot: str) -> _History:
    location = locate(Source(uri=uri, options=StorageOptions(*options)))
    return _History(open_repository(location), snapshot)
