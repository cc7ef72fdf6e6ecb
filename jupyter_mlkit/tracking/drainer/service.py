"""Bring the journals of a user to their stores, as long as there is something to bring."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from jupyter_mlkit.errors import BackendError, ForbiddenError, MLKitError
from jupyter_mlkit.paths import default_tracking_uri

from ..client import StoreClient
from ..disk import try_lock, unlock
from ..journal.home import Home, Journal
from ..journal.ids import is_local
from ..journal.reader import Damage
from ..journal.segments import Segment, segments
from ..journaled.plugin import leave_out
from ..redact import redact
from ..schema import require_file
from ..store import artifact_root_for
from .asides import forget_models
from .confirm import tidy, tidy_unfinished
from .creation import NotBegunError, run_in_store
from .cursors import read_cursor
from .drain import drain
from .files import bring_files
from .handed_over import HandedOver
from .lost import States
from .refused_models import put_back
from .status import Trouble
from .target import JournalTarget
from .writers import writers

_log = logging.getLogger("jupyter_mlkit.drainer")
#: Seconds after which a store that failed is tried again: doubled each time, up to the most.
FIRST_WAIT, MOST_WAIT = 0.5, 15.0
_LOCK = "drainer.lock"
_chance = SystemRandom()


@dataclass
class Failing:
    """A store or a run that failed, and when it is tried again.

    Attributes
    ----------
    error : MLKitError or OSError
    failures : int
        In a row.
    until : float
        By the monotonic clock.
    """

    error: MLKitError | OSError
    failures: int
    until: float


class Drainer:
    """Brings all journals of a home to their stores.

    A store that is away does not hold up the runs of others, nor a run that fails the others of
    its store.

    Parameters
    ----------
    home : Home
    clock : callable
        Seconds that never step back.
    """

    def __init__(self, home: Home, clock: Callable[[], float] = time.monotonic) -> None:
        # What it sends must not go to a journal again, whatever it was started from.
        leave_out()
        self.home = home
        self._clock = clock
        self._given = _given_uri()
        self._stores: dict[str, StoreClient] = {}
        self._states = States(clock)
        self._handed_over = HandedOver(clock)
        #: What failed, by the URI of the store or the folder of the run.
        self.failing: dict[str, Failing] = {}

    def round(self, go_on: Callable[[], bool] = lambda: True) -> int:
        """Bring what waits of every run whose turn it is.

        Returns
        -------
        int
            Entries that were brought, and attempts at models that have ended.
        """
        done = 0
        self._handed_over.forget_made()
        for journal in self.home.journals():
            if not go_on():
                break
            if not self._is_due(journal.store) or not self._is_due(str(journal.folder)):
                continue
            done += self._bring(journal, go_on)
        return done

    @property
    def troubles(self) -> list[Trouble]:
        """What fails, for those who look."""
        return [
            Trouble(
                where if "://" in where else Path(where).name,
                str(one.error),
                one.error.hint if isinstance(one.error, MLKitError) else None,
                one.failures,
            )
            for where, one in self.failing.items()
        ] + self._handed_over.troubles

    @property
    def is_making(self) -> bool:
        """Whether a process that was started here is about to log a model."""
        return self._handed_over.is_making

    def try_now(self) -> int:
        """Let nothing wait for its next try, and put back the models that were given up.

        Returns
        -------
        int
            Models that were given up, and are tried again.
        """
        for one in self.failing.values():
            one.until = 0.0
        self._handed_over.try_now()
        found = 0
        for journal in self.home.journals():
            try:
                found += put_back(journal)
            except OSError as error:
                self._failed(str(journal.folder), error)
        return found

    def _bring(self, journal: Journal, go_on: Callable[[], bool]) -> int:
        place = str(journal.folder)
        with suppress(OSError):  # nothing was ever logged: no run is made of it
            journal.folder.rmdir()
            return 0
        try:
            store = self._store(journal.store)
            done = self._emptied(journal, store, go_on)
        except NotBegunError:  # in a moment, or never where its process was killed
            tidy_unfinished(journal.folder)
            return 0
        except (BackendError, ForbiddenError) as error:
            newer = error.code == "newer_journal"
            self._failed(place if newer else journal.store, error)
            return 0
        except (MLKitError, OSError) as error:
            self._failed(place, error)
            return 0
        except Exception as error:  # noqa: BLE001 - one journal must not keep all others from their stores
            _log.exception("The journal of run %s cannot be brought.", journal.run)
            why = f"{type(error).__name__}: {error}"
            hint = "Nothing of it is lost; update jupyter_mlkit, or tell its authors."
            self._failed(place, BackendError(why, hint=hint, code="unexpected"))
            return 0
        for name in (place, journal.store):
            self.failing.pop(name, None)
        with suppress(OSError):  # something is left, or was begun meanwhile
            journal.folder.rmdir()
            self._states.forget(journal.folder)
        return done

    def _emptied(self, journal: Journal, store: StoreClient, go_on: Callable[[], bool]) -> int:
        run = run_in_store(self.home, journal, store)
        target = JournalTarget(self.home, journal, store, run)
        bring_files(journal, store, run, all_of_it=False)
        done = 0
        if backlog(journal):
            done = drain(
                journal.folder,
                store,
                run,
                target=target,
                damaged=_tell,
                go_on=go_on,
            )
        done += self._handed_over.look(journal, store, run)
        # Looked at before it is judged: who dies meanwhile is judged in the next round.
        lives = writers(journal.folder)
        gone = self._states.end_lost(journal.folder, store, run, lives, target.before_end)
        self._states.beat(journal.folder, store, run, lives)
        tidy(journal.folder, store, run, gone)
        forget_models(journal, all_of_them=not segments(journal.folder))
        return done

    def _store(self, uri: str) -> StoreClient:
        if uri not in self._stores:
            # What the journal names has no password; what this process was given may have one.
            uri_there = self._given if redact(self._given) == uri else uri
            store = StoreClient(uri_there, artifact_root_for(uri_there))
            if store.path is not None and not self._is_new(uri):
                require_file(store.path)  # where it was logged to: a new one would take its place
            self._stores[uri] = store
        return self._stores[uri]

    def _is_new(self, uri: str) -> bool:
        """Whether all that is logged to a store was begun without it, and nothing is there."""
        runs = [one.run for one in self.home.journals_of(uri)]
        return all(map(is_local, runs)) and not self.home.ids(uri).is_known

    def _is_due(self, name: str) -> bool:
        failing = self.failing.get(name)
        return failing is None or failing.until <= self._clock()

    def _failed(self, name: str, error: MLKitError | OSError) -> None:
        before = self.failing.get(name)
        failures = before.failures + 1 if before else 1
        # Drainers of many users must not come back to a server at the same moment.
        wait = min(MOST_WAIT, FIRST_WAIT * 2 ** (failures - 1)) * _chance.uniform(0.5, 1)
        self.failing[name] = Failing(error, failures, self._clock() + wait)
        if before is None or str(before.error) != str(error):
            _log.warning("%s waits: %s", redact(name), error)


def _given_uri() -> str:
    """Return the store of whoever has started this process.

    Asked at its start: a job is told it by a file that goes with the job.
    """
    try:
        return default_tracking_uri()
    except OSError:
        return ""


def backlog(journal: Journal) -> int:
    """Return the bytes of a journal that were not brought to the store yet."""
    waiting = 0
    for segment in segments(journal.folder):
        cursor = read_cursor(journal.folder, segment.writer)
        if segment.number >= cursor.segment:
            start = cursor.offset if segment.number == cursor.segment else 0
            with suppress(FileNotFoundError):
                waiting += max(0, segment.path.stat().st_size - start)
    return waiting


@contextmanager
def alone(home: Home) -> Iterator[bool]:
    """Tell whether this is the only drainer of a home; it stays so within the block."""
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(home.root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # On a file system without locks it may be two: what both bring is in the store once.
        first = try_lock(file)
        try:
            yield first
        finally:
            if first:
                unlock(file)
    finally:
        os.close(file)


def _tell(segment: Segment, damage: Damage) -> None:
    _log.warning(
        "%s: bytes %d to %d are damaged and were passed.", segment.path, damage.begin, damage.end
    )
