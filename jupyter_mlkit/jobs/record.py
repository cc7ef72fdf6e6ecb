"""What the job registry knows of a job."""

from __future__ import annotations

import time
from typing import Any

from msgspec import Struct

from ..errors import MLKitError
from ..models import ErrorBody, Job, JobState
from .identity import Identity

#: States of a job that holds a process, that has not ended, and that it never leaves.
ACTIVE: frozenset[JobState] = frozenset({"STARTING", "RUNNING"})
GOING_ON: frozenset[JobState] = ACTIVE | {"QUEUED"}
ENDED: frozenset[JobState] = frozenset({"DONE", "FAILED", "STOPPED", "LOST"})


class JobRecord(Struct, kw_only=True):
    """One row of the registry, and all that is needed to start, adopt and judge a job."""

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
    state: JobState = "QUEUED"
    started: int | None = None
    ended: int | None = None
    process: Identity | None = None
    stop_asked: int | None = None
    phase: str | None = None
    progress: float | None = None
    run_id: str | None = None
    exit_code: int | None = None
    error: ErrorBody | None = None
    #: The run was left open by a job that is gone: status and reason to close it with.
    orphan: tuple[str, str] | None = None

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
            run_id=self.run_id,
            exit_code=self.exit_code,
            error=self.error,
            spec=self.spec,
            user=self.user,
        )


def now() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def as_body(error: MLKitError) -> ErrorBody:
    """Return an error as a job keeps it."""
    return ErrorBody(message=error.message, code=error.code, hint=error.hint, field=error.field)
