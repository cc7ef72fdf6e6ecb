"""Have models logged that were handed over: each by a process of the model's own environment."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlkit.paths import ENV_DRAINER

from ..journal.home import Journal
from ..journal.unmade import Unmade, unmade
from ..making import AGAIN
from .dead_letters import DeadLetter, keep

#: Seconds until the first further attempt; each next one waits twice as long, up to the most.
_FIRST_WAIT, _MOST_WAIT = 2.0, 60.0
#: Attempts that fail by the model itself.
_ATTEMPTS = 3
_LOG = "making.log"


@dataclass
class _Attempt:
    child: subprocess.Popen[bytes] | None = None
    failures: int = 0
    wait: float = _FIRST_WAIT
    until: float = 0.0


class Making:
    """The processes that log models, one for each model.

    Parameters
    ----------
    clock : callable
        Seconds that never step back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._attempts: dict[Path, _Attempt] = {}

    def look(self, journal: Journal, uri: str, run: str) -> None:
        """Begin, or end, what is to be done for the models of a run; waits for nothing.

        Parameters
        ----------
        journal : Journal
        uri : str
            Of the store, which has the run.
        run : str
            Its id there.

        Raises
        ------
        OSError
            What is refused for good cannot be written down.
        """
        for folder, note in unmade(journal):
            attempt = self._attempts.setdefault(folder, _Attempt())
            if attempt.child is None:
                if attempt.until <= self._clock():
                    self._begin(attempt, folder, note, uri, run)
            elif attempt.child.poll() is not None:
                self._ended(attempt, attempt.child.returncode, journal, folder, note)
        for folder in [one for one in self._attempts if not one.exists()]:
            child = self._attempts.pop(folder).child
            if child is not None:
                child.wait()
            if folder.parent.is_dir() and not any(folder.parent.iterdir()):
                folder.parent.rmdir()

    def _begin(self, attempt: _Attempt, folder: Path, note: Unmade, uri: str, run: str) -> None:
        given = {name: value for name, value in os.environ.items() if name != ENV_DRAINER}
        with (folder / _LOG).open("wb") as log:
            try:
                attempt.child = subprocess.Popen(
                    [note.python, "-m", "jupyter_mlkit.tracking.making", folder, run],
                    env={
                        **given,
                        "PYTHONPATH": os.pathsep.join(note.path),
                        "MLFLOW_TRACKING_URI": uri,
                    },
                    cwd=note.folder if Path(note.folder).is_dir() else folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            except OSError as error:
                log.write(f"{note.python} cannot be run: {error.strerror}.".encode())
                attempt.failures = _ATTEMPTS

    def _ended(
        self, attempt: _Attempt, code: int, journal: Journal, folder: Path, note: Unmade
    ) -> None:
        attempt.child = None
        if code == 0:
            return
        attempt.failures += code != AGAIN
        attempt.until = self._clock() + attempt.wait
        attempt.wait = min(_MOST_WAIT, 2 * attempt.wait)
        if attempt.failures >= _ATTEMPTS:
            said = (folder / _LOG).read_text(errors="replace").strip().splitlines()[-1:]
            refused = journal.folder / "refused-models" / folder.name
            refused.parent.mkdir(mode=0o700, exist_ok=True)
            why = said[0] if said else f"The process that logs it ended with {code}."
            keep(journal.folder, [DeadLetter("model", note.name, str(refused), why)])
            folder.replace(refused)
