"""``jupyter mlkit sync``: bring what was logged to its store now, and tell what waits and why."""

from __future__ import annotations

import time
from datetime import datetime

from ..paths import journal_dir
from ..tracking.drainer.service import Drainer, alone
from ..tracking.drainer.status import pending, read_troubles, write_troubles
from ..tracking.drainer.summary import sync_state
from ..tracking.journal.home import Home

_LOOK_EVERY = 0.3


def sync(*, status: bool) -> int:
    """Return 0 where nothing waits that could be brought."""
    home = Home(journal_dir())
    if not status:
        _bring(home)
    found, state = pending(home), sync_state(home)
    for one in found:
        if one.entries:
            since = datetime.fromtimestamp(one.oldest or 0).strftime("%Y-%m-%d %H:%M:%S")
            print(f"Run {one.run} at {one.store}: {_entries(one.entries)} waiting since {since}.")
    for trouble in state.troubles:
        print(f"{trouble.where}: {trouble.error}")
        if trouble.hint:
            print(f"  {trouble.hint}")
    for one in found:
        if one.refused:
            print(f"Run {one.run}: {_entries(one.refused)} refused by the store, and kept.")
    if state.entries or state.troubles:
        return 1
    print("Nothing waits.")
    return 0


def _entries(n: int) -> str:
    return f"{n:,} entr{'y' if n == 1 else 'ies'}"


def _bring(home: Home) -> None:
    with alone(home) as first:
        if first:
            drainer = Drainer(home)
            while drainer.round():
                pass
            write_troubles(home, drainer.troubles)
            return
    # Somebody else brings them: they are done, or fail, without us.
    while any(one.entries for one in pending(home)) and not read_troubles(home):
        time.sleep(_LOOK_EVERY)
