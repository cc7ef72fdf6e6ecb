"""All that waits in the journal of a run, those of several writers as one sequence."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from ..journal.entries import Closed, Entry, decoded
from ..journal.frames import FILE_MARK, Frame
from ..journal.reader import Damage, Rest
from ..journal.segments import Segment, segments
from .cursors import Cursor, read_cursor


class Waiting(NamedTuple):
    """An entry that is not in the store yet, as far as the cursors tell.

    Attributes
    ----------
    when : int
        Nanoseconds; never less than that of the writer's entry before, whatever its clock did.
    writer : str
    number : int
        Of the record.
    entry : Entry
    after : Cursor
        The writer's cursor once the entry is in the store.
    """

    when: int
    writer: str
    number: int
    entry: Entry
    after: Cursor


#: Told of bytes in a segment that are no record.
Damaged = Callable[[Segment, Damage], None]


def waiting(folder: Path, damaged: Damaged = lambda *_: None) -> Iterator[Waiting]:
    """Yield what waits in the journal of a run.

    The entries of a writer come in its order, those of several in that of their time.

    Raises
    ------
    BackendError
        ``newer_journal``; nothing is yielded of that writer from there on.
    """
    by_writer = groupby(segments(folder), key=lambda segment: segment.writer)
    return heapq.merge(
        *(_of_writer(folder, name, list(found), damaged) for name, found in by_writer),
        key=lambda one: one[:3],
    )


def _of_writer(
    folder: Path, writer: str, found: list[Segment], damaged: Damaged
) -> Iterator[Waiting]:
    cursor, when = read_cursor(folder, writer), 0
    for segment in found:
        if segment.number < cursor.segment:
            continue
        start = cursor.offset if segment.number == cursor.segment else len(FILE_MARK)
        for one in segment.read(start):
            if isinstance(one, Frame):
                when = max(when, one.wall)
                entry = decoded(one)
                after = Cursor(segment.number, one.end, isinstance(entry, Closed))
                yield Waiting(when, writer, one.number, entry, after)
            elif isinstance(one, Damage):
                damaged(segment, one)
            elif isinstance(one, Rest) and segment != found[-1]:
                # Nobody will write on here.
                damaged(segment, Damage(one.begin, one.end))
