"""``jupyter mlkit sync``: bring what was logged to its store now, and tell what waits and why."""

from __future__ import annotations

import time
from datetime import datetime

from ..paths import journal_dir
from ..tracking.drainer.service import Drainer, alone
from ..tracking.drainer.status import (
    ask_now,
    is_asked,
    pending,
    read_troubles,
    was_asked,
    write_troubles,
)
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
    """Bring what waits, and return when it was brought or has failed: models, too."""
    asked = False
    while True:
        with alone(home) as first:
            if first:
                _bring_alone(home)
                return
        # Somebody else brings them: they are done, or fail, without us.
        if not asked:
            ask_now(home)
            asked = True
        elif not is_asked(home) and (read_troubles(home) or not _waits(home)):
            return
        time.sleep(_LOOK_EVERY)


def _bring_alone(home: Home) -> None:
    was_asked(home)  # it is done now
    drainer = Drainer(home)
    again = drainer.try_now()
    if again:
        print(f"{again:,} model{'' if again == 1 else 's'} that had been given up: tried again.")
    while drainer.round() or drainer.is_making:
        if drainer.is_making:
            time.sleep(_LOOK_EVERY)
    write_troubles(home, drainer.troubles)


def _waits(home: Home) -> bool:
    return any(one.entries for one in pending(home))
