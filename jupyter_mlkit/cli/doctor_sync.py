"""The journal: where what was logged waits for its store, how much does, and why."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from .. import paths
from ..tracking.disk import on_network
from ..tracking.drainer.dead_letters import NAME, dead_letters
from ..tracking.drainer.status import Pending, look
from ..tracking.drainer.summary import LATE, sync_state
from ..tracking.journal.home import QUOTA, TOLD_AT, Home
from .finding import Finding

#: Room below which a training may soon log what cannot be kept.
_LOW_BYTES = 100 * 1024**2
#: Runs with refused entries that are named.
_MOST = 5


def examine_sync() -> Iterator[Finding]:
    """Look at the folder of the journals, at what waits there and at what stores refuse."""
    root = paths.journal_dir()
    if not os.path.lexists(root):
        yield _to_be_made(root)
        return
    folder = _folder(root)
    yield folder
    if not root.is_dir():
        return
    yield _file_system(root)
    yield _size(root)
    home = Home(root)
    yield from _waiting(home)
    yield from _refused([one for one in look(home)[0] if one.refused])


def _to_be_made(root: Path) -> Finding:
    above = next(path for path in root.parents if path.exists())
    if os.access(above, os.W_OK | os.X_OK):
        return Finding("journal", f"{root} will be made at the first use", absent=True)
    return Finding(
        "journal",
        f"{root} is not there",
        f"it cannot be made, as {above} cannot be written: "
        "what is logged goes straight to the store",
        f"chmod u+rwx {shlex.quote(str(above))}, or set JUPYTER_DATA_DIR to another folder",
    )


def _folder(root: Path) -> Finding:
    if not root.is_dir():
        fix = f"move it away: mv {shlex.quote(str(root))} {shlex.quote(str(root))}.old"
        return Finding("journal", str(root), "it is no folder, so nothing can be kept there", fix)
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        return Finding(
            "journal",
            str(root),
            "it cannot be written: what is logged goes straight to the store",
            f"chmod u+rwx {shlex.quote(str(root))}, or have the disk mounted for writing",
        )
    return Finding("journal", f"{root} can be written")


def _file_system(root: Path) -> Finding:
    if not on_network(root):
        return Finding("file system of the journal", "local")
    return Finding(
        "file system of the journal",
        "a network one, or not known: locks may not hold there, so two machines may send at once; "
        "each entry is in its store once all the same",
    )


def _size(root: Path) -> Finding:
    size, free = Home(root).size(), shutil.disk_usage(root).free
    most = f"{QUOTA / 1024**3:.0f} GiB"
    state = f"{size / 1024**2:,.1f} MiB of {most}; {free / 1024**3:.1f} GiB free"
    if size > TOLD_AT * QUOTA:
        return Finding(
            "size of the journal",
            state,
            f"{most} are meant to be the most; more is kept all the same, until the disk is full",
            "jupyter mlkit sync sends it, or says why not",
        )
    if free >= _LOW_BYTES:
        return Finding("size of the journal", state)
    return Finding(
        "size of the journal",
        state,
        "what is logged once the disk is full cannot be kept",
        "free some space there",
    )


def _waiting(home: Home) -> Iterator[Finding]:
    state = sync_state(home)
    if state.entries:
        entries = f"{state.entries:,} entr{'y' if state.entries == 1 else 'ies'}"
        runs = f"{state.runs:,} run{'' if state.runs == 1 else 's'}"
        since = datetime.fromtimestamp((state.oldest or 0) / 1000).strftime("%Y-%m-%d %H:%M:%S")
        told = f"{entries} of {runs}, the oldest since {since}"
        if state.late and not state.troubles:
            why = f"nothing is known to be wrong, and yet it waits for more than {LATE:.0f} s"
            yield Finding("waiting", told, why, "jupyter mlkit sync brings it, or says why not")
        else:
            yield Finding("waiting", told)
    else:
        yield Finding("waiting", "nothing", absent=True)
    for trouble in state.troubles:
        tried = f"tried {trouble.failures:,} time{'' if trouble.failures == 1 else 's'}"
        yield Finding(trouble.where, tried, trouble.error, trouble.hint or "see the message")


def _refused(found: list[Pending]) -> Iterator[Finding]:
    """Name what stores refuse for good, with the reason of one entry."""
    if not found:
        yield Finding("refused by a store", "nothing", absent=True)
    for one in found[:_MOST]:
        path = one.folder / NAME
        letter = next(iter(dead_letters(one.folder)), None)
        yield Finding(
            f"refused of run {one.run}",
            f"{one.refused:,} entr{'y' if one.refused == 1 else 'ies'}, kept in {path}",
            f"{letter.what} {letter.key!r}: {letter.why}" if letter else "the store took them not",
            f"log them again as the store takes them, then: rm {shlex.quote(str(path))}",
        )
    if len(found) > _MOST:
        rest = sum(one.refused for one in found[_MOST:])
        yield Finding("refused of other runs", f"{rest:,} of {len(found) - _MOST:,} runs")
