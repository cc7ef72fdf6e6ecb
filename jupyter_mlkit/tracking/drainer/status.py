"""What waits to be brought to the stores, and why."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import msgspec

from jupyter_mlkit.errors import BackendError

from ..journal.home import Home, Journal
from ..journal.segments import SUFFIX, segments
from .counting import count
from .dead_letters import NAME as DEAD_LETTERS

_NAME = "status.json"
#: Seconds within which an entry is in its store where all is well, the start of a drainer included.
LATE = 10.0
_UNREADABLE = "Look at the permissions there, and at the disk; nothing was deleted."
_SEGMENT = re.compile(r"[0-9a-f]{32}-\d{6,}(\.mlkj\d+)")


class Trouble(msgspec.Struct, frozen=True):
    """A store or a run that does not take what is brought.

    Attributes
    ----------
    where : str
        URI of the store, or id of the run.
    error : str
    hint : str or None
    failures : int
        In a row.
    """

    where: str
    error: str
    hint: str | None
    failures: int


class Pending(msgspec.Struct, frozen=True):
    """A run of which something waits.

    Attributes
    ----------
    folder : Path
    run, store : str
    entries : int
        That are not in the store yet.
    oldest : float or None
        When the first of them was logged, seconds since 1970-01-01 UTC.
    refused : int
        Entries that the store does not take, which are kept.
    troubles : list of Trouble
        What is wrong with the journal itself.
    """

    folder: Path
    run: str
    store: str
    entries: int
    oldest: float | None
    refused: int
    troubles: list[Trouble] = []


class SyncState(msgspec.Struct, frozen=True):
    """What waits of all runs.

    Attributes
    ----------
    entries, runs : int
        How much waits, and of how many runs.
    oldest : float or None
        When the first of it was logged, seconds since 1970-01-01 UTC.
    is_late : bool
        Whether that waits longer than it does where all is well.
    refused : int
        Entries that a store does not take, which are kept.
    troubles : list of Trouble
        Why it waits.
    """

    entries: int
    runs: int
    oldest: float | None
    is_late: bool
    refused: int
    troubles: list[Trouble]


_decode = msgspec.json.Decoder(list[Trouble]).decode
_encode = msgspec.json.Encoder().encode


def write_troubles(home: Home, troubles: list[Trouble]) -> None:
    """Leave for others what fails; that it cannot be left stops nothing."""
    path = home.root / _NAME
    new = path.with_name(f"{_NAME}.{os.getpid()}")
    with suppress(OSError):
        new.write_bytes(_encode(troubles))
        new.replace(path)


def read_troubles(home: Home) -> list[Trouble]:
    """Return what failed when a drainer looked last."""
    try:
        return _decode((home.root / _NAME).read_bytes())
    except (OSError, msgspec.DecodeError):
        return []


def sync_state(home: Home, now: float | None = None) -> SyncState:
    """Return what waits of all runs, and why; cheap enough to be asked again and again.

    Parameters
    ----------
    home : Home
    now : float, optional
        Seconds since 1970-01-01 UTC.
    """
    found, unlisted = _look(home)
    waits = [one for one in found if one.entries]
    concerned = {name for one in waits for name in (one.run, one.store)}
    troubles = {trouble.where: trouble for one in found for trouble in one.troubles}
    # What failed when somebody looked last may be long over.
    told = {one.where: one for one in read_troubles(home) if one.where in concerned}
    oldest = min((one.oldest for one in waits if one.oldest is not None), default=None)
    return SyncState(
        entries=sum(one.entries for one in waits),
        runs=len(waits),
        oldest=oldest,
        is_late=oldest is not None and (time.time() if now is None else now) - oldest >= LATE,
        refused=sum(one.refused for one in found),
        troubles=[*unlisted, *(troubles | told).values()],
    )


def pending(home: Home) -> list[Pending]:
    """Return the runs of which something waits, was refused or cannot be read."""
    return _look(home)[0]


def _look(home: Home) -> tuple[list[Pending], list[Trouble]]:
    """Return the runs, and what keeps others from being listed."""
    found: list[Pending] = []
    try:
        for journal in home.journals():
            one = _pending(journal)
            if one.entries or one.refused or one.troubles:
                found.append(one)
    except (OSError, UnicodeDecodeError) as error:
        why = f"The journals in {home.root} cannot all be listed: {_words(error)}."
        return found, [Trouble(str(home.root), why, _UNREADABLE, 1)]
    return found, []


def _pending(journal: Journal) -> Pending:
    entries, refused, oldest = 0, 0, None
    troubles: list[Trouble] = []

    def tell(error: str, hint: str | None) -> None:
        troubles.append(Trouble(journal.run, error, hint, 1))

    try:
        newer = _newer(journal.folder)
        if newer:
            tell(
                f"A later version of jupyter_mlkit has written {newer}.",
                "Update jupyter_mlkit here; what is in it is kept until then.",
            )
        refused = _refused(journal.folder)
        by_writer = groupby(segments(journal.folder), key=lambda segment: segment.writer)
        for writer, found in by_writer:
            try:
                one = count(journal.folder, writer, list(found))
            except BackendError as error:
                tell(error.message, error.hint)
                continue
            if one is None:
                continue
            entries += one.entries
            oldest = one.oldest if oldest is None else min(oldest, one.oldest)
            if one.damaged:
                tell(
                    f"{one.damaged.end - one.damaged.begin:,} bytes of the journal of run "
                    f"{journal.run} are damaged; what they held is lost.",
                    "What stands before and behind them is brought. Look at the disk.",
                )
    except FileNotFoundError:
        pass  # the store has all of it
    except OSError as error:
        tell(f"The journal of run {journal.run} cannot be read: {_words(error)}.", _UNREADABLE)
    return Pending(
        journal.folder, journal.run, journal.store, entries, oldest if entries else None,
        refused, troubles,
    )  # fmt: skip


def _newer(folder: Path) -> str | None:
    """Return the name of a segment whose format is not ours."""
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _SEGMENT.fullmatch(entry.name)
            if match and match[1] != SUFFIX:
                return entry.name
    return None


def _refused(folder: Path) -> int:
    path = folder / DEAD_LETTERS
    try:
        state = path.stat()
    except FileNotFoundError:
        return 0
    return _lines(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _lines(path: Path, _size: int, _written: int) -> int:
    """Return how many different lines a file has, those apart that were cut off."""
    with path.open("rb") as file:
        lines = (line.rstrip(b"\n") for line in file)
        return len({hash(line) for line in lines if line.endswith(b"}")})


def _words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
