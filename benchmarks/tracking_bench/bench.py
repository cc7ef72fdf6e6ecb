"""Processes that are measured, one after the other, each in a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from . import trackers
from .plan import Size, Tracker
from .stores import Stores

_CHILD = Path(__file__).parent / "child.py"
_TIMEOUT = 900


class FailedError(Exception):
    """A process said nothing; says why."""


@dataclass(frozen=True)
class Bench:
    """Where and how much is measured.

    Attributes
    ----------
    root : Path
    size : Size
    rounds : int
    stores : Stores
    peers_python : Path or None
        Python of the environment with the other trackers.
    conditions : str
    """

    root: Path
    size: Size
    rounds: int
    stores: Stores
    peers_python: Path | None
    conditions: str

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Give a folder to one process; drainers that it started end with it."""
        folder = Path(tempfile.mkdtemp(dir=self.root))
        try:
            yield folder
        finally:
            end_drainers(trackers.home(folder))
            shutil.rmtree(folder, ignore_errors=True)

    def missing(self, tracker: Tracker) -> str | None:
        """Return why a tracker cannot be measured here, None where it can."""
        if not tracker.peer:
            return None
        if self.peers_python is None:
            return "not installed: name an environment that has it by --peers-python"
        look = f"import importlib.util as u; print(u.find_spec({tracker.package!r}) is not None)"
        told = subprocess.run([self.peers_python, "-c", look], capture_output=True, text=True)
        return None if "True" in told.stdout else f"{tracker.package} is not in that environment"

    def command(self, action: str, tracker: str, folder: Path, *more: str, peer: bool) -> list[str]:
        """Return what runs one tracker."""
        python = str(self.peers_python) if peer else sys.executable
        return [python, "-W", "ignore", str(_CHILD), action, tracker, str(folder), *more]

    def environment(self, tracker: Tracker, folder: Path) -> dict[str, str]:
        """Return that of a process: nothing of the person who measures is touched."""
        return {
            **os.environ,
            **tracker.environment,
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "HOME": str(folder),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }

    def run(self, action: str, tracker: Tracker, folder: Path, *more: str) -> dict[str, Any]:
        """Run one tracker in a process of its own and return what it told.

        Raises
        ------
        FailedError
        """
        call = tracker.found if action == "found" and tracker.found else tracker.call
        done = subprocess.run(
            self.command(action, call, folder, *more, peer=tracker.peer),
            env=self.environment(tracker, folder),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        if done.returncode or not lines:
            last = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
            raise FailedError(last[0][:200])
        told: dict[str, Any] = json.loads(lines[-1].removeprefix("RESULT "))
        return told


def end_drainers(home: Path) -> None:
    """End the drainers of a home, which outlive whoever started them."""
    if not find_spec("jupyter_mlkit"):
        return
    from jupyter_mlkit.processes import system

    for pid in system.pids():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if b"jupyter_mlkit.tracking.drainer\0" + os.fsencode(home) in command:
            os.kill(pid, signal.SIGKILL)
