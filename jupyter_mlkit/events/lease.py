"""Store and journals are watched while somebody holds a lease, and never otherwise."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING, Final, Literal, Protocol

from jupyter_mlkit.errors import MLKitError
from jupyter_mlkit.models import Change, Watch
from jupyter_mlkit.tracking.client import StoreClient
from jupyter_mlkit.tracking.journal.home import Home

from .emitter import SCHEMA_ID, Emitter
from .journal_watcher import JournalWatcher
from .watcher import StoreWatcher

if TYPE_CHECKING:
    from jupyter_events import EventLogger

_log = logging.getLogger(__name__)

#: Seconds that a lease holds; the browser renews it before.
LEASE: Final = 60.0
#: Longest pause after failures of the store.
_LONGEST_PAUSE: Final = 30.0


class Watcher(Protocol):
    """Something that can be looked at again and again."""

    @property
    def interval(self) -> float:
        """Seconds between two looks."""

    def changes(self) -> list[Change]:
        """Return what changed since the last look; raises an MLKitError where it cannot look."""

    def close(self) -> None:
        """Let go of what is watched."""


class LiveEvents:
    """Watches a store and the journals while a lease is held and emits what changed.

    Daemon threads do the blocking work and end with the last lease; the event loop only emits.
    Each watcher has one of its own, as a store that does not answer is when journals matter. Make
    it on the server's loop while the server starts (nothing is opened then).

    Parameters
    ----------
    event_logger : jupyter_events.EventLogger
        The server's bus.
    store : StoreClient
        The store to watch.
    journals : Home, optional
        The journals to watch.
    loop : asyncio.AbstractEventLoop, optional
        The server's loop; the running one where missing.
    lease : float
        Seconds that a lease holds.
    """

    def __init__(
        self,
        event_logger: EventLogger,
        store: StoreClient,
        journals: Home | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        lease: float = LEASE,
    ) -> None:
        self._emitter = Emitter(event_logger, loop or asyncio.get_running_loop())
        self._watchers: list[Watcher] = [StoreWatcher(store)]
        if journals is not None:
            self._watchers.append(JournalWatcher(journals))
        self._lease = lease
        self._lock = threading.Lock()
        self._until = 0.0
        self._closed = threading.Event()
        self._threads: dict[Watcher, threading.Thread] = {}

    def watch(self) -> Watch:
        """Take or renew the lease; from any thread."""
        with self._lock:
            self._until = time.monotonic() + self._lease
            for watcher in self._watchers:
                if watcher not in self._threads and not self._closed.is_set():
                    self._threads[watcher] = threading.Thread(
                        target=self._run, args=[watcher], name="jupyter_mlkit-watch", daemon=True
                    )
                    self._threads[watcher].start()
        return Watch(expires_in=int(self._lease), schema_id=SCHEMA_ID)

    @property
    def watching(self) -> bool:
        """Whether anything is being watched."""
        return bool(self._threads)

    def emit(
        self,
        capability: Literal["experiments", "runs", "jobs", "logs", "registry"],
        kind: Literal["created", "changed", "deleted"],
        ids: list[str],
    ) -> None:
        """Emit a change that somebody else knows of, such as the job supervisor."""
        if not self._closed.is_set():
            self._emitter.emit(Change(capability, kind, ids))

    def close(self, timeout: float = 5.0) -> None:
        """Stop watching; returns when all is let go, or after `timeout` seconds."""
        self._closed.set()
        deadline = time.monotonic() + timeout
        for thread in list(self._threads.values()):
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, watcher: Watcher) -> None:
        failures = 0
        try:
            while not self._ended(watcher):
                try:
                    for change in watcher.changes():
                        self._emitter.emit(change)
                    failures = 0
                except MLKitError as error:
                    failures += 1
                    # Once per outage: the routes tell the person, each time.
                    _log.log(
                        logging.WARNING if failures == 1 else logging.DEBUG,
                        "The store is not watched for now: %s",
                        error.message,
                    )
                pause = watcher.interval * 2 ** min(failures, 10)
                self._closed.wait(min(pause, _LONGEST_PAUSE))
        finally:
            with self._lock:
                # An error of ours: start anew.
                if self._threads.get(watcher) is threading.current_thread():
                    self._let_go(watcher)

    def _ended(self, watcher: Watcher) -> bool:
        with self._lock:
            ended = self._closed.is_set() or time.monotonic() >= self._until
            if ended:
                self._let_go(watcher)
            return ended

    def _let_go(self, watcher: Watcher) -> None:
        # Under the lock: a lease that comes now starts a new thread with the same watcher.
        watcher.close()
        del self._threads[watcher]
