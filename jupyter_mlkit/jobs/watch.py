"""One thread that notices when processes end, tell something new, or overstay a request to end."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from .executors import JobProcess
from .folder import JobFolder

log = logging.getLogger(__name__)

#: Seconds between two looks at what the processes have told.
LOOK_EVERY = 0.5
#: Seconds that a runner gets beyond the grace before it is ended by force, too.
MARGIN = 3.0
#: Seconds until something that failed is tried again.
RETRY_AFTER = 30.0


@dataclass
class _Watched:
    process: JobProcess
    folder: JobFolder
    stamp: int | None = None
    written: int = 0
    kill_at: float | None = None


class ProcessWatch:
    """Watches processes from one thread, which sleeps where there are none.

    Parameters
    ----------
    ended : callable
        Called with job id and exit code when a process is gone.
    told : callable
        Called with the job id when the process wrote a new ``state.json``.
    logged : callable
        Called with the job id when there is more output.
    idle : callable
        Called in every round, before the thread sleeps; returns within how many seconds it wants
        to be called again.
    grace : float
        Seconds between TERM and KILL.
    """

    def __init__(
        self,
        *,
        ended: Callable[[str, int | None], None],
        told: Callable[[str], None],
        logged: Callable[[str], None],
        idle: Callable[[], float],
        grace: float,
    ) -> None:
        self._ended, self._told, self._logged = ended, told, logged
        self._idle, self._grace = idle, grace
        self._lock = threading.RLock()
        self._watched: dict[str, _Watched] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_end, self._wake_start = os.pipe()
        os.set_blocking(self._wake_start, False)
        os.set_blocking(self._wake_end, False)
        self._selector.register(self._wake_end, selectors.EVENT_READ)
        self._thread: threading.Thread | None = None
        self._closed = False

    def add(self, job_id: str, process: JobProcess, folder: JobFolder) -> None:
        """Watch a process; one that is watched already is only let go of."""
        with self._lock:
            if self._closed or job_id in self._watched:
                process.let_go()
                return
            self._watched[job_id] = _Watched(process, folder)
            descriptor = process.fileno()
            if descriptor is not None:
                self._selector.register(descriptor, selectors.EVENT_READ)
        self.wake()

    def knows(self, job_id: str) -> bool:
        """Tell whether a job is watched."""
        with self._lock:
            return job_id in self._watched

    def ask_to_end(self, job_id: str) -> None:
        """Ask a job to end; its runner kills it after the grace. Asking twice changes nothing."""
        with self._lock:
            watched = self._watched.get(job_id)
            if watched is None or watched.kill_at is not None:
                return
            watched.kill_at = time.monotonic() + self._grace + MARGIN
            watched.process.ask_to_end()
        self.wake()

    def wake(self) -> None:
        """Let the thread look at everything now; it starts with the first call."""
        with self._lock:
            if self._closed:
                return
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="jupyter-mlkit-jobs", daemon=True
                )
                self._thread.start()
            with contextlib.suppress(BlockingIOError):  # full: it will wake anyway
                os.write(self._wake_start, b"w")

    def close(self) -> None:
        """End the thread; the processes go on."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            thread = self._thread
            with contextlib.suppress(BlockingIOError):
                os.write(self._wake_start, b"w")
        if thread is not None:
            thread.join()
        self._selector.close()
        for one in self._watched.values():
            one.process.let_go()
        os.close(self._wake_end)
        os.close(self._wake_start)

    def _run(self) -> None:
        while not self._closed:
            again = self._round()
            with self._lock:
                active = bool(self._watched)
            self._selector.select(LOOK_EVERY if active else again)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_end, 4096)

    def _round(self) -> float:
        try:
            with self._lock:
                watched = list(self._watched.items())
            for job_id, one in watched:
                self._look(job_id, one)
            return self._idle()
        except Exception:
            # The thread must outlive a full disk or a locked registry: the next round is soon.
            log.exception("Watching jobs failed, trying again")
            return RETRY_AFTER

    def _look(self, job_id: str, one: _Watched) -> None:
        has_ended = one.process.has_ended()
        written = one.folder.written()
        if written > one.written:
            one.written = written
            self._logged(job_id)
        if has_ended:
            descriptor = one.process.fileno()
            if descriptor is not None:
                with self._lock:
                    self._selector.unregister(descriptor)
            code = one.process.exit_code()
            one.process.release()
            # Judged before it is forgotten: a failure here leaves it to the next round.
            self._ended(job_id, code)
            with self._lock:
                del self._watched[job_id]
            return
        stamp = one.folder.progress_stamp()
        if stamp is not None and stamp != one.stamp:
            one.stamp = stamp
            self._told(job_id)
        if one.kill_at is not None and time.monotonic() >= one.kill_at:
            one.process.kill()
