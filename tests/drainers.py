"""Drainers that tests have started."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from stores import until

from jupyter_mlkit.processes import system
from jupyter_mlkit.tracking.journal.home import Home


def drainers(home: Home) -> list[int]:
    """Return the drainers of a home."""
    found = []
    for pid in system.pids():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if b"jupyter_mlkit.tracking.drainer\0" + os.fsencode(home.root) in command:
            found.append(pid)
    return found


def end_drainers(home: Home) -> None:
    """End them, and return when they are gone."""
    for pid in drainers(home):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not drainers(home))
