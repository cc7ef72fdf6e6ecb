"""Where jobs run: one protocol, so that a cluster can stand beside the local machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..identity import Identity


@dataclass(frozen=True)
class Launch:
    """What an executor starts."""

    job_id: str
    command: Sequence[str]
    environment: Mapping[str, str]
    root_dir: Path
    log: int


class JobProcess(Protocol):
    """A job that an executor has started or adopted."""

    @property
    def identity(self) -> Identity:
        """Who it is."""
        ...

    def fileno(self) -> int | None:
        """Return a descriptor that is readable once the process has ended, if there is one."""
        ...

    def has_ended(self) -> bool:
        """Tell whether it is gone."""
        ...

    def exit_code(self) -> int | None:
        """Return its exit code (negative: a signal) once it has ended; None if unknowable."""
        ...

    def signal(self, number: int) -> None:
        """Send a signal to it and to the processes that it has started."""
        ...

    def release(self) -> None:
        """End what is left of its group and let go of it; it must have ended."""
        ...

    def let_go(self) -> None:
        """Give back what watching it takes; it lives on."""
        ...


class Executor(Protocol):
    """Starts jobs and finds them again."""

    def start(self, launch: Launch) -> JobProcess:
        """Start a job; ``OSError`` if that is not possible."""
        ...

    def adopt(self, identity: Identity) -> JobProcess | None:
        """Return a job that an earlier server has started; None if it is gone."""
        ...
