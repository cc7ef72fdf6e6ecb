"""Bring what was written to the disk, so that it survives the machine."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

_log = logging.getLogger("jupyter_mlkit.tracking")
#: Where a system has no call for the data alone, that for all of a file does.
_sync = getattr(os, "fdatasync", os.fsync)


def on_disk(path: Path) -> None:
    """Return when the data of a file, or the names in a folder, are on the disk.

    Raises
    ------
    OSError
        They are not.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _sync(file)
    finally:
        os.close(file)


class Flusher:
    """Flushes again and again, in a thread that ends with the process.

    Parameters
    ----------
    flush : callable
    every : float
        Seconds.
    """

    def __init__(self, flush: Callable[[], None], every: float) -> None:
        self._flush = flush
        self._every = every
        self._stopped = threading.Event()
        self._failed = False
        self._thread = threading.Thread(target=self._run, name="journal-flusher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            try:
                self._flush()
            except OSError as error:
                if not self._failed:
                    _log.warning(
                        "What is logged cannot be brought to the disk: %s. It is lost if the "
                        "machine stops now; it is tried again.",
                        error,
                    )
                self._failed = True
            else:
                self._failed = False
