"""Who writes the journal of a run, and what became of them."""

from __future__ import annotations

from enum import Enum
from itertools import groupby
from pathlib import Path

from jupyter_mlkit.errors import BackendError
from jupyter_mlkit.processes.identity import Identity

from ..journal.entries import Opened, decoded
from ..journal.frames import FILE_MARK, Frame, frame_at, salt_of
from ..journal.segments import Segment, segments
from .cursors import read_cursor

#: Bytes that hold the first record of any segment.
_FIRST = 1 << 14


class Life(Enum):
    """What is known of a writer."""

    #: It has said that nothing more comes, and all of it was brought.
    CLOSED = "closed"
    #: Its process is there: it runs, or was suspended and may go on.
    ALIVE = "alive"
    #: Its process is gone, and has not said that nothing more comes.
    DEAD = "dead"
    #: Nothing can be said from here: it is of another machine, or its name cannot be read.
    UNKNOWN = "unknown"


def writers(folder: Path) -> dict[str, Life]:
    """Return what became of each writer of which the journal of a run has something left."""
    return {
        writer: _life(folder, writer, list(found))
        for writer, found in groupby(segments(folder), key=lambda segment: segment.writer)
    }


def _life(folder: Path, writer: str, found: list[Segment]) -> Life:
    if read_cursor(folder, writer).closed:
        return Life.CLOSED
    process = next(filter(None, map(process_of, found)), None)
    if process is None or not process.is_here:
        return Life.UNKNOWN
    return Life.ALIVE if process.is_alive else Life.DEAD


def process_of(segment: Segment) -> Identity | None:
    """Return the process that writes, or has written, a segment; None where it cannot be told."""
    try:
        with segment.path.open("rb") as file:
            data = file.read(_FIRST)
    except FileNotFoundError:  # brought to the store meanwhile
        return None
    first = frame_at(salt_of(segment.writer), data, len(FILE_MARK))
    try:
        opened = decoded(first) if isinstance(first, Frame) else None
    except BackendError:  # of a later version
        return None
    # Without the time of its start it cannot be told from whoever has its pid next.
    if not isinstance(opened, Opened) or not opened.started:
        return None
    return Identity(opened.pid, opened.started, opened.boot, opened.machine)
