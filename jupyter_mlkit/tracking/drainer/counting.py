"""How much of a writer waits, without reading it: records are numbered.

The first record that waits and the last one of all are read, and no other. So it costs the same
for three entries and for three million.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import UnionType

from ..journal.entries import METRIC, Closed, Opened, decoded
from ..journal.frames import FILE_MARK, MARK, Frame, frame_at, salt_of
from ..journal.reader import Damage
from ..journal.segments import Segment
from .cursors import read_cursor

#: Bytes that hold nearly every record, and those at the end of a segment that hold its last one.
_PIECE, _TAIL = 1 << 12, 1 << 16


@dataclass(frozen=True)
class Count:
    """What waits of a writer.

    Attributes
    ----------
    entries : int
        What the journal says of itself does not count. Entries that were lost on the way to the
        disk do: their numbers are used up.
    oldest : float
        When the first record that waits was written, seconds since 1970-01-01 UTC.
    damaged : Damage or None
        What lies before that record and is none.
    """

    entries: int
    oldest: float
    damaged: Damage | None = None


def count(folder: Path, writer: str, found: list[Segment]) -> Count | None:
    """Return what waits of a writer; None where nothing does.

    Parameters
    ----------
    folder : Path
        Of the run.
    writer : str
    found : list of Segment
        All of the writer, in their order.

    Raises
    ------
    BackendError
        ``newer_journal``: what waits first, or last, is of a later version.
    OSError
        It cannot be read.
    """
    cursor = read_cursor(folder, writer)
    salt = salt_of(writer)
    left = [segment for segment in found if segment.number >= cursor.segment]
    damaged = None
    for position, segment in enumerate(left):
        start = cursor.offset if segment.number == cursor.segment else len(FILE_MARK)
        first, before = _first(segment, salt, start)
        damaged = damaged or before
        if first is None:
            continue
        last, begun = first, 0
        for later in range(len(left) - 1, position - 1, -1):
            end = _last(left[later], salt, first.end if later == position else len(FILE_MARK))
            if end is not None:
                # Each segment begins with a record that says who writes it.
                last, begun = end, later - position
                break
        silent = begun + _is(first, Opened | Closed)
        if last is not first:
            silent += _is(last, Closed)
        # Numbers are not in order where a segment was written again into another one.
        entries = max(1, last.number - first.number + 1) - silent
        return Count(max(0, entries), first.wall / 1e9, damaged)
    return None


def _is(frame: Frame, kind: type | UnionType) -> bool:
    return frame.kind != METRIC and isinstance(decoded(frame), kind)


def _first(segment: Segment, salt: int, start: int) -> tuple[Frame | None, Damage | None]:
    """Return the first record from `start` on, and what lies before it."""
    try:
        with segment.path.open("rb") as file:
            file.seek(start)
            data = file.read(_PIECE)
    except FileNotFoundError:
        return None, None  # the store has all of it
    if not data:
        return None, None
    found = frame_at(salt, data, 0, start)
    if isinstance(found, Frame):
        return found, None
    damaged = None
    for one in segment.read(start):
        if isinstance(one, Frame):
            return one, damaged
        if isinstance(one, Damage):
            damaged = one
    return None, None


def _last(segment: Segment, salt: int, start: int) -> Frame | None:
    """Return the last record from `start` on, looked for from the end."""
    try:
        file = segment.path.open("rb")
    except FileNotFoundError:
        return None
    with file:
        size, piece = file.seek(0, 2), _TAIL
        while True:
            begin = max(start, size - piece)
            file.seek(begin)
            data = file.read(size - begin)
            at = len(data)
            while (at := data.rfind(MARK, 0, at)) >= 0:
                found = frame_at(salt, data, at, begin)
                if isinstance(found, Frame):
                    return found
            if begin == start:
                return None
            piece *= 8
