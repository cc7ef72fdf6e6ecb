"""BLAKE2b of files, read in pieces that stay in the processor's cache."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from .cache import FileState

_PIECE = 2**20
_MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
_held = threading.local()


@dataclass(frozen=True, slots=True)
class FileDigest:
    """BLAKE2b (64 bytes) of a file; `state` is None where it changed meanwhile."""

    digest: bytes
    state: FileState | None


def hash_files(paths: Sequence[str]) -> list[FileDigest | OSError | None]:
    """Return the digest of each file, None where there is none, or what went wrong."""
    return [_hash_file(path) for path in paths]


def _hash_file(path: str) -> FileDigest | OSError | None:
    try:
        file = io.FileIO(path)
    except _MISSING:
        return None
    except OSError as error:
        return error
    try:
        before = FileState.of(os.fstat(file.fileno()))
        digest = hashlib.blake2b()
        piece = _piece()
        while size := file.readinto(piece):
            digest.update(piece[:size])
        after = FileState.of(os.fstat(file.fileno()))
    except _MISSING:  # a folder of that name
        return None
    except OSError as error:
        return error
    finally:
        file.close()
    return FileDigest(digest.digest(), after if after == before else None)


def _piece() -> memoryview:
    """Return memory that this thread uses again for every file."""
    if not hasattr(_held, "piece"):
        _held.piece = memoryview(bytearray(_PIECE))
    found: memoryview = _held.piece
    return found
