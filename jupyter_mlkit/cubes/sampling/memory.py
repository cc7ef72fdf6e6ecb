"""Memory that is used again: a page that is touched for the first time costs as much as its use."""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import threading
import weakref
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: Pages that a block no longer needs go back to the system where they are as many bytes.
_TRIM = 8 << 20
#: Bytes of the blocks that wait to be used again, unless it is one alone.
_KEPT = 48 << 20


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


class Block:
    """Pages of which only those that are written to take memory.

    Attributes
    ----------
    capacity : int
        Number of float32 values.
    touched : int
        Bytes at its begin whose pages are there.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.touched = 0
        private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if os.name == "posix" else {}
        self._map = mmap.mmap(-1, 4 * max(1, capacity), **private)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            self._map.madvise(mmap.MADV_HUGEPAGE)

    def array(self) -> NDArray[np.float32]:
        """Return all of it; values are left over from before."""
        return np.frombuffer(self._map, np.float32, self.capacity)

    def used(self, values: int) -> None:
        """Give back what is behind the first `values`, if that is much."""
        size = -(-4 * values // mmap.PAGESIZE) * mmap.PAGESIZE
        if self.touched - size > _TRIM and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED, size, self.touched - size)
            self.touched = size
        self.touched = max(self.touched, size)


class Pool:
    """Blocks that go round: taken in one thread, dropped in another; safe to use from all."""

    def __init__(self) -> None:
        self._free: deque[Block] = deque()
        self._blocks: weakref.WeakSet[Block] = weakref.WeakSet()
        self._lock = threading.Lock()

    def take(self, capacity: int, needed: int | None = None) -> tuple[Block, NDArray[np.float32]]:
        """Return a block of at least `capacity` values, and these as an array.

        It is free again when nothing looks at the array any more. `needed` is how many values
        will be written, if that is known: the block is chosen that has as many pages already.
        """
        with self._lock:
            fits = [block for block in tuple(self._free) if block.capacity >= capacity]
            wanted = 4 * (capacity if needed is None else needed)
            block = min(fits, key=lambda one: abs(one.touched - wanted), default=None)
            if block is None:
                block = Block(capacity)
                self._blocks.add(block)
            else:
                with contextlib.suppress(ValueError):
                    self._free.remove(block)
        values = block.array()
        weakref.finalize(values, self._put, block).atexit = False
        return block, values[:capacity]

    @property
    def touched(self) -> int:
        """Bytes of all blocks, used or free."""
        with self._lock:
            return sum(block.touched for block in self._blocks)

    def _put(self, block: Block) -> None:
        # Called wherever the last view is dropped, within `take` too: it must not lock.
        self._free.append(block)
        with contextlib.suppress(IndexError):
            while sum(one.touched for one in tuple(self._free)[:-1]) > _KEPT:
                self._free.popleft()

    def copy(self, values: NDArray[Any], most: int) -> NDArray[Any]:
        """Return a copy in a block that has room for `most` bytes, free again as in `take`."""
        needed = -(-values.nbytes // 4)
        block, room = self.take(-(-most // 4), needed)
        block.used(needed)
        found = room.view(np.uint8)[: values.nbytes].view(values.dtype).reshape(values.shape)
        found[...] = values
        return found
