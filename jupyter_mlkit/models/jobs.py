"""Jobs and their output."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from .base import Body, ErrorBody, JobState, Model, WireFloat


class JobOptions(Body):
    """How a training is run, whatever it trains."""

    timeout_seconds: Annotated[
        Annotated[float, Meta(gt=0, le=31_536_000)] | None,
        Meta(description="Longest time that it may run; it is stopped then"),
    ] = None
    memory_bytes: Annotated[
        Annotated[int, Meta(ge=1_048_576, le=2**53)] | None,
        Meta(description="Memory that all its processes may hold together; it is killed above"),
    ] = None
    priority: Annotated[
        int, Meta(ge=-100, le=100, description="Of those that wait, the highest starts first")
    ] = 0
    retries: Annotated[
        int, Meta(ge=0, le=10, description="How often it is tried again after a crash or a kill")
    ] = 0


class JobRequest(Body):
    """A training to start."""

    spec: dict[str, Any]
    options: JobOptions = field(default_factory=JobOptions)


class RerunRequest(Body):
    """A training to run again."""

    changes: Annotated[
        dict[str, Any],
        Meta(description="What differs from its spec, as a JSON merge patch: null removes"),
    ] = field(default_factory=dict)
    options: Annotated[
        JobOptions | None, Meta(description="Those of the first time where left out")
    ] = None


class Fit(Model):
    """Where a fit is, in the terms of the run's own curves."""

    unit: Annotated[Literal["epoch", "member"], Meta(description="What is counted: a run's step")]
    done: int
    total: int | None
    step: Annotated[int | None, Meta(description="Batch of the epoch that is going on")]
    steps: int | None
    eta_seconds: Annotated[float | None, Meta(description="Until the fit is over, at its pace")]
    metrics: Annotated[dict[str, WireFloat], Meta(description="The newest point of each curve")]


class JobUsage(Model):
    """What a training has taken."""

    wall_seconds: float
    cpu_seconds: float
    peak_memory: Annotated[int, Meta(description="Bytes, over all its processes")]
    output_lost: Annotated[int, Meta(description="Bytes of output that found no room on disk")]


class JobAttempt(Model):
    """An attempt that failed and was followed by another."""

    state: JobState
    started: int | None
    ended: int | None
    run_id: str | None
    exit_code: int | None
    error: ErrorBody | None


class Job(Model):
    """A training process of this server."""

    job_id: str
    name: str
    state: JobState
    kernelspec: str
    created: int
    started: int | None
    ended: int | None
    phase: Annotated[str | None, Meta(description="What it is doing, in words")]
    progress: Annotated[float | None, Meta(description="0 to 1")]
    queue_position: int | None
    experiment: str
    experiment_id: Annotated[str | None, Meta(description="Known once there is a run")]
    run_id: str | None
    exit_code: Annotated[int | None, Meta(description="Negative: the signal that ended it")]
    error: ErrorBody | None
    spec: dict[str, Any]
    user: Annotated[str | None, Meta(description="Who has submitted it")]
    rerun_of: Annotated[str | None, Meta(description="The job that this one repeats")]
    priority: int
    timeout_seconds: float | None
    memory_bytes: int | None
    attempt: Annotated[int, Meta(description="Which attempt this is, from 1")]
    retries: Annotated[int, Meta(description="Attempts that may follow the first one")]
    attempts: Annotated[list[JobAttempt], Meta(description="Attempts before this one")]
    fit: Fit | None
    usage: Annotated[JobUsage | None, Meta(description="Known once it has ended")]


class JobPage(Model):
    """One page of jobs, the newest first."""

    items: list[Job]
    next_page_token: str | None


class LogChunk(Model):
    """A piece of a job's output; ask again from ``next_offset``."""

    text: str
    offset: Annotated[
        int, Meta(description="Where it begins; later than asked where output was dropped")
    ]
    next_offset: int
    size: int
    complete: Annotated[bool, Meta(description="The job has ended and this is its last piece")]
