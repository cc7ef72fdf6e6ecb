"""What this process has begun of a store's runs: journals, and what reads must see of them."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_mlkit.errors import BackendError
from jupyter_mlkit.paths import journal_dir

from ..drainer.process import start
from ..drainer.service import backlog
from ..drainer.status import read_troubles
from ..drainer.wake import wake
from ..journal.begun import all_begun, begun
from ..journal.files import stage
from ..journal.home import Home
from ..journal.ids import is_local
from ..journal.opening import open_recorder
from ..journal.recorder import Recorder
from .artifacts import Place, keep_first
from .direct import DirectRecorder
from .errors import unavailable
from .kept import Kept
from .models import Models
from .offline import noted_in, run_in, run_made
from .passing import PassedOn
from .reach import Reach, UnreachableError

_log = logging.getLogger("jupyter_mlkit.tracking")
#: Seconds between two looks whether a drainer has brought something.
_LOOK_EVERY = 0.02
#: Seconds that the end of a process waits for its drainer to be started.
_START_WITHIN = 5.0


class Own(PassedOn):  # type: ignore[misc]
    """A store, and the runs of it that this process writes.

    Parameters
    ----------
    uri : str
    make : callable
        Returns the real store, when it is first needed.
    """

    def __init__(self, uri: str, make: Callable[[], Any]) -> None:
        super().__init__()
        self.uri = uri
        self._reach = Reach(uri, make)
        self._home = Home(journal_dir())
        self._ids = self._home.ids(uri)
        #: By every id that a caller has used.
        self._kept: dict[str, Kept] = {}
        self._models = Models()
        self._known: set[str] = set()
        #: The run that was asked for last, which may be resumed.
        self._seen: Any = None
        self._lock = threading.Lock()
        self._starting: threading.Thread | None = None
        atexit.register(self._close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def settle(self, seconds: float, *, through_troubles: bool = False) -> bool:
        """Wait until the store has all that this process has logged.

        Parameters
        ----------
        seconds : float
        through_troubles : bool
            Whether to try again and wait though it has failed; else a failure ends it.

        Returns
        -------
        bool
            Whether it has.
        """
        end = time.monotonic() + seconds
        if through_troubles:
            wake(self._home, now=True)
        while any(self._waits(kept) for kept in [*self._kept.values()]):
            if time.monotonic() > end or (not through_troubles and read_troubles(self._home)):
                return False
            time.sleep(_LOOK_EVERY)
        return True

    def __getattr__(self, name: str) -> Any:
        """Return what only some kinds of stores have."""
        if name.startswith("__") or "_reach" not in vars(self):
            raise AttributeError(name)
        return getattr(self.real, name)

    @property
    def real(self) -> Any:
        """MLflow's store itself."""
        try:
            return self._reach.answering
        except UnreachableError as error:
            raise unavailable(str(error)) from error

    def in_store(self, given: Any) -> Any:
        """Return what a caller's id is in the store; anything else as it is."""
        if not isinstance(given, str) or not is_local(given):
            return given
        known = self._ids.in_store(given)
        if known is None:
            raise unavailable(f"{given} is not in the tracking store yet.")
        return known

    def _known_here(self, run_id: str) -> Kept | None:
        """Return the own part of a run, also of one that was begun here without MLflow."""
        kept = self._kept.get(run_id)
        if kept is not None or not is_local(run_id):
            return kept
        created = begun(self._home.find(self.uri, run_id))
        if created is None:
            return None
        made = run_made(created, run_id)
        return self._kept.setdefault(run_id, Kept(run_id, made, has_others=True))

    def _all_known_here(self) -> list[Kept]:
        """Return the own parts of all runs, each once."""
        for run_id in all_begun(self._home.find(self.uri, "0").store):
            self._known_here(run_id)
        return [*{one.run_id: one for one in [*self._kept.values()]}.values()]

    def _waiting_part(self, kept: Kept) -> Kept:
        """Return what of a run waits; asked before the store is, which it may arrive in."""
        if not kept.has_others:
            return kept
        return noted_in(self._home.find(self.uri, kept.run_id), kept.run)

    def _keep_files_first(self, kept: Kept, run: Any) -> None:
        journal = self._home.find(self.uri, kept.run_id)
        place = Place((journal.files, journal.sending), self._reach)
        keep_first(run.info.artifact_uri, place)

    def _stage(self, kept: Kept, files: Mapping[str, bytes]) -> None:
        """Keep files of a run until the drainer has brought them."""
        place = self._home.find(self.uri, kept.run_id).files
        try:
            for name, content in files.items():
                stage(place / name, content)
        except OSError as error:
            _log.warning("Files of run %s could not be kept: %s.", kept.run_id, error)

    def _waits(self, kept: Kept) -> bool:
        """Whether the store lacks something of a run; asked before the store is."""
        return backlog(self._home.find(self.uri, kept.run_id)) > 0

    def _opened(self, run_id: str) -> tuple[Recorder | DirectRecorder, Kept]:
        kept = self._kept.get(run_id)
        if kept is not None and kept.recorder is not None:
            return kept.recorder, kept
        with self._lock:
            kept = self._known_here(run_id) or self._resumed(run_id)
            if kept.recorder is None:
                kept.recorder = self._recorder(kept.run_id)
            self._kept[kept.run_id] = self._kept[run_id] = kept
            return kept.recorder, kept

    def _recorder(self, run_id: str) -> Recorder | DirectRecorder:
        try:
            recorder = open_recorder(self.uri, run_id, home=self._home)
        except (OSError, BackendError) as error:
            _log.warning(
                "There can be no journal in %s (%s): what is logged goes straight to the store.",
                self._home.root, error,
            )  # fmt: skip
            return DirectRecorder(lambda: self.real, run_id)
        self._start_drainer()
        return recorder

    def _start_drainer(self) -> None:
        """Have a drainer started where there is none, beside what is done and not before it."""
        if self._starting is None or not self._starting.is_alive():
            self._starting = threading.Thread(target=_started, args=[self._home], daemon=True)
            self._starting.start()

    def _resumed(self, run_id: str) -> Kept:
        """Return the own part of a run that another process has begun."""
        there = self._ids.in_store(run_id) or run_id
        if there in self._kept:
            return self._kept[there]
        if is_local(there):
            return Kept(there, run_in(self._home.find(self.uri, there)), has_others=True)
        seen = self._seen
        if seen is None or seen.info.run_id != there:
            return Kept(there)
        kept = Kept(there, seen, params=dict(seen.data.params))
        self._keep_files_first(kept, seen)
        return kept

    def _end(self, kept: Kept) -> None:
        with self._lock:
            recorder, kept.recorder = kept.recorder, None
        if recorder is not None:
            recorder.close()

    def _forked(self) -> None:
        # A thread that held a lock at the fork is not here to release it.
        self._lock, self._starting = threading.Lock(), None
        self._reach.forked()
        for kept in self._kept.values():
            kept.lock = threading.Lock()

    def _close(self) -> None:
        for kept in [*self._kept.values()]:
            self._end(kept)
        if self._starting is not None and self._starting.is_alive():
            # A script that is over at once has its drainer too.
            self._starting.join(_START_WITHIN)


def _started(home: Home) -> None:
    try:
        start(home)
    except OSError as error:  # no journal either: that is said where one is opened
        _log.info("No drainer can be started: %s.", error)
