"""Digests of stored chunks: in threads, near the rate of reading, and not twice."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import CubeError
from ..reading.fetch import IN_FLIGHT, RemoteBytes
from ..sources.open import remote_errors
from .cache import FileState, LeafCache
from .chunks import Chunks, Index
from .hashing import Hasher

#: Files whose state is compared, and digests that are held, at once.
_BATCH = 2**14
_MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


def leaves_of(chunks: Chunks, cache: LeafCache, hasher: Hasher) -> Iterator[bytes | None]:
    """Yield the digest of each stored chunk, None for those that are not stored.

    Raises
    ------
    CubeError
        ``unreadable_chunk``, ``store_unreachable``.
    """
    folder = chunks.folder
    if folder is None:
        return _fetched(chunks)
    return _of_files(chunks, folder, cache, hasher)


def unknown_bytes(chunks: Chunks, cache: LeafCache, most: int) -> int:
    """Return how many bytes :func:`leaves_of` would read; it stops to count above `most`."""
    folder = chunks.folder
    if folder is None:
        return int(chunks.array.nbytes)
    known = cache.known(folder)
    total = 0
    for key in chunks.names():
        state = _state(folder, key)
        if state is not None and known.get(key, (None, b""))[0] != state:
            total += state.size
            if total > most:
                break
    return total


def sizes_of(chunks: Chunks) -> NDArray[np.int64] | None:
    """Return the size of each stored chunk in bytes, -1 for those that are not stored.

    None where the store does not tell without a request for each.
    """
    folder = chunks.folder
    if folder is None:
        return None
    names = map(f"{folder}{os.sep}".__add__, chunks.names())
    return np.fromiter(map(_size, names), np.int64, len(chunks))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - a Path for each of 10^5 chunks takes 1 s
    except _MISSING:
        return -1


def _state(folder: Path, key: str) -> FileState | None:
    try:
        return FileState.of(os.stat(f"{folder}{os.sep}{key}"))  # noqa: PTH116 - as above
    except _MISSING:
        return None
    except OSError as error:
        raise CubeError(
            f"{folder}/{key} cannot be read: {error.strerror}.", code="unreadable_chunk"
        ) from error


def _of_files(
    chunks: Chunks, folder: Path, cache: LeafCache, hasher: Hasher
) -> Iterator[bytes | None]:
    known = cache.known(folder)
    keys, indices = chunks.names(), chunks.indices()
    while batch := list(itertools.islice(keys, _BATCH)):
        names = list(itertools.islice(indices, len(batch)))
        leaves: list[bytes | None] = [None] * len(batch)
        todo, files = [], []
        for i, key in enumerate(batch):
            state, before = _state(folder, key), known.get(key)
            if state is not None and before is not None and before[0] == state:
                leaves[i] = before[1]
            elif state is not None:
                todo.append(i)
                files.append((f"{folder}{os.sep}{key}", state.size))
        fresh = []
        for i, found in zip(todo, hasher.hash(files), strict=True):
            if isinstance(found, OSError):
                raise _unreadable(chunks, names[i], found)
            if found is None:
                continue
            leaves[i] = found.digest
            if found.state is not None:
                fresh.append((batch[i], found.state, found.digest))
        cache.keep(folder, fresh)
        yield from leaves


def _fetched(chunks: Chunks) -> Iterator[bytes | None]:
    """Fetch chunks with many in flight."""
    remote = RemoteBytes(chunks.array.store_path.store, chunks.array.store_path.path)
    ahead: deque[tuple[Index, Future[Any]]] = deque()
    for index, key in zip(chunks.indices(), chunks.names(), strict=True):
        ahead.append((index, remote.ask(key)))
        if len(ahead) >= 2 * IN_FLIGHT:
            yield _leaf_of(chunks, *ahead.popleft())
    while ahead:
        yield _leaf_of(chunks, *ahead.popleft())


def _leaf_of(chunks: Chunks, index: Index, asked: Future[Any]) -> bytes | None:
    try:
        data = asked.result()
    except remote_errors() as error:
        raise CubeError(
            f"{_place(chunks, index)} cannot be fetched: {type(error).__name__}.",
            hint="Try again; check the network and your access.",
            code="store_unreachable",
        ) from error
    return None if data is None else hashlib.blake2b(memoryview(data)).digest()


def _unreadable(chunks: Chunks, index: Index, error: OSError) -> CubeError:
    return CubeError(
        f"{_place(chunks, index)} cannot be read: {error.strerror}.",
        hint="Check the disk and your access to this file.",
        code="unreadable_chunk",
    )


def _place(chunks: Chunks, index: Index) -> str:
    names = chunks.array.metadata.to_dict().get("dimension_names") or [""] * len(index)
    where = ", ".join(f"{dim or ''} {k}".strip() for dim, k in zip(names, index, strict=True))
    return f"Chunk ({where}) of '{chunks.name}'"
