"""Jobs and their output."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from .base import Body, ErrorBody, JobState, Model


class JobRequest(Body):
    """A training to start."""

    spec: dict[str, Any]


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
    run_id: str | None
    exit_code: int | None
    error: ErrorBody | None
    spec: dict[str, Any]
    user: Annotated[str | None, Meta(description="Who has submitted it")] = None


class JobPage(Model):
    """One page of jobs, the newest first."""

    items: list[Job]
    next_page_token: str | None


class LogChunk(Model):
    """A piece of a job's output; ask again from ``next_offset``."""

    text: str
    offset: int
    next_offset: int
    size: int
    complete: Annotated[bool, Meta(description="The job has ended and this is its last piece")]
