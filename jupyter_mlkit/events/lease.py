"""The store is watched while somebody holds a lease, and never otherwise."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING, Final, Literal

from jupyter_mlkit.errors import MLKitError
from jupyter_mlkit.models import Change, Watch
from jupyter_mlkit.tracking.client import StoreClient

from .emitter import SCHEMA_ID, Emitter
from .watcher import StoreWatcher

if TYPE_CHECKING:
    from jupyter_events import EventLogger

_log = logging.getLogger(__name__)

#: Seconds that a lease holds; the browser renews it before.
LEASE: Final = 60.0
#: Longest pause after failures of the store.
_LONGEST_PAUSE: Final = 30.0


class LiveEvents:
    """Watches a store while a lease is held and emits what changed.

    One daemon thread does the blocking work and ends with the last lease; the event loop only
    emits. Make it on the server's loop while the server starts (nothing is opened then).

    Parameters
    ----------
    event_logger : jupyter_events.EventLogger
        The server's bus.
    store : StoreClient
        The store to watch.
    loop : asyncio.AbstractEventLoop, optional
        The server's loop; the running one where missing.
    lease : float
        Seconds that a lease holds.
    """

    def __init__(
        self,
        event_logger: EventLogger,
        store: StoreClient,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        lease: float = LEASE,
    ) -> None:
        self._emitter = Emitter(event_logger, loop or asyncio.get_running_loop())
        self._watcher = StoreWatcher(store)
        self._lease = lease
        self._lock = threading.Lock()
        self._until = 0.0
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self) -> Watch:
        """Take or renew the lease; from any thread."""
        with self._lock:
            self._until = time.monotonic() + self._lease
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="jupyter_mlkit-watch", daemon=True
                )
                self._thread.start()
        return Watch(expires_in=int(self._lease), schema_id=SCHEMA_ID)

    @property
    def watching(self) -> bool:
        """Whether the store is being watched."""
        return self._thread is not None

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
        """Stop watching; returns when the store is let go, or after `timeout` seconds."""
        self._closed.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _run(self) -> None:
        failures = 0
        try:
            while not self._ended():
                try:
                    for change in self._watcher.changes():
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
                pause = self._watcher.interval * 2 ** min(failures, 10)
                self._closed.wait(min(pause, _LONGEST_PAUSE))
        finally:
            with self._lock:
                if self._thread is threading.current_thread():  # an error of ours: start anew
                    self._let_go()

    def _ended(self) -> bool:
        with self._lock:
            ended = self._closed.is_set() or time.monotonic() >= self._until
            if ended:
                self._let_go()
            return ended

    def _let_go(self) -> None:
        # Under the lock: a lease that comes now starts a new thread with the same watcher.
        self._watcher.close()
        self._thread = None
