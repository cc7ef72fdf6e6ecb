"""What the job registry knows of a job."""

from __future__ import annotations

import time
from typing import Any, Literal

from msgspec import Struct

from ..errors import MLKitError
from ..models import ErrorBody, Fit, Job, JobAttempt, JobState, JobUsage
from ..processes.identity import Identity
from .folder import FitProgress

#: States of a job that holds a process, that has not ended, and that it never leaves.
ACTIVE: frozenset[JobState] = frozenset({"STARTING", "RUNNING"})
GOING_ON: frozenset[JobState] = ACTIVE | {"QUEUED"}
ENDED: frozenset[JobState] = frozenset({"DONE", "FAILED", "STOPPED", "LOST"})


class OpenRun(Struct, frozen=True):
    """A run that a job which is gone has left open, and how it is to be closed."""

    run_id: str
    status: Literal["FAILED", "KILLED"]
    reason: str


class JobRecord(Struct, kw_only=True):
    """One row of the registry, and all that is needed to start, adopt and judge a job.

    Attributes
    ----------
    owner : Identity
        The server that has taken it in or started it.
    user : str or None
        Who has submitted it, as the server's identity provider says.
    process : Identity or None
        Its runner; None before it was started, and for a moment while it is.
    nonce : str
        Of the attempt that runs; written down before the process is started.
    attempt, retries : int
        Number of this attempt, and how many may follow the first one.
    not_before : int
        It waits at least until then.
    """

    job_id: str
    scope: str
    name: str
    kernelspec: str
    experiment: str
    spec: dict[str, Any]
    command: list[str]
    environment: dict[str, str]
    root_dir: str
    owner: Identity
    created: int
    user: str | None = None
    rerun_of: str | None = None
    priority: int = 0
    timeout: float | None = None
    memory: int | None = None
    retries: int = 0
    attempt: int = 1
    attempts: list[JobAttempt] = []
    not_before: int = 0
    nonce: str = ""
    state: JobState = "QUEUED"
    started: int | None = None
    ended: int | None = None
    process: Identity | None = None
    stop_asked: int | None = None
    phase: str | None = None
    progress: float | None = None
    fit: FitProgress | None = None
    run_id: str | None = None
    experiment_id: str | None = None
    exit_code: int | None = None
    usage: JobUsage | None = None
    error: ErrorBody | None = None
    open_runs: list[OpenRun] = []

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ENDED

    def to_model(self, queue_position: int | None = None) -> Job:
        """Return the job as it travels."""
        phase = "stopping" if self.stop_asked and not self.has_ended else self.phase
        return Job(
            job_id=self.job_id,
            name=self.name,
            state=self.state,
            kernelspec=self.kernelspec,
            created=self.created,
            started=self.started,
            ended=self.ended,
            phase=phase,
            progress=self.progress,
            queue_position=queue_position,
            experiment=self.experiment,
            experiment_id=self.experiment_id,
            run_id=self.run_id,
            exit_code=self.exit_code,
            error=self.error,
            spec=self.spec,
            user=self.user,
            rerun_of=self.rerun_of,
            priority=self.priority,
            timeout_seconds=self.timeout,
            memory_bytes=self.memory,
            attempt=self.attempt,
            retries=self.retries,
            attempts=self.attempts,
            fit=None if self.fit is None else _fit(self.fit, is_over=self.has_ended),
            usage=self.usage,
        )


def _fit(told: FitProgress, *, is_over: bool) -> Fit:
    left = None
    if told.eta_seconds is not None and not is_over:
        # Told a while ago: the clock went on since.
        left = max(0.0, told.eta_seconds - (now() - told.at) / 1000)
    return Fit(
        unit=told.unit,
        done=told.done,
        total=told.total,
        step=told.step,
        steps=told.steps,
        eta_seconds=left,
        metrics=told.metrics,  # type: ignore[arg-type]  # a float or the word of one
    )


def now() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def as_body(error: MLKitError) -> ErrorBody:
    """Return an error as a job keeps it."""
    return ErrorBody(message=error.message, code=error.code, hint=error.hint, field=error.field)
