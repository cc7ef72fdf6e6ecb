"""Have models logged that were handed over: each by a process of the model's own environment."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..client import StoreClient
from ..journal.home import Journal
from ..journal.unmade import Unmade, tidy_unmade, unmade
from ..making import AGAIN, REFUSED
from .dead_letters import DeadLetter, keep
from .environment import handed_on

#: Seconds until the first further attempt; each next one waits twice as long, up to the most.
_FIRST_WAIT, _MOST_WAIT = 2.0, 60.0
#: Attempts that end by something else than the store.
_ATTEMPTS = 4
#: Processes at a time: each imports what the model is of, beside a training.
_AT_ONCE = 1
_LOG = "making.log"


@dataclass
class _Attempt:
    child: subprocess.Popen[bytes] | None = None
    failures: int = 0
    wait: float = _FIRST_WAIT
    until: float = 0.0


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

    def look(self, journal: Journal, store: StoreClient, run: str) -> None:
        """Begin, or end, what is to be done for the models of a run; waits for no process.

        Parameters
        ----------
        journal : Journal
        store : StoreClient
            It has the run.
        run : str
            Its id there.

        Raises
        ------
        BackendError
            The store is away.
        OSError
            What is refused for good cannot be written down.
        """
        waiting = list(unmade(journal))
        self._poll(journal, dict(waiting))
        for folder, note in waiting:
            if note is None:
                self._refuse(journal, folder, folder.name, "What it is cannot be read.")
                continue
            attempt = self._attempts.setdefault(folder, _Attempt())
            is_due = attempt.child is None and attempt.until <= self._clock()
            if is_due and folder.exists() and self._running < _AT_ONCE:
                store.check_reachable()
                self._begin(attempt, journal, folder, note, store.uri, run)
        tidy_unmade(journal)

    @property
    def _running(self) -> int:
        return sum(one.child is not None for one in self._attempts.values())

    def _poll(self, journal: Journal, notes: dict[Path, Unmade | None]) -> None:
        for folder, attempt in [*self._attempts.items()]:
            if folder.parent != journal.unmade:
                continue
            code = None if attempt.child is None else attempt.child.poll()
            if code is not None:
                attempt.child = None
                note = notes.get(folder)
                if note is not None:
                    self._failed(attempt, code, journal, folder, note)
            if attempt.child is None and not folder.exists():
                del self._attempts[folder]

    def _begin(
        self, attempt: _Attempt, journal: Journal, folder: Path, note: Unmade, uri: str, run: str
    ) -> None:
        attempt.until = self._clock() + attempt.wait
        with (folder / _LOG).open("wb") as log:
            try:
                child = subprocess.Popen(
                    # Never what happens to lie in a current folder: that is not the user's code.
                    [note.python, "-P", "-m", "jupyter_mlkit.tracking.making", folder, run],
                    env={
                        **handed_on(),
                        **note.environment,
                        "PYTHONPATH": os.pathsep.join(note.path),
                    },
                    cwd=folder,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            except FileNotFoundError:
                self._refuse(journal, folder, note.name, f"{note.python} is not there any more.")
                return
        assert child.stdin is not None
        with child.stdin as told:
            told.write(uri.encode())
        attempt.child = child

    def _failed(
        self, attempt: _Attempt, code: int, journal: Journal, folder: Path, note: Unmade
    ) -> None:
        if code == 0:
            return
        attempt.failures += code != AGAIN
        attempt.until = self._clock() + attempt.wait
        attempt.wait = min(_MOST_WAIT, 2 * attempt.wait)
        if code == REFUSED or attempt.failures >= _ATTEMPTS:
            said = (folder / _LOG).read_text(errors="replace").strip().splitlines()[-1:]
            why = said[0] if said else f"The process that logs it ended with {code}."
            self._refuse(journal, folder, note.name, why)

    def _refuse(self, journal: Journal, folder: Path, name: str, why: str) -> None:
        refused = journal.folder / "refused-models" / folder.name
        refused.parent.mkdir(mode=0o700, exist_ok=True)
        keep(journal.folder, [DeadLetter("model", name, str(refused), why)])
        folder.replace(refused)
