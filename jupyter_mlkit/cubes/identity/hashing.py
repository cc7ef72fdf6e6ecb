"""BLAKE2b of files in threads: by hashlib, and by faster code as soon as that is loaded."""

from __future__ import annotations

import hashlib
import io
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

from .cache import FileState
from .lanes import Lanes
from .machine import LOADER, is_kept

_PIECE = 2**20
#: Above this many bytes faster code saves more than to load it takes (40 ms), or to make it
#: (0.3 s, once for each installation).
_LOAD, _MAKE = 2**26, 2**28
#: Smaller files are hashed one by one: to put them side by side would take longer.
_SMALL = 2**15
_MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


@dataclass(frozen=True, slots=True)
class FileDigest:
    """BLAKE2b (64 bytes) of a file; `state` is None where it changed meanwhile."""

    digest: bytes
    state: FileState | None


Found = FileDigest | OSError | None


class Hasher:
    """Hashes files with all processors."""

    def __init__(self) -> None:
        self._threads = max(1, min(4, os.cpu_count() or 1))
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="cube-hash")
        self._bytes = 0

    def __enter__(self) -> Hasher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def hash(self, files: Sequence[tuple[str, int]]) -> list[Found]:
        """Return the digest of each file, None where there is none, or what went wrong.

        Parameters
        ----------
        files : sequence of (str, int)
            Path and size of each; the size may have changed.
        """
        self._bytes += sum(size for _, size in files)
        if self._bytes >= _MAKE or (self._bytes >= _LOAD and is_kept()):
            LOADER.start()
        batch = _Batch(files, self._threads)
        threads = min(self._threads, len(files))
        for task in [self._pool.submit(_Worker(batch).run) for _ in range(threads)]:
            task.result()
        return batch.found


class _Batch:
    """Files, what has been found of them, and which of them wait."""

    def __init__(self, files: Sequence[tuple[str, int]], threads: int) -> None:
        self.files, self.threads = files, threads
        self.found: list[Found] = [None] * len(files)
        self.waiting = deque(range(len(files)))


class _Worker:
    """Hashes files of a batch until none waits, in one thread."""

    def __init__(self, batch: _Batch) -> None:
        self._batch = batch
        self._piece = memoryview(bytearray(_PIECE))

    def run(self) -> None:
        large = self._large()
        while True:
            kernel = LOADER.widest(len(self._batch.waiting) // self._batch.threads)
            if kernel is not None:
                Lanes(kernel).hash(large, self._done, self._by_hashlib)
                return
            number, _ = next(large, (None, ""))
            if number is None:
                return
            self._by_hashlib(number)

    def _large(self) -> Iterator[tuple[int, str]]:
        """Take file by file; small ones are hashed on the way."""
        while True:
            try:
                number = self._batch.waiting.popleft()
            except IndexError:
                return
            path, size = self._batch.files[number]
            if size < _SMALL:
                self._by_hashlib(number)
            else:
                yield number, path

    def _done(self, number: int, digest: bytes, state: FileState) -> None:
        self._batch.found[number] = FileDigest(digest, state)

    def _by_hashlib(self, number: int) -> None:
        self._batch.found[number] = _hash_file(self._batch.files[number][0], self._piece)


def _hash_file(path: str, piece: memoryview) -> Found:
    """Hash a file by hashlib, piece by piece."""
    try:
        with io.FileIO(path) as file:
            before = FileState.of(os.fstat(file.fileno()))
            digest = hashlib.blake2b()
            while size := file.readinto(piece):
                digest.update(piece[:size])
            after = FileState.of(os.fstat(file.fileno()))
    except _MISSING:  # or a folder of that name
        return None
    except OSError as error:
        return error
    return FileDigest(digest.digest(), after if after == before else None)
