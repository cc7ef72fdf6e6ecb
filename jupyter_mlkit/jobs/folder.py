"""The folder of one job: what the supervisor writes there and what the process leaves behind."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from ..models import ErrorBody, JobUsage, LogChunk
from ..paths import private_dir
from . import output

T = TypeVar("T", bound=Struct)

#: Largest piece of a log in one answer.
MAX_LOG_CHUNK = 256 * 1024


class FitProgress(Struct):
    """Where a fit is, in the run's own terms; see ``train.report.FitPosition``."""

    unit: Literal["epoch", "member"]
    done: int
    total: int | None = None
    step: int | None = None
    steps: int | None = None
    #: Seconds that the fit takes from `at` on, and that moment (milliseconds since 1970).
    eta_seconds: float | None = None
    at: int = 0
    metrics: dict[str, float | str] = {}


class JobProgress(Struct):
    """``state.json``: what the process is doing."""

    phase: str | None = None
    progress: float | None = None
    run_id: str | None = None
    experiment_id: str | None = None
    fit: FitProgress | None = None


class JobResult(Struct):
    """``result.json``: how the training ended, in its own words."""

    state: Literal["DONE", "FAILED", "STOPPED"]
    code: int
    run_id: str | None = None
    error: ErrorBody | None = None


class JobExit(Struct):
    """``exit.json``: how the process ended, in the words of its runner.

    Attributes
    ----------
    nonce : str
        The attempt that it is about.
    code, signal : int or None
        Exit code, or the signal that ended it.
    reason : str or None
        Why the runner ended it, or could not start it (`problem` has the system's words).
    asked : int or None
        Signal by which the runner was asked to end it.
    """

    nonce: str
    code: int | None
    signal: int | None
    ended: int
    usage: JobUsage
    reason: Literal["signal", "timeout", "memory", "not_started"] | None = None
    asked: int | None = None
    problem: str | None = None


class JobFolder:
    """Files of one job; only the owner can read them (a spec may name private data)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, spec_yaml: str) -> None:
        """Make the folder with the spec in it."""
        private_dir(self.path)
        target = os.open(self.path / "spec.yaml", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(target, "w", encoding="utf-8") as file:
            file.write(spec_yaml)

    def remove(self) -> None:
        """Remove the folder and what is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def attempt(self, number: int) -> JobFolder:
        """Return the folder of the n-th attempt; the first has the job's own."""
        return self if number == 1 else JobFolder(self.path / f"attempt-{number}")

    def copy_spec(self, source: JobFolder) -> None:
        """Make the folder of a further attempt, with the spec of the first."""
        spec = (source.path / "spec.yaml").read_text(encoding="utf-8")
        if not (self.path / "spec.yaml").exists():
            self.create(spec)

    @property
    def store_file(self) -> Path:
        """For a tracking URI with a password, while the job runs."""
        return self.path / "store.uri"

    def progress_stamp(self) -> int | None:
        """Return what changes whenever the process tells something new."""
        try:
            status = (self.path / "state.json").stat()
        except FileNotFoundError:
            return None
        return hash((status.st_mtime_ns, status.st_ino))

    def progress(self) -> JobProgress | None:
        """Return what the process is doing; None if it has not told or told nonsense."""
        return _read(self.path / "state.json", JobProgress)

    def result(self) -> JobResult | None:
        """Return how the training ended; None if it did not get to say so."""
        # exit.json held it before there were runners: such a job may still run.
        return _read(self.path / "result.json", JobResult) or _read(
            self.path / "exit.json", JobResult
        )

    def exit(self, nonce: str) -> JobExit | None:
        """Return how the process of that attempt ended; None if its runner is gone, too."""
        found = _read(self.path / "exit.json", JobExit)
        return found if found is not None and found.nonce == nonce else None

    def last_lines(self, count: int = 5, limit: int = 4096) -> str:
        """Return the end of the output, for an error message."""
        data, _, _ = output.read(self.path, -limit, limit)
        return "\n".join(data.decode(errors="replace").strip().splitlines()[-count:])

    def has_begun(self) -> bool:
        """Tell whether anybody has ever run for it."""
        return bool(output.segments(self.path))

    def written(self) -> int:
        """Return how much output there was so far."""
        return output.written(self.path)

    def log(self, offset: int, limit: int, *, ended: bool) -> LogChunk:
        """Return a piece of the output.

        Parameters
        ----------
        offset : int
            First byte; negative counts from the end. What was dropped is passed over.
        limit : int
            Length in bytes, at most :data:`MAX_LOG_CHUNK`.
        ended : bool
            Whether the process is gone, so that nothing comes after the end of the file.
        """
        data, offset, size = output.read(self.path, offset, min(limit, MAX_LOG_CHUNK))
        at_end = offset + len(data) >= size
        if not (ended and at_end):
            data = _whole_characters(data)
        return LogChunk(
            text=data.decode("utf-8", errors="replace"),
            offset=offset,
            next_offset=offset + len(data),
            size=size,
            complete=ended and at_end,
        )


def _whole_characters(data: bytes) -> bytes:
    """Leave a character that is cut at the end to the next piece."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return data
        if byte >= 0xC0:  # first byte of a character of 2 to 4 bytes
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return data[:-back] if length > back else data
    return data


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError):
        # Written by atomic rename, so nonsense is not half a file but a foreign one.
        return None
