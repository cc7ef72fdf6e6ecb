"""Empty the journal of one run into the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..client import StoreClient
from .cursors import Cursor, write_cursor
from .dead_letters import keep
from .delivery import Chunk, deliver
from .source import Damaged, Waiting, waiting
from .target import Target


def drain(
    folder: Path,
    store: StoreClient,
    run: str,
    *,
    damaged: Damaged = lambda *_: None,
    target: Target | None = None,
    go_on: Callable[[], bool] = lambda: True,
) -> int:
    """Bring what waits in the journal of a run to the store, chunk by chunk.

    After each chunk the cursors say so. Whenever this is interrupted, no more than one chunk is
    brought twice, which changes nothing.

    Parameters
    ----------
    folder : Path
        Of the run's journal.
    store : StoreClient
    run : str
        Its id in the store.
    damaged : callable
        Told of bytes that are no record.
    target : Target, optional
        What of it the store is told in other words.
    go_on : callable
        Asked before each chunk.

    Returns
    -------
    int
        Entries that are in the store now, or among the dead letters.

    Raises
    ------
    MLKitError
        As :func:`.delivery.deliver`, and ``newer_journal``; what was brought stays brought.
    OSError
        Cursors or dead letters cannot be written.
    """
    done, target = 0, target or Target(store, run)
    for chunk, cursors, entries in _chunks(waiting(folder, damaged)):
        if not go_on():
            break
        keep(folder, deliver(target, chunk))
        for writer, cursor in cursors.items():
            write_cursor(folder, writer, cursor)
        done += entries
    return done


def _chunks(found: Iterable[Waiting]) -> Iterator[tuple[Chunk, dict[str, Cursor], int]]:
    chunk, cursors, entries = Chunk(), dict[str, Cursor](), 0
    for one in found:
        chunk.add(one.entry)
        cursors[one.writer] = one.after
        entries += 1
        if chunk.is_full:
            yield chunk, cursors, entries
            chunk, cursors, entries = Chunk(), {}, 0
    if entries:
        yield chunk, cursors, entries
