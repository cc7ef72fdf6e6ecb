"""Training jobs: submit, list, read the output, stop."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ..models import Job, JobPage, JobRequest, LogChunk, RerunRequest
from .base import MLKitHandler
from .endpoint import Paging, Query, endpoint
from .owned import JOB, NOTHING


class LogQuery(Query):
    """Which piece of the output."""

    offset: Annotated[
        int, Meta(ge=-(2**53), le=2**53, description="First byte; negative: from the end")
    ] = 0
    limit: Annotated[int, Meta(ge=1, le=262_144, description="Bytes")] = 65_536
    attempt: Annotated[
        Annotated[int, Meta(ge=1, le=100)] | None,
        Meta(description="Of a job that was tried again: which attempt, from 1"),
    ] = None


class JobsHandler(MLKitHandler):
    """The jobs of this server."""

    path = "jobs"

    @endpoint("read", "jobs", "List jobs", query=Paging, answer=JobPage, polled=True)
    async def get(self, query: Paging) -> JobPage:
        """Return a page of jobs."""
        return await self.blocking(
            lambda: self.services.jobs.jobs(query.max_results, query.page_token)
        )

    @endpoint(
        "execute",
        "jobs",
        "Start a training",
        on=NOTHING,
        body=JobRequest,
        answer=Job,
        status=201,
    )
    async def post(self, body: JobRequest) -> Job:
        """Validate the spec in its kernel, then put the training in line."""
        job = await self.asking_kernel(self.services.submit, body, self.person)
        self.made(f"job/{job.job_id}")
        return job


class JobHandler(MLKitHandler):
    """One job."""

    path = "jobs/{job_id}"

    @endpoint("read", "jobs", "Get a job", answer=Job, polled=True)
    async def get(self, job_id: str) -> Job:
        """Return the job."""
        return await self.blocking(lambda: self.services.jobs.job(job_id))


class LogHandler(MLKitHandler):
    """The output of one job."""

    path = "jobs/{job_id}/log"

    @endpoint(
        "read", "jobs", "Read the output of a job", query=LogQuery, answer=LogChunk, polled=True
    )
    async def get(self, job_id: str, query: LogQuery) -> LogChunk:
        """Return a piece of the output."""
        pace = self.services.log_pace
        self.keep_pace(pace, "You read more output than is served.")
        chunk = await self.blocking(
            lambda: self.services.jobs.log(job_id, query.offset, query.limit, query.attempt)
        )
        pace.take(self.person, chunk.next_offset - chunk.offset)
        return chunk


class StopHandler(MLKitHandler):
    """The end of a job by request."""

    path = "jobs/{job_id}/stop"

    @endpoint("execute", "jobs", "Stop a job", on=JOB, answer=Job)
    async def post(self, job_id: str) -> Job:
        """Ask the job to end; by force after a grace."""
        return await self.blocking(lambda: self.services.jobs.stop(job_id))


class RerunHandler(MLKitHandler):
    """A training once more."""

    path = "jobs/{job_id}/rerun"

    @endpoint(
        "execute",
        "jobs",
        "Run a training again, with changes",
        on=NOTHING,
        body=RerunRequest,
        answer=Job,
        status=201,
    )
    async def post(self, job_id: str, body: RerunRequest) -> Job:
        """Validate the changed spec in its kernel, then put it in line as a new job."""
        job = await self.asking_kernel(self.services.rerun, job_id, body, self.person)
        self.made(f"job/{job.job_id}")
        return job


HANDLERS = [JobsHandler, JobHandler, LogHandler, StopHandler, RerunHandler]
