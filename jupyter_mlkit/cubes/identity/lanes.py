"""Files in the lanes of a vector: as one ends, the next takes its place."""

from __future__ import annotations

import io
import mmap
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .cache import FileState
from .machine import Kernel
from .parameters import BLOCK, FIRST

#: The pieces of all lanes stay in the processor's cache while they are hashed.
_PIECE = 2**18
_ALL_ONES = np.uint64(2**64 - 1)

#: Called with the number of a file, its digest and its state.
Done = Callable[[int, bytes, FileState], None]
#: Called with the number of a file that is empty, not readable, or changed while it was read.
Failed = Callable[[int], None]


@dataclass
class _Open:
    """A file in a lane; `left` bytes are read and not hashed yet."""

    number: int
    file: io.FileIO
    state: FileState
    unread: int
    left: int = 0

    @property
    def blocks(self) -> int:
        """Blocks that can be hashed, without the last of the file."""
        return (self.left - (0 if self.unread else 1)) // BLOCK


class Words:
    """What a kernel is given, and where that lies."""

    def __init__(self, lanes: int) -> None:
        arrays = [np.zeros((rows, lanes), np.uint64) for rows in (8, 1, 1, 1)]
        self.state, self.places, self.counts, self.finals = arrays
        self.addresses = [array.ctypes.data for array in arrays]


class Lanes:
    """Hashes as many files side by side as the kernel has lanes; one for each thread."""

    def __init__(self, kernel: Kernel) -> None:
        lanes = range(kernel.lanes)
        self._compress = kernel.compress
        # At the start of a page, so that no vector lies across two lines of the cache.
        memory = mmap.mmap(-1, kernel.lanes * _PIECE + BLOCK)
        start = np.frombuffer(memory, np.uint8).ctypes.data
        whole = memoryview(memory)
        self._pieces = [whole[lane * _PIECE : (lane + 1) * _PIECE] for lane in lanes]
        self._starts = [start + lane * _PIECE for lane in lanes]
        self._words = Words(kernel.lanes)
        self._first = np.array(FIRST, np.uint64)
        # The last block of a file is hashed apart from what the other lanes do.
        self._last = Words(kernel.lanes)
        self._last.finals[:] = _ALL_ONES
        self._last_block = whole[-BLOCK:]
        self._last_place = start + kernel.lanes * _PIECE
        self._open: list[_Open | None] = [None for _ in lanes]

    def hash(self, waiting: Iterator[tuple[int, str]], done: Done, failed: Failed) -> None:
        """Hash files, which have numbers; each is passed to `done` or to `failed`."""
        try:
            while blocks := self._supply(waiting, done, failed):
                for one in self._open:
                    if one is not None:
                        one.left -= blocks * BLOCK
                self._compress(*self._words.addresses, blocks)
        finally:
            for lane, one in enumerate(self._open):
                if one is not None:
                    self._close(lane, one)

    def _supply(self, waiting: Iterator[tuple[int, str]], done: Done, failed: Failed) -> int:
        """Give blocks to each lane, as long as there are files; return how many all have."""
        # A new file begins with as much as the others have left, so that all end together.
        ahead = max((one.blocks for one in self._open if one is not None), default=0)
        for lane in range(len(self._open)):
            while (one := self._open[lane]) is None or not one.blocks:
                if one is None:
                    named = next(waiting, None)
                    if named is None:  # whatever is in its piece is hashed along, for nothing
                        self._words.places[0, lane] = self._starts[lane]
                        break
                    self._begin(lane, *named, failed)
                elif one.unread:
                    self._read(lane, one, min(_PIECE, ahead * BLOCK or _PIECE), failed)
                else:
                    self._end(lane, one, done, failed)
            else:
                ahead = max(ahead, one.blocks)
        return min((one.blocks for one in self._open if one is not None), default=0)

    def _begin(self, lane: int, number: int, path: str, failed: Failed) -> None:
        try:
            file = io.FileIO(path)
            state = FileState.of(os.fstat(file.fileno()))
        except OSError:
            failed(number)
            return
        self._open[lane] = one = _Open(number, file, state, state.size)
        self._words.state[:, lane] = self._first
        self._words.counts[0, lane] = 0
        if not state.size:
            self._close(lane, one)
            failed(number)

    def _read(self, lane: int, one: _Open, most: int, failed: Failed) -> None:
        """Read the next piece of a file, of which nothing is left to be hashed."""
        piece = self._pieces[lane][: min(most, one.unread)]
        try:
            while one.left < len(piece) and (size := one.file.readinto(piece[one.left :])):
                one.left += size
                one.unread -= size
        except OSError:
            one.left = 0
        self._words.places[0, lane] = self._starts[lane]
        if one.left < len(piece):
            self._close(lane, one)
            failed(one.number)

    def _end(self, lane: int, one: _Open, done: Done, failed: Failed) -> None:
        state = FileState.of(os.fstat(one.file.fileno()))
        self._close(lane, one)
        if state == one.state:
            done(one.number, self._digest(lane, one.left), state)
        else:
            failed(one.number)

    def _digest(self, lane: int, left: int) -> bytes:
        """Return the digest of a lane of which `left` bytes (1 to 128) are not hashed yet."""
        start = int(self._words.places[0, lane]) - self._starts[lane]
        self._last_block[:left] = self._pieces[lane][start : start + left]
        self._last_block[left:] = bytes(BLOCK - left)
        self._last.state[:] = self._words.state
        self._last.counts[:] = self._words.counts + np.uint64(left) - np.uint64(BLOCK)
        self._last.places[:] = self._last_place
        self._compress(*self._last.addresses, 1)
        return self._last.state[:, lane].astype("<u8").tobytes()

    def _close(self, lane: int, one: _Open) -> None:
        one.file.close()
        self._open[lane] = None
