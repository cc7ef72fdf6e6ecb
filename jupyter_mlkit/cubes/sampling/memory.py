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

#: Values of a line: what a cache holds together.
_LINE = 16
#: Rows are numbered by int32.
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
            # Sizes differ a little; what is there beyond takes no memory.
            held = self._held[use] = np.empty(size + size // 4, dtype)
        return held[:size].reshape(shape)


class Arena:
    """Memory of which runs are taken and given back, from all threads.

    Its addresses are reserved, its pages come as they are touched. A run is taken as near to the
    begin as one fits: what was touched once serves again, and no more is touched than was held
    at once.

    Parameters
    ----------
    size : int
        As many bytes are reserved, unless that is more than the machine has.
    unit : int
        Bytes of what is taken at least, four or a multiple of it.
    """

    def __init__(self, size: int, unit: int = 4 * _LINE) -> None:
        self._values = reserved(size)
        self.unit = unit
        self._free = [(0, self._values.nbytes // unit)]
        self._back: deque[tuple[int, int]] = deque()
        self._held = 0
        self._lock = threading.Lock()

    def rows(self, width: int) -> NDArray[np.float32]:
        """Return all of it as rows of `width` values, which are left over from before."""
        n = min(self._values.size // width, _MOST_ROWS)
        return self._values[: n * width].reshape(n, width)

    def bytes(self, start: int, size: int) -> NDArray[np.uint8]:
        """Return `size` bytes from byte `start` on."""
        return self._values.view(np.uint8)[start : start + size]

    @property
    def held(self) -> int:
        """Bytes that are taken."""
        with self._lock:
            self._merge()
            return self._held * self.unit

    def take(self, n: int) -> int:
        """Return the first of `n` units in a row, the caller's until they are given back."""
        with self._lock:
            self._merge()
            for place, (first, stop) in enumerate(self._free):
                if stop - first >= n:
                    self._free[place : place + 1] = [(first + n, stop)] if stop - first > n else []
                    self._held += n
                    return first
        raise self._full()

    def take_any(self, n: int) -> NDArray[np.int32]:
        """Return `n` units wherever they are, the caller's until they are given back."""
        found, left, used = [], n, 0
        with self._lock:
            self._merge()
            for first, stop in self._free:
                if not left:
                    break
                taken = min(left, stop - first)
                found.append(np.arange(first, first + taken, dtype=np.int32))
                left -= taken
                if first + taken < stop:
                    self._free[used] = (first + taken, stop)
                else:
                    used += 1
            if left:
                raise self._full()
            del self._free[:used]
            self._held += n
        return np.concatenate(found or [np.empty(0, np.int32)])

    def give(self, first: int, n: int) -> None:
        """Give units back."""
        # Called wherever the last reference is dropped, within `take` too: it must not lock.
        self._back.append((first, first + n))

    def give_each(self, units: NDArray[np.int32]) -> None:
        """Give units back, in any order."""
        for unit in units.tolist():
            self.give(unit, 1)

    def _full(self) -> CubeError:
        return CubeError(
            f"What is held of the boxes of chunks that are open takes more than "
            f"{self._values.nbytes / 1e9:.1f} GB, which is all there is for it.",
            hint="Store the cube in smaller chunks.",
            code="too_large_chunks",
        )

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


def reserved(size: int) -> NDArray[np.float32]:
    """Return values whose addresses are reserved, and whose pages come as they are touched.

    Of `size` bytes they are as many as the machine has and its limits allow.
    """
    lines = max(1, min(size, _physical()) // (4 * _LINE))
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if os.name == "posix" else {}
    while True:
        try:
            memory = mmap.mmap(-1, lines * 4 * _LINE, **private)
        except OSError:
            # Addresses are limited here: half of them may do.
            if lines == 1:
                raise
            lines //= 2
        else:
            return np.frombuffer(memory, np.float32)


class Lease:
    """Runs of an arena that are given back when nothing refers to this any more."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self._runs: list[tuple[int, int]] = []

    def rows(self, n: int, width: int) -> int:
        """Return the first of `n` rows of ``arena.rows(width)``."""
        # The first row that begins in the run; the last one ends before the run does.
        return -(-self._take(4 * ((n + 1) * width - 1)) // (4 * width))

    def copy(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return a copy of an array."""
        size, line = values.size * values.dtype.itemsize, 4 * _LINE
        start = -(-self._take(size + line - 1) // line) * line
        found = self.arena.bytes(start, size).view(values.dtype).reshape(values.shape)
        found[...] = values
        return found

    def _take(self, size: int) -> int:
        """Return the first of so many bytes."""
        n = -(-size // self.arena.unit)
        first = self.arena.take(n)
        self._runs.append((first, n))
        return first * self.arena.unit

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
