"""How a job has ended, told from what is left of it."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from typing import Literal

from ..errors import MLKitError
from ..models import ErrorBody, JobAttempt, JobState
from .folder import JobExit, JobFolder, JobResult
from .record import JobRecord, OpenRun, as_body, now

log = logging.getLogger(__name__)

#: Closes the run of a job that is gone: run id, MLflow status, reason for the tag.
RunCloser = Callable[[str, Literal["FAILED", "KILLED"], str], None]
#: Errors that another attempt would meet again.
_SAME_AGAIN = frozenset({"out_of_memory", "job_not_started", "experiment_deleted", "store_gone"})


def judge(record: JobRecord, folder: JobFolder, exit_code: int | None) -> None:
    """Write into `record` how the job ended.

    A training that says it is done is done. Else what its runner did to it counts
    (``exit.json``: not started, too long, too much memory), then its own word
    (``result.json``), then how its process ended. Without any of them it is lost, or stopped if
    somebody asked for that. A run that it leaves behind without a word is still marked as
    running, so it is noted to be closed.

    Parameters
    ----------
    record : JobRecord
    folder : JobFolder
        Of the attempt.
    exit_code : int or None
        Of the runner, negative for a signal; None where it cannot be known (not our child).
    """
    result, end = folder.result(), folder.exit(record.nonce)
    record.ended = end.ended if end else now()
    record.phase, record.usage = None, end.usage if end else None
    record.exit_code = _exit_code(result, end, exit_code)
    if result is not None:
        record.run_id = result.run_id or record.run_id
    state, error, reason = _verdict(record, folder, result, end)
    record.state, record.error = state, None if error is None else as_body(error)
    if state == "DONE":
        record.progress = 1.0
    if result is None and record.run_id:
        status: Literal["FAILED", "KILLED"] = "KILLED" if state == "STOPPED" else "FAILED"
        record.open_runs = [*record.open_runs, OpenRun(record.run_id, status, reason)]


def _verdict(
    record: JobRecord, folder: JobFolder, result: JobResult | None, end: JobExit | None
) -> tuple[JobState, MLKitError | None, str]:
    """Return state, error, and the reason to give with a run that is closed for the job."""
    reason = end.reason if end else None
    if result is not None and result.state == "DONE":
        return "DONE", None, ""
    if reason == "not_started":
        return "FAILED", not_started(end.problem or "" if end else ""), "crashed"
    if reason == "timeout":
        return "STOPPED", _too_long(record), "timeout"
    if reason == "memory":
        return "FAILED", _too_much(record, end), "memory"
    if result is not None:
        return result.state, _as_error(result.error), "error"
    if record.stop_asked or reason == "signal":
        return "STOPPED", None, "stopped"
    if end is None:
        return "LOST", _lost(record.exit_code), "lost"
    if end.signal in (signal.SIGTERM, signal.SIGINT):
        # Sent to the training itself, as by a hub that ends all processes in any order.
        return "STOPPED", None, "stopped"
    if end.signal is not None:
        return "FAILED", _killed(end.signal), "killed"
    return "FAILED", _crashed(folder, end.code or 0), "crashed"


def is_worth_another_try(record: JobRecord) -> bool:
    """Tell whether a job that has just ended is to be tried again.

    Not after what a person wanted, nor where something in its spec is wrong.
    """
    if record.attempt > record.retries or record.stop_asked:
        return False
    if record.state == "LOST":
        return True
    error = record.error
    return record.state == "FAILED" and not (
        error is not None and (error.field is not None or error.code in _SAME_AGAIN)
    )


def put_back_in_line(record: JobRecord, delay: float) -> None:
    """Make a job that failed wait for its next attempt, `delay` seconds at least."""
    failed = JobAttempt(
        state=record.state,
        started=record.started,
        ended=record.ended,
        run_id=record.run_id,
        exit_code=record.exit_code,
        error=record.error,
    )
    record.attempts = [*record.attempts, failed]
    record.attempt += 1
    record.not_before = now() + round(delay * 1000)
    record.state, record.phase, record.nonce = "QUEUED", "waiting to try again", ""
    record.started = record.ended = record.process = record.run_id = record.exit_code = None
    record.progress = record.fit = record.error = record.usage = None


def close_runs(record: JobRecord, closer: RunCloser) -> list[OpenRun]:
    """Close the runs that a vanished job left open; return those to be tried again."""
    return [run for run in record.open_runs if not _close(record.job_id, run, closer)]


def _close(job_id: str, run: OpenRun, closer: RunCloser) -> bool:
    try:
        closer(run.run_id, run.status, run.reason)
    except MLKitError as error:
        if error.status == 404:  # somebody has deleted the run for good
            return True
        log.warning("Run %s of job %s stays open: %s", run.run_id, job_id, error)
        return False
    return True


def not_started(problem: str) -> MLKitError:
    """Return the error of a job that the system did not start."""
    return MLKitError(
        f"The job could not be started: {problem}.",
        hint="Check that file or folder, and the interpreter of the kernelspec.",
        code="job_not_started",
    )


def _as_error(body: ErrorBody | None) -> MLKitError | None:
    if body is None:
        return None
    return MLKitError(body.message, hint=body.hint, code=body.code, field=body.field)


def _exit_code(result: JobResult | None, end: JobExit | None, known: int | None) -> int | None:
    if result is not None:
        return result.code
    if end is None:
        return known
    return -end.signal if end.signal is not None else end.code


def _crashed(folder: JobFolder, exit_code: int) -> MLKitError:
    tail = folder.last_lines()
    return MLKitError(
        f"The job ended with exit code {exit_code} before it could say why."
        + (f" The end of its output:\n{tail}" if tail else ""),
        hint="Its log says more.",
        code="job_crashed",
    )


def _killed(number: int) -> MLKitError:
    hint = "Its log may say more. Launch it again from its spec."
    if number == signal.SIGKILL:
        hint = "Most often memory ran out: set 'Train samples at most', or take a smaller region."
    try:
        name = signal.Signals(number).name
    except ValueError:  # a real-time signal
        name = f"signal {number}"
    return MLKitError(f"The job was killed by {name}.", hint=hint, code="job_killed")


def _too_long(record: JobRecord) -> MLKitError:
    return MLKitError(
        f"The job was stopped: it ran longer than {record.timeout:g} s.",
        hint="Allow it more time, or train on less.",
        code="job_timeout",
    )


def _too_much(record: JobRecord, end: JobExit | None) -> MLKitError:
    held = end.usage.peak_memory if end else 0
    return MLKitError(
        f"The job held {held / 1e9:.3g} GB of memory, {(record.memory or 0) / 1e9:.3g} GB are "
        "allowed.",
        hint="Set 'Train samples at most' (fit.max_samples), choose a smaller region, or allow "
        "it more.",
        code="out_of_memory",
    )


def _lost(exit_code: int | None) -> MLKitError:
    if exit_code is not None and exit_code < 0:
        killed = _killed(-exit_code)
        return MLKitError(killed.message, hint=killed.hint, code="job_lost")
    return MLKitError(
        "The job is gone without a result: the machine was restarted, or something killed it.",
        hint="Launch it again from its spec.",
        code="job_lost",
    )
