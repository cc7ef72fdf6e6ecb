"""Runs whose processes are gone end as FAILED, others show that they are alive."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jupyter_mlkit.errors import NotFoundError
from jupyter_mlkit.processes.identity import machine_name

from ..client import StoreClient
from ..heartbeat import EVERY, Heartbeat
from ..journal.frames import Frame
from ..journal.segments import segments
from ..tags import END_REASON, HEARTBEAT, JOB_ID, LOST
from .source import waiting
from .writers import Life

_log = logging.getLogger("jupyter_mlkit.drainer")
#: Seconds that the supervisor of a job has to say how it ended: it knows more than we do.
JOB_GRACE = 15.0
_NOBODY: frozenset[str] = frozenset()


class States:
    """Keeps the states of runs true, as far as that can be judged from this machine.

    Parameters
    ----------
    clock : callable
        Seconds that never step back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._dead_since: dict[Path, float] = {}
        self._next_beat: dict[Path, float] = {}

    def end_lost(
        self,
        folder: Path,
        store: StoreClient,
        run: str,
        lives: Mapping[str, Life],
        before_end: Callable[[], object] = lambda: None,
    ) -> frozenset[str]:
        """End a run that is lost; return the writers that are gone and needed no more.

        A run is lost where a writer died without a last word, nobody else writes it, and the
        store still calls it running once it has all that was logged. It ends when the last entry
        of its journal was written, whenever that is noticed.

        Who has closed its journal has left the run as it wanted it: one that was made by
        ``MlflowClient().create_run`` and never ended stays RUNNING after a script is over, as
        it does with MLflow alone, for another process may go on with it. Deleted runs, and those
        that have ended, stay as they are.

        Parameters
        ----------
        folder : Path
            Of the run's journal.
        store : StoreClient
        run : str
            Its id in the store.
        lives : mapping
            What became of the writers; see :func:`.writers.writers`.
        before_end : callable
            Called before the store is told that the run is over.

        Raises
        ------
        MLKitError
            The store cannot be used now; the journal is needed until then.
        """
        dead = frozenset(writer for writer, life in lives.items() if life is Life.DEAD)
        if not dead:
            self._dead_since.pop(folder, None)
            return _NOBODY
        if {Life.ALIVE, Life.UNKNOWN} & {*lives.values()}:
            return dead
        # The dead write no more: what waits now is all that ever comes.
        if next(waiting(folder), None) is not None:
            return _NOBODY
        since = self._dead_since.setdefault(folder, self._clock())
        try:
            with store.calling(f"Run {run}") as client:
                found = client.get_run(run)
                if _is_open(found) and not _is_alive_elsewhere(found):
                    if JOB_ID in found.data.tags and self._clock() - since < JOB_GRACE:
                        return _NOBODY
                    before_end()
                    client.set_tag(run, END_REASON, LOST)
                    client.set_terminated(run, "FAILED", _last_written(folder))
                    _log.info("Run %s was lost: its process is gone without ending it.", run)
        except NotFoundError:
            pass  # deleted for good: nothing is left to be ended
        self._dead_since.pop(folder, None)
        return dead

    def beat(self, folder: Path, store: StoreClient, run: str, lives: Mapping[str, Life]) -> None:
        """Show on a run, now and then, that a process of this machine writes it.

        Raises
        ------
        MLKitError
            The store cannot be used now.
        """
        now = self._clock()
        if Life.ALIVE not in lives.values() or now < self._next_beat.get(folder, now):
            return
        with store.calling(f"Run {run}") as client:
            found = client.get_run(run)
            # The process that holds the run may be elsewhere, and that of here a helper.
            if _is_open(found) and not _is_alive_elsewhere(found):
                client.set_tag(run, HEARTBEAT, str(Heartbeat(time.time(), machine_name())))
        self._next_beat[folder] = now + EVERY

    def forget(self, folder: Path) -> None:
        """Forget a journal of which nothing is left."""
        self._dead_since.pop(folder, None)
        self._next_beat.pop(folder, None)


def _is_open(run: Any) -> bool:
    active = run.info.lifecycle_stage == "active"
    return active and run.info.status in ("RUNNING", "SCHEDULED")


def _is_alive_elsewhere(run: Any) -> bool:
    seen = Heartbeat.of(run.data.tags)
    return seen is not None and seen.machine != machine_name() and seen.is_fresh(time.time())


def _last_written(folder: Path) -> int:
    """Return when the last entry of a journal was written, milliseconds since 1970-01-01 UTC."""
    walls = (
        one.wall for found in segments(folder) for one in found.read() if isinstance(one, Frame)
    )
    return max(walls, default=time.time_ns()) // 1_000_000
