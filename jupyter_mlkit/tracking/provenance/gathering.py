"""What takes longer than a call may: asked of a process, by a thread that waits for it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .beside import Beside
from .cells import remember, split_cells
from .environment import cuda_version, packages_stamp, searched
from .gatherer import Executed, Reply, Request, gather
from .git import GitState
from .kernel import kernel_name, notebook_path, shell
from .nvml import gpu_joules
from .stored import FileCell

_log = logging.getLogger(__name__)
#: Runs of a loop that follow each other this closely have the same work tree: git is asked once.
_SAME_TREE_S = 2.0

_lock = threading.Lock()
_latest: tuple[Path, float, GitState | None] | None = None
#: The environment, and what tells whether it is another one now.
_environment: tuple[object, str] | None = None


@dataclass
class Gathered:
    """What was found at the start of a run.

    Attributes
    ----------
    file : list of FileCell or None
        The cells of the notebook file, as it was at `stamp`.
    kept : dict
        Digests of the files that are in their place already, by their names.
    """

    environment: str = ""
    git: GitState | None = None
    file: list[FileCell] | None = None
    stamp: tuple[int, int] | None = None
    gpu_joules: dict[int, float] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)


class Gathering:
    """A thread that has all gathered, and the result.

    Parameters
    ----------
    folder : Path or None
        A folder of the repository that holds the code.
    sources : list of str
        The cells that were executed so far.
    started_in : int or None
        Count of the cell that has started the run.
    into : Path or None
        Where files are to be written, by their artifact paths, though this process is killed.
    place : str
        Where among the artifacts; see :func:`.gatherer.placed`.
    then : callable
        Told in the thread when all is there.
    """

    def __init__(
        self,
        folder: Path | None,
        sources: list[str],
        started_in: int | None,
        into: Path | None,
        place: str,
        then: Callable[[Gathered], None],
    ) -> None:
        self._folder = folder
        self._sources = sources
        self._started_in = started_in
        self._into = into
        self._place = place
        self._then = then
        self._found = Gathered()
        self._asked: tuple[Request, dict[int, str]] | None = None
        self._child: Beside | None = None
        self._is_over = False
        self._begin()
        self._thread = threading.Thread(target=self._run, name="mlkit-provenance", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> Gathered:
        """Return what there is after `seconds` at most."""
        if self._thread is not threading.current_thread():
            self._thread.join(seconds)
        return self._found

    def keep_no_notebook(self) -> None:
        """Write no notebook from now on, as there is a later one."""
        self._is_over = True
        if self._child is not None:
            self._child.keep_no_notebook()

    def _run(self) -> None:
        try:
            self._gather()
            self._then(self._found)
        except Exception:  # noqa: BLE001 - a thread's edge: a run without provenance goes on
            _log.warning("The provenance of a run could not be gathered.", exc_info=True)

    def _begin(self) -> None:
        """Have a process asked before this returns, so that it goes on though this one is killed.

        Besides, the system starts a process while the lock is held: better in the call that
        begins a run than in one that logs.
        """
        if not _lock.acquire(blocking=False):
            return  # what another run asks now is likely to be known then
        try:
            request, sources = self._request(_environment_stamp())
        finally:
            _lock.release()
        if _is_long(request):
            self._asked = request, sources
            self._child = _start(request)

    def _gather(self) -> None:
        global _latest, _environment
        found, folder = self._found, self._folder
        # One at a time: runs that are begun together ask once.
        with _lock:
            now, stamp = time.monotonic(), _environment_stamp()
            request, sources = self._asked or self._request(stamp)
            if self._child is None and _is_long(request):
                self._child = _start(request)
                if self._is_over:  # told while there was no process yet
                    self.keep_no_notebook()
            found.gpu_joules = gpu_joules()
            reply = self._told(request)
            remember(sources, reply.cells)
            if request.folder is not None and folder is not None:
                _latest = (folder, now, reply.git)
            if reply.environment:
                _environment = (stamp, reply.environment)
            found.git = _latest[2] if folder is not None and _latest is not None else None
            if _environment is not None and _environment[0] == stamp:
                found.environment = _environment[1]
        found.file, found.stamp, found.kept = reply.file, reply.stamp, reply.kept
        for trouble in reply.troubles:
            _log.warning("Some provenance of a run could not be gathered: %s", trouble)

    def _told(self, request: Request) -> Reply:
        """Return what a process has found, or what is found here where there is none."""
        if self._child is not None:
            told = self._child.told()
            if told is not None:
                return told
            _log.info("Provenance is gathered in this process: another one ended.")
        return gather(request, is_over=lambda: self._is_over)

    def _request(self, stamp: tuple[object, str]) -> tuple[Request, dict[int, str]]:
        """Return what is to be asked, and the sources of the cells in it."""
        executed, sources = None, dict[int, str]()
        notebook = notebook_path()
        if shell() is not None:
            cells, raw, sources = split_cells(self._sources)
            executed = Executed(
                cells=cells,
                raw=raw,
                notebook=None if notebook is None else str(notebook),
                kernel=kernel_name(),
                started_in=self._started_in,
            )
        is_same = _environment is not None and _environment[0] == stamp
        request = Request(
            folder=None if _is_known(self._folder) else str(self._folder),
            cuda=None if is_same else stamp[1],
            path=searched(),
            executed=executed,
            into=None if self._into is None else str(self._into),
            place=self._place,
        )
        return request, sources


def _is_known(folder: Path | None) -> bool:
    """Whether the state of a folder's repository needs not be asked."""
    if folder is None:
        return True
    if _latest is None or _latest[0] != folder:
        return False
    return time.monotonic() - _latest[1] < _SAME_TREE_S


def _environment_stamp() -> tuple[object, str]:
    return packages_stamp(), cuda_version()


def _is_long(request: Request) -> bool:
    """Whether an answer takes longer than the start of a process."""
    return request.folder is not None or request.cuda is not None


def _start(request: Request) -> Beside | None:
    """Start a process that gathers; return None where there can be none."""
    try:
        return Beside(request)
    except (OSError, ValueError) as error:
        _log.info("Provenance is gathered in this process: %s.", error)
        return None


def _unlock() -> None:
    global _lock
    _lock = threading.Lock()


# Another thread may hold it when a worker is forked, and there is none in the worker to let go.
os.register_at_fork(after_in_child=_unlock)
