"""What waits of all runs, for those who look: cheap enough to be asked again and again."""

from __future__ import annotations

import time

from jupyter_mlkit.models import SyncState, SyncTrouble

from ..journal.home import Home
from ..redact import redact
from .status import Trouble, look, read_troubles

#: Seconds within which an entry is in its store where all is well, the start of a drainer included.
LATE = 10.0
#: Troubles that are told; where there are more, they mostly have one cause.
MOST = 20


def sync_state(home: Home, now: float | None = None) -> SyncState:
    """Return what waits, and why.

    Parameters
    ----------
    home : Home
    now : float, optional
        Seconds since 1970-01-01 UTC.
    """
    found, unlisted = look(home)
    waits = [one for one in found if one.entries]
    concerned = {name for one in waits for name in (one.run, one.store)}
    troubles = {trouble.where: trouble for one in found for trouble in one.troubles}
    # What failed when a drainer looked last may be long over.
    told = [one for one in read_troubles(home) if one.where in concerned]
    for one in told:  # in its own words, or those of several models of the run
        troubles.pop(one.where, None)
    oldest = min((one.oldest for one in waits if one.oldest is not None), default=None)
    age = 0.0 if oldest is None else (time.time() if now is None else now) - oldest
    return SyncState(
        entries=sum(one.entries for one in waits),
        runs=len(waits),
        oldest=None if oldest is None else int(oldest * 1000),
        late=age >= LATE,
        refused=sum(one.refused for one in found),
        troubles=[_shown(one) for one in [*unlisted, *troubles.values(), *told]][:MOST],
    )


def _shown(trouble: Trouble) -> SyncTrouble:
    return SyncTrouble(redact(trouble.where), trouble.error, trouble.hint, trouble.failures)
