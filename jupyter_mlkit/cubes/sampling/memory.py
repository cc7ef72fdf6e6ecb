"""Memory that is used again: a page that is touched for the first time costs as much as its use."""

from __future__ import annotations

import bisect
import math
import mmap
import os
import threading
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...errors import CubeError

#: Rows of an arena are numbered by int32.
_MOST_ROWS = 2**31 - 1


class Scratch(threading.local):
    """Arrays of each thread, valid until the same use is taken again."""

    def __init__(self) -> None:
        self._held: dict[str, NDArray[Any]] = {}

    def take(self, use: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return an array whose values are left over from before."""
        size = math.prod(shape)
        held = self._held.get(use)
        if held is None or held.size < size:
            held = self._held[use] = np.empty(size, dtype)
        return held[:size].reshape(shape)


class Arena:
    """Rows of which runs are taken and given back, from all threads.

    Its addresses are reserved, its pages come as they are touched. A run is taken as near to the
    begin as one fits: what was touched once serves again, and no more is touched than was held
    at once.

    Parameters
    ----------
    width : int
        Values of a row.
    rows : int
        As many are reserved, unless that is more than the machine has.

    Attributes
    ----------
    rows : ndarray of float32, shape (rows, width)
        All of them; values are left over from before.
    """

    def __init__(self, width: int, rows: int) -> None:
        row = 4 * max(1, width)
        rows = max(1, min(rows, _MOST_ROWS, _physical() // row))
        private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if os.name == "posix" else {}
        while True:
            try:
                memory = mmap.mmap(-1, rows * row, **private)
            except OSError:
                # Addresses are limited here: half of them may do.
                if rows == 1:
                    raise
                rows //= 2
            else:
                break
        if hasattr(mmap, "MADV_HUGEPAGE"):
            memory.madvise(mmap.MADV_HUGEPAGE)
        self.rows = np.frombuffer(memory, np.float32).reshape(rows, max(1, width))
        self._free = [(0, rows)]
        self._back: deque[tuple[int, int]] = deque()
        self._held = 0
        self._lock = threading.Lock()

    @property
    def held(self) -> int:
        """Bytes that are taken."""
        with self._lock:
            self._merge()
            return self._held * self.rows.strides[0]

    def take(self, n: int) -> int:
        """Return the first of `n` rows that are the caller's until they are given back."""
        with self._lock:
            self._merge()
            for place, (first, stop) in enumerate(self._free):
                if stop - first >= n:
                    self._free[place : place + 1] = [(first + n, stop)] if stop - first > n else []
                    self._held += n
                    return first
        raise CubeError(
            f"What is held of the boxes of chunks that are open takes more than "
            f"{self.rows.nbytes / 1e9:.1f} GB, which is all there is for it.",
            hint="Store the cube in smaller chunks.",
            code="too_large_chunks",
        )

    def give(self, first: int, n: int) -> None:
        """Give rows back."""
        # Called wherever the last reference is dropped, within `take` too: it must not lock.
        self._back.append((first, first + n))

    def _merge(self) -> None:
        while self._back:
            first, stop = self._back.popleft()
            self._held -= stop - first
            place = bisect.bisect(self._free, (first, stop))
            if place < len(self._free) and self._free[place][0] == stop:
                stop = self._free.pop(place)[1]
            if place and self._free[place - 1][1] == first:
                place -= 1
                first = self._free.pop(place)[0]
            if stop > first:
                self._free.insert(place, (first, stop))


class Lease:
    """Runs of an arena that are given back when nothing refers to this any more."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self._runs: list[tuple[int, int]] = []

    def take(self, n: int) -> int:
        """Return the first of `n` rows."""
        first = self.arena.take(n)
        self._runs.append((first, n))
        return first

    def __del__(self) -> None:
        """Give all runs back."""
        for run in self._runs:
            self.arena.give(*run)


def _physical() -> int:
    """Return the bytes of memory that the machine has."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 16 << 30
