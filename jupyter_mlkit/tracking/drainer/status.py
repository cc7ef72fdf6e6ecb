"""What waits to be brought to the stores, and why."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import msgspec

from jupyter_mlkit.errors import BackendError

from ..disk import replace_file
from ..journal.files import staged
from ..journal.home import MODELS, SENT, UNMADE, Home, Journal
from ..journal.segments import SUFFIX, segments
from ..journal.unmade import HIDDEN, NOTE
from .counting import count
from .dead_letters import NAME as DEAD_LETTERS
from .refused_models import REFUSED_MODELS

_NAME, _ASKED = "status.json", "try-now"
_UNREADABLE = "Look at the permissions there, and at the disk; nothing was deleted."
#: What was refused is no longer waiting.
_REFUSED = ("refused-files", REFUSED_MODELS)
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
        That are not in the store yet; a file is one.
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


_decode = msgspec.json.Decoder(list[Trouble]).decode
_encode = msgspec.json.Encoder().encode


def write_troubles(home: Home, troubles: list[Trouble]) -> None:
    """Leave for others what fails; that it cannot be left stops nothing."""
    with suppress(OSError):
        replace_file(home.root / _NAME, _encode(troubles))


def read_troubles(home: Home) -> list[Trouble]:
    """Return what failed when a drainer looked last."""
    try:
        return _decode((home.root / _NAME).read_bytes())
    except (OSError, msgspec.DecodeError):
        return []


def ask_now(home: Home) -> None:
    """Ask a drainer that waits before it tries again to try now."""
    (home.root / _ASKED).touch(mode=0o600)


def is_asked(home: Home) -> bool:
    """Tell whether somebody has asked, and nobody has heard it yet."""
    return (home.root / _ASKED).exists()


def was_asked(home: Home) -> bool:
    """Tell whether somebody has asked since this was asked last."""
    try:
        (home.root / _ASKED).unlink()
    except OSError:  # nobody has; or it cannot be removed, and would be told for ever
        return False
    return True


def pending(home: Home) -> list[Pending]:
    """Return the runs of which something waits, was refused or cannot be read."""
    return look(home)[0]


def look(home: Home) -> tuple[list[Pending], list[Trouble]]:
    """Return the same, and what keeps other runs from being listed."""
    found: list[Pending] = []
    unlisted: list[Trouble] = []

    def tell(error: Exception) -> None:
        why = f"The journals in {home.root} cannot all be listed: {_words(error)}."
        unlisted[:] = [Trouble(str(home.root), why, _UNREADABLE, 1)]

    for journal in home.journals(tell):
        one = _pending(journal)
        if one.entries or one.refused or one.troubles:
            found.append(one)
    return found, unlisted


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
        for path in _files(journal.folder):
            try:
                changed = path.stat().st_mtime
            except FileNotFoundError:  # it was sent in this moment
                continue
            entries += 1
            oldest = changed if oldest is None else min(oldest, changed)
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


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files that wait: those below the folder of a run, but for what was refused."""
    for path in staged(folder):
        below = path.relative_to(folder).parts
        if len(below) == 1 or below[0] in _REFUSED or path.suffix == SENT:
            continue
        # A model is one, however many files it has; one that is not whole, or done with, is none.
        if below[0] == UNMADE and (path.name != NOTE or below[1].startswith(HIDDEN)):
            continue
        if below[0] == MODELS and (folder / MODELS / (below[1] + SENT)).exists():
            continue
        yield path


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
