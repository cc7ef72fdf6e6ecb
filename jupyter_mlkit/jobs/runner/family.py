"""All processes of a job, wherever in the tree they went.

The runner is made the one that inherits orphans (``PR_SET_CHILD_SUBREAPER``), so nothing that a
job starts can leave the tree below it: neither a daemon nor a session of its own.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable

from ...paths import ENV_DRAINER
from ...processes import system

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
#: Seconds that a kill of all may take; a process in uninterruptible sleep takes longer.
_KILL_WITHIN = 5.0


def inherit_orphans() -> None:
    """Make this process the parent of what its descendants leave behind."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def dies_with_parent() -> Callable[[], None]:
    """Return what a child does before it runs its program: it is killed when its parent ends."""
    # Looked up here, as little as possible is done between fork and exec.
    return lambda: _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def descendants() -> list[int]:
    """Return the processes below this one, parents first.

    Without the drainer, which is the user's and not the job's, whoever had it started.
    """
    found = system.children(os.getpid())
    for pid in found:
        found += [child for child in system.children(pid) if child not in found]
    return [pid for pid in found if not system.has_variable(pid, f"{ENV_DRAINER}=1")]


def signal_all(number: int) -> None:
    """Signal every process below this one."""
    for pid in descendants():
        system.signal_if(pid, number, _is_below)


def kill_all(reap: Callable[[], bool]) -> bool:
    """Kill every process below this one; `reap` collects the dead and tells whether any is left.

    Returns whether all are gone.
    """
    deadline = time.monotonic() + _KILL_WITHIN
    while True:
        signal_all(signal.SIGKILL)
        if not reap() or not descendants():
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)


def memory_above(limit: int | None) -> tuple[int, bool]:
    """Return the bytes that all processes below hold, and whether that is more than `limit`.

    Resident memory counts what is shared once for each process; only where that sum is above
    the limit is it asked for shares (PSS), which is dear.
    """
    below = descendants()
    held = sum(map(system.memory, below))
    if limit is not None and held > limit:
        held = sum(map(system.own_memory, below))
        return held, held > limit
    return held, False


def prefer_for_oom(pid: int) -> None:
    """Let a machine that runs out of memory end the job before the server or this process."""
    try:
        with open(f"/proc/{pid}/oom_score_adj", "w") as file:  # noqa: PTH123 - no Path needed
            file.write("500")
    except OSError:
        pass  # not Linux, or not allowed: only a preference


def _is_below(pid: int) -> bool:
    me, above = os.getpid(), system.parent(pid)
    while above is not None and above > 1:
        if above == me:
            return True
        above = system.parent(above)
    return False


_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _prctl(option: int, value: int) -> None:
    if _libc is not None:
        _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0)
