"""How a job has ended, told from what is left of it."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from typing import Literal

from ..errors import MLKitError
from .folder import JobFolder
from .record import JobRecord, as_body, now

log = logging.getLogger(__name__)


def judge(record: JobRecord, folder: JobFolder, exit_code: int | None) -> None:
    """Write into `record` how the job ended.

    Its own word (``exit.json``) counts most. Without it: stopped if somebody asked for that,
    failed if it went with an exit code, else lost. A run that it leaves behind without a word
    is still marked as running, so it becomes an orphan to be closed.

    Parameters
    ----------
    record : JobRecord
    folder : JobFolder
    exit_code : int or None
        Negative for a signal; None where it cannot be known (not our child).
    """
    result = folder.result()
    record.ended = now()
    record.exit_code = exit_code
    if result is not None:
        record.state = result.state
        record.exit_code = result.code
        record.run_id = result.run_id or record.run_id
        record.error = result.error
        if result.state == "DONE":
            record.progress = 1.0
        record.phase = None
        return
    if record.stop_asked:
        record.state, status, reason = "STOPPED", "KILLED", "stopped"
    elif exit_code is not None and exit_code >= 0:
        record.state, status, reason = "FAILED", "FAILED", "crashed"
        record.error = as_body(_crashed(folder, exit_code))
    else:
        record.state, status, reason = "LOST", "FAILED", "lost"
        record.error = as_body(_lost(exit_code))
    if record.run_id:
        record.orphan = (status, reason)


def close_run(
    record: JobRecord, closer: Callable[[str, Literal["FAILED", "KILLED"], str], None]
) -> bool:
    """Close the run that a vanished job left open; False if that has to be tried again."""
    if record.run_id is None or record.orphan is None:
        return True
    status: Literal["FAILED", "KILLED"] = "KILLED" if record.orphan[0] == "KILLED" else "FAILED"
    try:
        closer(record.run_id, status, record.orphan[1])
    except MLKitError as error:
        if error.status == 404:  # somebody has deleted the run for good
            return True
        log.warning("Run %s of job %s stays open: %s", record.run_id, record.job_id, error)
        return False
    return True


def _crashed(folder: JobFolder, exit_code: int) -> MLKitError:
    tail = folder.last_lines()
    return MLKitError(
        f"The job ended with exit code {exit_code} before it could say why."
        + (f" The end of its output:\n{tail}" if tail else ""),
        hint="Its log says more.",
        code="job_crashed",
    )


def _lost(exit_code: int | None) -> MLKitError:
    if exit_code is None:
        return MLKitError(
            "The job is gone without a result: the machine was restarted, or something killed it.",
            hint="Launch it again from its spec.",
            code="job_lost",
        )
    name = signal.Signals(-exit_code).name
    hint = "Launch it again from its spec."
    if -exit_code == signal.SIGKILL:
        hint = "Most often memory ran out: set 'Train samples at most', or take a smaller region."
    return MLKitError(f"The job was killed by {name}.", hint=hint, code="job_lost")
