"""From a row of the registry to what an executor starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ..paths import ENV_JOB_DIR, ENV_JOB_ID, ENV_JOB_NONCE
from .environment import (
    child_environment,
    expanded,
    named_variables,
    with_hidden_store,
    without_tokens,
)
from .executors import Launch
from .folder import JobFolder
from .record import JobRecord

N = TypeVar("N", int, float)


@dataclass(frozen=True)
class Surroundings:
    """What a supervisor hands to the jobs it starts.

    Attributes
    ----------
    folder : Path
        Holds the registry and one folder per job.
    root_dir : Path
        Working directory of jobs: the root of the file browser, so that relative paths in a
        spec mean what the person sees there.
    scope : str
        Tracking store and root folder; servers of another scope do not touch these jobs.
    environment : callable
        The variables by which jobs find the tracking store.
    allowed : tuple of str
        Patterns of variables of the server that jobs may see besides the usual ones.
    timeout, memory : float, int or None
        Seconds and bytes that no job may exceed, whatever it asks for.
    """

    folder: Path
    root_dir: Path
    scope: str
    environment: Callable[[], Mapping[str, str]] = field(default=dict)
    allowed: tuple[str, ...] = ()
    timeout: float | None = None
    memory: int | None = None

    def folder_of(self, record: JobRecord, attempt: int | None = None) -> JobFolder:
        """Return the folder of an attempt of a job, the newest if none is named."""
        first = JobFolder(self.folder / "jobs" / record.job_id)
        return first.attempt(record.attempt if attempt is None else attempt)


def launch_of(record: JobRecord, around: Surroundings, grace: float) -> Launch:
    """Return how a job is started, with its folder made ready; ``OSError`` if that fails."""
    folder = around.folder_of(record)
    if record.attempt > 1:
        folder.copy_spec(around.folder_of(record, 1))
    marks = {
        ENV_JOB_DIR: str(folder.path),
        ENV_JOB_ID: record.job_id,
        ENV_JOB_NONCE: record.nonce,
    }
    named = {name: os.environ[name] for name in named_variables(record.spec) if name in os.environ}
    environment = child_environment(
        without_tokens(named),
        expanded(record.environment),
        with_hidden_store(around.environment(), folder.store_file),
        marks,
        allowed=around.allowed,
    )
    return Launch(
        job_id=record.job_id,
        nonce=record.nonce,
        command=[*record.command, str(folder.path)],
        environment=environment,
        root_dir=Path(record.root_dir),
        folder=folder.path,
        grace=grace,
        timeout=_smaller(record.timeout, around.timeout),
        memory=_smaller(record.memory, around.memory),
    )


def _smaller(one: N | None, other: N | None) -> N | None:
    known = [value for value in (one, other) if value is not None]
    return min(known, default=None)
