"""Memory that is used again, or given back at once."""

from __future__ import annotations

import math
import mmap
import os
import threading
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: Smaller arrays come from the heap.
_PAGED = 1 << 18


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


def pages(rows: int, width: int) -> NDArray[np.float32]:
    """Return an array of float32 in pages of its own.

    Pages that are never written to take no memory, and all go back at once with the array:
    arrays of some ten megabytes, made in one thread and dropped in another, would otherwise
    leave the heap in pieces.
    """
    size = rows * width
    if 4 * size < _PAGED:
        return np.empty((rows, width), np.float32)
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if os.name == "posix" else {}
    held = mmap.mmap(-1, 4 * size, **private)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        # A fault for each 4 KiB costs as much as writing them.
        held.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(held, np.float32, size).reshape(rows, width)
