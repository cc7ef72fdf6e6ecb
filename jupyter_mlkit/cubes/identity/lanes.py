"""Files in the lanes of a vector: as one ends, the next takes its place."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .blake2 import BLOCK, LANES, compress_blocks, first_state
from .cache import FileState

#: Four pieces stay in the processor's cache while they are hashed.
_PIECE = 2**18
_ALL_ONES = np.uint64(2**64 - 1)

#: Called with the number of a file, its digest and its state before it was read.
Done = Callable[[int, bytes, FileState], None]


@dataclass
class _Open:
    """A file in a lane."""

    number: int
    file: io.FileIO
    state: FileState
    #: Bytes that are not read yet, and those that are read and not hashed yet.
    unread: int
    left: int = 0

    @property
    def blocks(self) -> int:
        """Blocks that can be hashed, without the last of the file."""
        return (self.left - (0 if self.unread else 1)) // BLOCK


class Lanes:
    """Hashes files four at a time; one for each thread."""

    def __init__(self) -> None:
        self._pieces = np.empty((LANES, _PIECE), np.uint8)
        self._starts = np.array([piece.ctypes.data for piece in self._pieces], np.uint64)
        self._block = np.zeros(BLOCK, np.uint8)
        self._state = np.zeros((8, LANES), np.uint64)
        self._pointers = np.zeros(LANES, np.uint64)
        self._counts = np.zeros(LANES, np.uint64)
        self._none = np.zeros(LANES, np.uint64)

    def hash(
        self, paths: Sequence[str], done: Done, failed: Callable[[int, OSError], None]
    ) -> None:
        """Hash files; each is passed to `done`, or to `failed` with what went wrong.

        Empty files are left to the caller: `done` gets no bytes for them.
        """
        waiting = iter(enumerate(paths))
        lanes: list[_Open | None] = [None] * LANES
        try:
            while True:
                for lane in range(LANES):
                    if lanes[lane] is None:
                        lanes[lane] = self._next(lane, waiting, done, failed)
                held = [one for one in lanes if one is not None]
                if not held:
                    return
                self._advance(lanes, min(one.blocks for one in held))
                for lane, one in enumerate(lanes):
                    if one is not None and not one.blocks:
                        lanes[lane] = self._turn(lane, one, done, failed)
        finally:
            for one in lanes:
                if one is not None:
                    one.file.close()

    def _next(
        self, lane: int, waiting: Iterator[tuple[int, str]], done: Done, failed: Any
    ) -> _Open | None:
        """Put the next file that has a block before its last into `lane`."""
        for number, path in waiting:
            try:
                file = io.FileIO(path)
                state = FileState.of(os.fstat(file.fileno()))
            except OSError as error:
                failed(number, error)
                continue
            one = _Open(number, file, state, state.size)
            self._state[:, lane] = first_state()
            self._counts[lane] = 0
            if not state.size:
                file.close()
                done(number, b"", state)
                continue
            found = self._turn(lane, one, done, failed)
            if found is not None:
                return found
        return None

    def _turn(self, lane: int, one: _Open, done: Done, failed: Any) -> _Open | None:
        """Read the next piece of a file, or end it."""
        try:
            if one.unread:
                self._fill(lane, one)
            if one.blocks:
                return one
            if not one.unread:
                done(one.number, self._ended(lane, one.left), one.state)
            else:
                failed(one.number, OSError(0, "the file became shorter while it was read"))
        except OSError as error:
            failed(one.number, error)
        one.file.close()
        return None

    def _fill(self, lane: int, one: _Open) -> None:
        piece = memoryview(self._pieces[lane])[: min(_PIECE, one.unread)]
        while one.left < len(piece):
            size = one.file.readinto(piece[one.left :])
            if not size:
                return
            one.left += size
            one.unread -= size
        self._pointers[lane] = self._starts[lane]

    def _advance(self, lanes: Sequence[_Open | None], blocks: int) -> None:
        for lane, one in enumerate(lanes):
            if one is None:  # whatever is in its piece is hashed along, for nothing
                self._pointers[lane] = self._starts[lane]
            else:
                one.left -= blocks * BLOCK
        compress_blocks(self._state, self._pointers, self._counts, self._none, blocks)

    def _ended(self, lane: int, left: int) -> bytes:
        """Return the digest of a lane of which `left` bytes (1 to 128) are not hashed yet."""
        start = int(self._pointers[lane] - self._starts[lane])
        self._block[:left] = self._pieces[lane, start : start + left]
        self._block[left:] = 0
        state = self._state.copy()
        finals = np.full(LANES, _ALL_ONES)
        counts = self._counts + np.uint64(left) - np.uint64(BLOCK)
        pointers: NDArray[np.uint64] = np.full(LANES, self._block.ctypes.data, np.uint64)
        compress_blocks(state, pointers, counts, finals, 1)
        return np.ascontiguousarray(state[:, lane]).astype("<u8").tobytes()
