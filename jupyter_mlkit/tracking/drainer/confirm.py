"""Delete segments of which the store has all, once it was asked for it."""

from __future__ import annotations

import math
import sys
from collections import defaultdict
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

#: Step, time and value of a point as the store gives it back.
Point = tuple[int, int, float | None]
#: What a database makes of the infinities.
_MOST = sys.float_info.max


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
    for left in [*folder.glob(f"*{UNFINISHED}"), *folder.glob("*.cursor.*")]:
        left.unlink(missing_ok=True)  # by a process that was killed
    deleted = 0
    for writer, found in groupby(segments(folder), key=lambda segment: segment.writer):
        mine, cursor = list(found), read_cursor(folder, writer)
        for segment in mine:
            brought = segment.number < cursor.segment or (
                cursor.segment == segment.number
                and (cursor.closed or writer in gone)
                and not any(isinstance(one, Frame) for one in segment.read(cursor.offset))
            )
            if not brought:
                break
            if not _is_in(store, run, segment):
                write_cursor(folder, writer, Cursor(segment.number))
                raise ConflictError(
                    f"The store does not give back all that it took of run {run}.",
                    hint="It is brought again; look whether the store was put back from a backup.",
                    code="unconfirmed",
                )
            segment.path.unlink(missing_ok=True)
            deleted += 1
        else:
            # Nothing of this writer is left, and nothing more comes.
            (folder / f"{writer}.cursor").unlink(missing_ok=True)
    return deleted


def _is_in(store: StoreClient, run: str, segment: Segment) -> bool:
    """Whether the store gives back all points of a segment that it has not refused."""
    expected: dict[str, set[Point]] = defaultdict(set)
    for one in segment.read():
        entry = decoded(one) if isinstance(one, Frame) else None
        if isinstance(entry, Metric):
            expected[entry.key].add(_point(entry.step, entry.timestamp, entry.value))
    for letter in dead_letters(segment.folder):
        if letter.what == "metric":
            step, timestamp = letter.more["step"], letter.more["timestamp"]
            expected[letter.key].discard(_point(step, timestamp, float(letter.value)))
    for key, points in expected.items():
        if points:
            with store.calling(f"Run {run}") as client:
                found = client.get_metric_history(run, key)
            points -= {_point(one.step, one.timestamp, one.value) for one in found}
    return not any(expected.values())


def _point(step: int, timestamp: int, value: float) -> Point:
    """Return a point in a form that is the same before and after the store."""
    if math.isnan(value):
        return step, timestamp, None
    return step, timestamp, min(max(value, -_MOST), _MOST)
