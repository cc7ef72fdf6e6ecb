"""Where jobs run: one interface, so that a cluster can stand beside the local machine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...processes.identity import Identity


@dataclass(frozen=True)
class Launch:
    """What an executor starts.

    Attributes
    ----------
    job_id, nonce : str
        The job, and this attempt of it.
    command : sequence of str
        Never goes through a shell.
    environment : mapping
        All variables that the process gets.
    root_dir : Path
        Its working directory.
    folder : Path
        For its output and ``exit.json``.
    grace : float
        Seconds between the request to end and the end by force.
    timeout : float or None
        Seconds that it may run.
    memory : int or None
        Bytes that all its processes may hold together.
    """

    job_id: str
    nonce: str
    command: Sequence[str]
    environment: Mapping[str, str]
    root_dir: Path
    folder: Path
    grace: float
    timeout: float | None
    memory: int | None


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

    def ask_to_end(self) -> None:
        """Ask it and what it has started to end, by force after the grace."""
        ...

    def kill(self) -> None:
        """End what did not end by itself; asked again and again until it is gone."""
        ...

    def release(self) -> None:
        """End what is left of it and let go of it; it must have ended."""
        ...

    def let_go(self) -> None:
        """Give back what watching it takes; it lives on."""
        ...


class Executor(ABC):
    """Starts jobs and finds them again."""

    @abstractmethod
    def start(self, launch: Launch) -> JobProcess:
        """Start a job; ``OSError`` or ``MLKitError`` if that is not possible."""

    @abstractmethod
    def adopt(self, identity: Identity) -> JobProcess | None:
        """Return a job that an earlier server has started.

        None if it is gone; what it has left behind is ended.
        """

    @abstractmethod
    def find(self, nonce: str) -> Identity | None:
        """Return the job that a server has started and did not live to write down."""
