"""Delete segments of which the store has all, once it was asked for it."""

from __future__ import annotations

from collections.abc import Container
from itertools import groupby
from pathlib import Path

from jupyter_mlkit.errors import ConflictError

from ..client import StoreClient
from ..journal.entries import Metric, decoded
from ..journal.frames import Frame
from ..journal.segments import UNFINISHED, Segment, segments
from .cursors import Cursor, read_cursor, write_cursor
from .dead_letters import dead_letters
from .readback import Expected

#: Points whose segments are asked for together.
_AT_A_TIME = 500_000


def tidy(folder: Path, store: StoreClient, run: str, gone: Container[str] = frozenset()) -> int:
    """Delete what the store has of the journal of a run; return how many segments.

    A segment goes when all of it was brought, nobody writes it any more, and the store gives all
    its points back. The last one of a writer stays until the writer has closed it, or is known
    to be gone: it tells whose run it was.

    Parameters
    ----------
    folder : Path
        Of the run's journal.
    store : StoreClient
    run : str
        Its id in the store.
    gone : container of str
        Writers that are dead, and of whose death all was made; see :mod:`.lost`.

    Raises
    ------
    ConflictError
        ``unconfirmed``: the store lacks some of a segment, which is brought again.
    MLKitError
        The store cannot be asked now.
    """
    deleted = 0
    tidy_unfinished(folder)
    brought = _brought(folder, gone)
    while brought:
        expected, some = Expected(), []
        # As many at a time as little memory holds: each time all that the store has is read.
        while brought and expected.count < _AT_A_TIME:
            some.append(brought.pop(0))
            _expect(expected, some[-1])
        for letter in dead_letters(folder):
            if letter.what == "metric":
                step, timestamp = letter.more["step"], letter.more["timestamp"]
                expected.discard(letter.key, step, timestamp, float(letter.value))
        if not expected.are_in(store, run):
            for segment in reversed(some):
                write_cursor(folder, segment.writer, Cursor(segment.number))
            raise ConflictError(
                f"The store does not give back all that it took of run {run}.",
                hint="It is brought again; look whether the store was put back from a backup.",
                code="unconfirmed",
            )
        for segment in some:
            segment.path.unlink(missing_ok=True)
        deleted += len(some)
    # Also those that a killed drainer came to no more after the last segment of their writer.
    left_to = {segment.writer for segment in segments(folder)}
    for cursor in folder.glob("*.cursor"):
        if cursor.stem not in left_to:
            cursor.unlink(missing_ok=True)
    return deleted


def tidy_unfinished(folder: Path) -> None:
    """Delete what a process that was killed has left: one that lives writes it again."""
    for left in [*folder.glob(f"*{UNFINISHED}"), *folder.glob("*.cursor.*")]:
        left.unlink(missing_ok=True)


def _brought(folder: Path, gone: Container[str]) -> list[Segment]:
    """Return the segments of which all was brought."""
    brought = []
    for writer, found in groupby(segments(folder), key=lambda segment: segment.writer):
        cursor = read_cursor(folder, writer)
        for segment in found:
            is_brought = segment.number < cursor.segment or (
                cursor.segment == segment.number
                and (cursor.closed or writer in gone)
                and not any(isinstance(one, Frame) for one in segment.read(cursor.offset))
            )
            if not is_brought:
                break
            brought.append(segment)
    return brought


def _expect(expected: Expected, segment: Segment) -> None:
    for one in segment.read():
        entry = decoded(one) if isinstance(one, Frame) else None
        if isinstance(entry, Metric):
            expected.add(entry.key, entry.step, entry.timestamp, entry.value)
