"""BLAKE2b of files, read in pieces that stay in the processor's cache."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .cache import FileState
from .compiled import is_kept, pays

_PIECE = 2**20
#: Above this many bytes, the faster hash pays: where its compiled code is kept from an earlier
#: time, and where it has to be compiled (4 s, once for each installation).
_SOME_LOADED, _SOME_ALONE = 2**26, 2**29
MANY_BYTES = 2**31
_MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
_held = threading.local()


@dataclass(frozen=True, slots=True)
class FileDigest:
    """BLAKE2b (64 bytes) of a file; `state` is None where it changed meanwhile."""

    digest: bytes
    state: FileState | None


Found = FileDigest | OSError | None
HashFiles = Callable[[Sequence[str]], list[Found]]


def hasher_for(total: int) -> HashFiles:
    """Return what hashes files of `total` bytes fastest; the digests are the same."""
    if not pays(total, loaded=_SOME_LOADED, alone=_SOME_ALONE) or _lanes() is None:
        return hash_files
    from .blake2 import compress_blocks

    fast = total >= MANY_BYTES or is_kept(compress_blocks)
    return _hash_in_lanes if fast else hash_files


def hash_files(paths: Sequence[str]) -> list[Found]:
    """Return the digest of each file, None where there is none, or what went wrong."""
    return [_hash_file(path) for path in paths]


def _hash_file(path: str) -> Found:
    try:
        with io.FileIO(path) as file:
            before = FileState.of(os.fstat(file.fileno()))
            digest = hashlib.blake2b()
            piece = _mine("piece", lambda: memoryview(bytearray(_PIECE)))
            while size := file.readinto(piece):
                digest.update(piece[:size])
            after = FileState.of(os.fstat(file.fileno()))
    except _MISSING:  # or a folder of that name
        return None
    except OSError as error:
        return error
    return FileDigest(digest.digest(), after if after == before else None)


def _hash_in_lanes(paths: Sequence[str]) -> list[Found]:
    found: list[Found] = [None] * len(paths)

    def done(number: int, digest: bytes, before: FileState) -> None:
        after = FileState.of(os.stat(paths[number]))  # noqa: PTH116 - called for every chunk
        unchanged = bool(digest) and after == before
        # Lanes hash as many bytes as there were: what changed meanwhile is hashed anew.
        found[number] = FileDigest(digest, after) if unchanged else _hash_file(paths[number])

    def failed(number: int, _: OSError) -> None:
        found[number] = _hash_file(paths[number])

    kind = _lanes()
    assert kind is not None
    _mine("lanes", kind).hash(paths, done, failed)
    return found


@lru_cache(maxsize=1)
def _lanes() -> Callable[[], Any] | None:
    if sys.byteorder != "little":
        return None
    try:
        from .lanes import Lanes
    except (ImportError, RuntimeError):  # numba is not there, or finds no folder for its cache
        return None
    return Lanes


def _mine(name: str, make: Callable[[], Any]) -> Any:
    """Return what this thread uses again for every file."""
    if not hasattr(_held, name):
        setattr(_held, name, make())
    return getattr(_held, name)
