"""How a training says where it is, without knowing who listens."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

#: Newest points from which the pace of a fit is taken: it may slow down on its way.
_MARKS = 20


@dataclass(frozen=True)
class FitPosition:
    """Where a fit is, in the terms of the run's own curves.

    Attributes
    ----------
    unit : {"epoch", "member"}
        What is counted, and what the step of the run's metrics means: passes over the samples,
        or members of an ensemble.
    done, total : int
        How many are behind it; ``total`` is None where nobody knows.
    step, steps : int or None
        Batch inside the epoch that is going on.
    metrics : mapping
        The newest point of each curve that the run has logged.
    """

    unit: Literal["epoch", "member"]
    done: int
    total: int | None
    step: int | None = None
    steps: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def share(self) -> float | None:
        """What is behind it, 0 to 1."""
        if not self.total:
            return None
        inside = self.step / self.steps if self.step and self.steps else 0.0
        return min(1.0, (self.done + inside) / self.total)


class Reporter(Protocol):
    """Listener to a training: the job process, a notebook's progress bar, a test."""

    def phase(self, name: str, progress: float | None = None) -> None:
        """Take note of what is being done, in words, and how far it is (0 to 1)."""

    def fitting(self, position: FitPosition) -> None:
        """Take note of where the fit is."""

    def started(self, run_id: str, experiment_id: str) -> None:
        """Take note of the run, as soon as there is one."""


class Silent:
    """A reporter that nobody listens to."""

    def phase(self, name: str, progress: float | None = None) -> None:
        """Ignore the phase."""

    def fitting(self, position: FitPosition) -> None:
        """Ignore the position."""

    def started(self, run_id: str, experiment_id: str) -> None:
        """Ignore the run."""


class Pace:
    """How long a fit takes at the pace of its newest points.

    Parameters
    ----------
    began : float
        When it began, in seconds of a monotonic clock.
    """

    def __init__(self, began: float) -> None:
        self._marks: deque[tuple[float, float]] = deque([(began, 0.0)], maxlen=_MARKS)

    def left(self, share: float | None, now: float) -> float | None:
        """Return the seconds until the end, given what is behind it now; None if unknown."""
        if share is None:
            return None
        self._marks.append((now, share))
        before, was = self._marks[0]
        if share <= was or now <= before:
            return None
        return (1.0 - share) * (now - before) / (share - was)
