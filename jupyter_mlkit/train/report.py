"""How a training says where it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """Listener to a training: the job process, a notebook's progress bar, a test."""

    def phase(self, name: str, progress: float | None = None) -> None:
        """Take note of what is being done, in words, and how far it is (0 to 1)."""

    def started(self, run_id: str, experiment_id: str) -> None:
        """Take note of the run, as soon as there is one."""


class Silent:
    """A reporter that nobody listens to."""

    def phase(self, name: str, progress: float | None = None) -> None:
        """Ignore the phase."""

    def started(self, run_id: str, experiment_id: str) -> None:
        """Ignore the run."""
