"""The folder of one job: what the supervisor writes there and what the process leaves behind."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from ..models import ErrorBody, LogChunk
from ..paths import private_dir

T = TypeVar("T", bound=Struct)

#: Largest piece of a log in one answer.
MAX_LOG_CHUNK = 256 * 1024


class JobProgress(Struct):
    """``state.json``: what the process is doing."""

    phase: str | None = None
    progress: float | None = None
    run_id: str | None = None
    experiment_id: str | None = None


class JobResult(Struct):
    """``exit.json``: how the process ended, in its own words."""

    state: Literal["DONE", "FAILED", "STOPPED"]
    code: int
    run_id: str | None = None
    error: ErrorBody | None = None


class JobFolder:
    """Files of one job; only the owner can read them (a spec may name private data)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def log_path(self) -> Path:
        """Standard output and error of the process."""
        return self.path / "output.log"

    def create(self, spec_yaml: str) -> None:
        """Make the folder with the spec in it."""
        private_dir(self.path)
        target = os.open(self.path / "spec.yaml", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(target, "w", encoding="utf-8") as file:
            file.write(spec_yaml)

    def remove(self) -> None:
        """Remove the folder and what is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def open_log(self) -> int:
        """Return a file descriptor to append output to."""
        return os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

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
        """Return how the process ended; None if it did not get to say so."""
        return _read(self.path / "exit.json", JobResult)

    def last_lines(self, count: int = 5, limit: int = 4096) -> str:
        """Return the end of the output, for an error message."""
        try:
            with self.log_path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - limit))
                text = file.read().decode(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.strip().splitlines()[-count:])

    def log(self, offset: int, limit: int, *, ended: bool) -> LogChunk:
        """Return a piece of the output.

        Parameters
        ----------
        offset : int
            First byte; negative counts from the end.
        limit : int
            Length in bytes, at most :data:`MAX_LOG_CHUNK`.
        ended : bool
            Whether the process is gone, so that nothing comes after the end of the file.
        """
        limit = min(limit, MAX_LOG_CHUNK)
        try:
            with self.log_path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                offset = max(0, size + offset) if offset < 0 else min(offset, size)
                file.seek(offset)
                data = file.read(limit)
        except FileNotFoundError:
            size, offset, data = 0, 0, b""
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
