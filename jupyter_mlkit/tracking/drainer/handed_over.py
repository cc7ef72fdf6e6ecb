"""Have models logged that were handed over: each by a process of the model's own environment."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..client import StoreClient, redact_text
from ..journal.home import Journal
from ..journal.unmade import Unmade, tidy_unmade, unmade
from ..making import AGAIN, BUSY, REFUSED
from .environment import PATIENCE, handed_on
from .refused_models import refuse
from .status import Trouble

#: Seconds until the first further attempt; each next one waits twice as long, up to the most.
_FIRST_WAIT, _MOST_WAIT = 2.0, 60.0
#: Attempts that end by something else than the store.
_ATTEMPTS = 4
#: Processes at a time: each imports what the model is of, beside a training.
_AT_ONCE = 1
_LOG = "making.log"
_HINT = "It is tried again by itself, and at once by jupyter mlkit sync; nothing of it is lost."


@dataclass
class _Attempt:
    run: str
    child: subprocess.Popen[bytes] | None = None
    #: Whether the process has ended, though nothing was made of that yet.
    is_over: bool = False
    tried: int = 0
    failures: int = 0
    wait: float = _FIRST_WAIT
    until: float = 0.0
    #: Why the last one failed.
    why: str = ""


class HandedOver:
    """The processes that log models, one for each model.

    Parameters
    ----------
    clock : callable
        Seconds that never step back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._attempts: dict[Path, _Attempt] = {}

    @property
    def is_making(self) -> bool:
        """Whether a process of ours is about to log a model."""
        return self._running > 0

    @property
    def troubles(self) -> list[Trouble]:
        """Models that could not be logged yet, for those who look."""
        return [
            Trouble(one.run, one.why, _HINT, one.tried)
            for folder, one in self._attempts.items()
            if one.why and folder.exists()
        ]

    def try_now(self) -> None:
        """Let those that wait for their next attempt wait no longer."""
        self.forget_made()  # or given up: what is put back begins anew
        for one in self._attempts.values():
            one.wait, one.until = _FIRST_WAIT, 0.0

    def look(self, journal: Journal, store: StoreClient, run: str) -> int:
        """Begin, or end, what is to be done for the models of a run; waits for no process.

        Parameters
        ----------
        journal : Journal
        store : StoreClient
            It has the run.
        run : str
            Its id there.

        Returns
        -------
        int
            Attempts that have ended.

        Raises
        ------
        BackendError
            The store is away.
        OSError
            What is refused for good cannot be written down.
        """
        waiting = list(unmade(journal))
        ended = self._poll(journal, dict(waiting), store.uri)
        for folder, note in waiting:
            if note is None:
                refuse(journal, folder, folder.name, "What it is cannot be read.")
                continue
            attempt = self._attempts.setdefault(folder, _Attempt(journal.run))
            is_due = attempt.child is None and attempt.until <= self._clock()
            if is_due and folder.exists() and self._running < _AT_ONCE:
                store.check_reachable()
                self._begin(attempt, journal, folder, note, store.uri, run)
        tidy_unmade(journal)
        return ended

    def forget_made(self) -> None:
        """Note the processes that have ended, and forget the models that are logged.

        Of their runs there may be no journal any more.
        """
        for folder, attempt in [*self._attempts.items()]:
            attempt.is_over = attempt.child is None or attempt.child.poll() is not None
            if attempt.is_over and not folder.exists():
                del self._attempts[folder]

    @property
    def _running(self) -> int:
        # A journal that cannot be brought does not get to what became of its models.
        return sum(one.child is not None and not one.is_over for one in self._attempts.values())

    def _poll(self, journal: Journal, notes: dict[Path, Unmade | None], uri: str) -> int:
        ended = 0
        for folder, attempt in [*self._attempts.items()]:
            if folder.parent != journal.unmade:
                continue
            code = None if attempt.child is None else attempt.child.poll()
            if code is not None:
                attempt.child = None
                ended += 1
                note = notes.get(folder)
                if note is not None and folder.exists():
                    self._ended(attempt, code, journal, folder, note, uri)
        return ended

    def _begin(
        self, attempt: _Attempt, journal: Journal, folder: Path, note: Unmade, uri: str, run: str
    ) -> None:
        attempt.until = self._clock() + attempt.wait
        try:
            with (folder / _LOG).open("ab") as log:
                log.truncate(0)  # of an attempt before; one that goes on writes at the end
                attempt.is_over = False
                attempt.child = subprocess.Popen(
                    # Never what happens to lie in a current folder: that is not the user's code.
                    [note.python, "-P", "-m", "jupyter_mlkit.tracking.making", folder, run],
                    env={
                        **PATIENCE,
                        **handed_on(),
                        **note.environment,
                        "PYTHONPATH": os.pathsep.join(note.path),
                    },
                    cwd=folder,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        except OSError as error:
            if not folder.exists():  # a process of an earlier drainer has logged it just now
                return
            if not Path(note.python).exists():
                refuse(journal, folder, note.name, f"{note.python} is not there any more.")
                return
            why = error.strerror or str(error)
            self._failed(attempt, note, f"no process can be started for it: {why}")
            return
        assert attempt.child.stdin is not None
        with suppress(BrokenPipeError), attempt.child.stdin as told:  # how it ended says why
            told.write(uri.encode())

    def _ended(
        self,
        attempt: _Attempt,
        code: int,
        journal: Journal,
        folder: Path,
        note: Unmade,
        uri: str,
    ) -> None:
        """Make something of a process that has not logged its model."""
        if code == BUSY:  # a process of an earlier drainer is about to
            return
        said = (folder / _LOG).read_text(errors="replace").strip().splitlines()[-1:]
        why = said[0] if said else f"the process that logs it ended with {code}."
        why = redact_text(why, uri)
        attempt.failures += code != AGAIN
        if code == REFUSED or attempt.failures >= _ATTEMPTS:
            refuse(journal, folder, note.name, why)
        else:
            self._failed(attempt, note, why)

    def _failed(self, attempt: _Attempt, note: Unmade, why: str) -> None:
        attempt.tried += 1
        attempt.why = f"Model {note.name!r} could not be logged yet: {why}"
        attempt.until = self._clock() + attempt.wait
        attempt.wait = min(_MOST_WAIT, 2 * attempt.wait)
