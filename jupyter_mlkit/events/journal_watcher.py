"""Notices that something waits too long for its store, and that it waits no more."""

from __future__ import annotations

import time

from jupyter_mlkit.models import Change, SyncState
from jupyter_mlkit.tracking.drainer.summary import sync_state
from jupyter_mlkit.tracking.journal.home import Home

#: Seconds between two looks at least and at most, and the share of a core that they may take.
_EVERY, _LONGEST_PAUSE, _DUTY = 1.0, 10.0, 0.02


class JournalWatcher:
    """Tells that another state of the journals is to be shown.

    While all is well nothing is told: what a training logs is in its store a moment later, and
    a number that comes and goes helps nobody.

    Parameters
    ----------
    home : Home
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._shown = _shown(SyncState(0, 0, None, False, 0, []))
        self.interval = _EVERY

    def changes(self) -> list[Change]:
        """Return the changes since the last call; the first call compares with no journal."""
        began = time.thread_time()
        shown = _shown(sync_state(self._home))
        took = time.thread_time() - began
        self.interval = min(max(_EVERY, took / _DUTY), _LONGEST_PAUSE)
        changed, self._shown = shown != self._shown, shown
        return [Change("sync", "changed", [])] if changed else []

    def close(self) -> None:
        """Nothing is held between two looks."""


def _shown(state: SyncState) -> tuple[object, ...]:
    waits = (state.entries, state.runs) if state.late else None
    return waits, state.refused, [(one.where, one.error, one.failures) for one in state.troubles]
