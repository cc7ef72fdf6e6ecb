"""What takes longer than a call may: the environment, git, the notebook file, in a thread."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .environment import environment_text
from .git import GitState, git_state
from .kernel import notebook_path
from .nvml import gpu_joules
from .stored import FileCell, read_file

_log = logging.getLogger(__name__)
#: Runs of a loop that follow each other this closely have the same work tree: git is asked once.
_SAME_TREE_S = 2.0

_lock = threading.Lock()
_latest: tuple[Path, float, GitState | None] | None = None


@dataclass
class Gathered:
    """What was found at the start of a run."""

    environment: str = ""
    git: GitState | None = None
    file: list[FileCell] | None = None
    gpu_joules: dict[int, float] = field(default_factory=dict)


class Gathering:
    """A thread that gathers, and its result.

    Parameters
    ----------
    folder : Path or None
        A folder of the repository that holds the code.
    then : callable
        Told in the thread when all is there.
    """

    def __init__(self, folder: Path | None, then: Callable[[Gathered], None]) -> None:
        self._folder = folder
        self._then = then
        self._found = Gathered()
        self._thread = threading.Thread(target=self._run, name="mlkit-provenance", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> Gathered:
        """Return what there is after `seconds` at most."""
        if self._thread is not threading.current_thread():
            self._thread.join(seconds)
        return self._found

    def _run(self) -> None:
        found = self._found
        try:
            # Git first: what somebody changes from now on is not of this run.
            if self._folder is not None:
                found.git = _git_state_of(self._folder)
            notebook = notebook_path()
            if notebook is not None:
                found.file = read_file(notebook)
            found.gpu_joules = gpu_joules()
            found.environment = environment_text()
            self._then(found)
        except Exception:  # noqa: BLE001 - a thread's edge: a run without provenance goes on
            _log.warning("The provenance of a run could not be gathered.", exc_info=True)


def _git_state_of(folder: Path) -> GitState | None:
    global _latest
    with _lock:
        if _latest and _latest[0] == folder and time.monotonic() - _latest[1] < _SAME_TREE_S:
            return _latest[2]
        asked = time.monotonic()
        state = git_state(folder)
        _latest = (folder, asked, state)
        return state


def _unlock() -> None:
    global _lock
    _lock = threading.Lock()


# Another thread may hold it when a worker is forked, and there is none in the worker to let go.
os.register_at_fork(after_in_child=_unlock)
