"""What waits to be brought to the stores, and why."""

from __future__ import annotations

import os
from contextlib import suppress

import msgspec

from ..journal.home import Home, Journal
from .dead_letters import dead_letters
from .source import waiting

_NAME = "status.json"


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
    run, store : str
    entries : int
        That are not in the store yet.
    oldest : float or None
        When the first of them was logged, seconds since 1970-01-01 UTC.
    refused : int
        Entries that the store does not take, which are kept.
    """

    run: str
    store: str
    entries: int
    oldest: float | None
    refused: int


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
    except (FileNotFoundError, msgspec.DecodeError):
        return []


def pending(home: Home) -> list[Pending]:
    """Return the runs of which something waits or was refused, by reading their journals."""
    found = [_pending(journal) for journal in home.journals()]
    return [one for one in found if one.entries or one.refused]


def _pending(journal: Journal) -> Pending:
    entries, oldest = 0, None
    for one in waiting(journal.folder):
        entries += 1
        oldest = one.when / 1e9 if oldest is None else oldest
    refused = len(dead_letters(journal.folder))
    return Pending(journal.run, journal.store, entries, oldest, refused)
