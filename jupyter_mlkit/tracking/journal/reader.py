"""Read a segment, also one that is damaged, cut off or still being written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .frames import FILE_MARK, MARK, MOST, Frame, frame_at

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Damage:
    """Bytes that are no record, with records after them.

    Attributes
    ----------
    begin, end : int
        Where they lie in the segment.
    """

    begin: int
    end: int


@dataclass(frozen=True)
class Rest:
    """Bytes at the end that are no whole record: cut off, or still being written.

    Attributes
    ----------
    begin, end : int
        Where they lie; the end is that of the file.
    """

    begin: int
    end: int


def read(file: BinaryIO, salt: int, start: int = len(FILE_MARK)) -> Iterator[Frame | Damage | Rest]:
    """Yield the records of a segment in their order, and what is none.

    Parameters
    ----------
    file : binary file
        That can be sought; it is read in pieces, and may grow meanwhile.
    salt : int
        See :func:`.frames.salt_of`.
    start : int
        Where a record ends, or the first begins.

    Yields
    ------
    Frame, Damage or Rest
        A `Rest` is the last, if there is one; what is written later is read from its begin on.
    """
    file.seek(start)
    window = _Window(file, start)
    lost: int | None = None
    while True:
        found = window.frame(salt)
        if found is not None:
            if lost is not None:
                yield Damage(lost, found.begin)
            yield found
            lost = None
            window.skip_to(found.end)
            continue
        if lost is None:
            if window.is_at_end:
                return
            lost = window.at
        if not window.skip_to_mark():
            yield Rest(lost, window.at)
            return


class _Window:
    """A part of a file that moves on: no more than two of the longest records are held."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file = file
        self._base = start
        self._data = b""
        self._at = 0

    @property
    def at(self) -> int:
        """Where in the file it is looked at."""
        return self._base + self._at

    @property
    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._data) and not self._more(1)

    def frame(self, salt: int) -> Frame | None:
        """Return the record that begins here, None where there is none, or no end of it."""
        while isinstance(found := frame_at(salt, self._data, self._at, self._base), int):
            if not found or not self._more(found):
                return None
        return found

    def skip_to(self, place: int) -> None:
        """Look at a later place."""
        self._at = place - self._base
        if self._at >= _BLOCK + MOST:
            self._forget()

    def skip_to_mark(self) -> bool:
        """Look at the next place where a record may begin; return whether there is one."""
        self._at += 1
        while True:
            found = self._data.find(MARK, self._at)
            if found >= 0:
                self._at = found
                return True
            # The mark may be cut by the end of what was read.
            self._at = max(self._at, len(self._data) - len(MARK) + 1)
            if not self._more(1):
                self._at = len(self._data)
                return False

    def _forget(self) -> None:
        self._data, self._base, self._at = self._data[self._at :], self.at, 0

    def _more(self, least: int) -> bool:
        """Read on; return whether `least` bytes came."""
        if self._at >= _BLOCK:
            self._forget()
        had = len(self._data)
        while len(self._data) - had < least:
            piece = self._file.read(_BLOCK)
            if not piece:
                return False
            self._data += piece
        return True
