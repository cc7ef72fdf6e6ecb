"""A sign of life on a run, for those who cannot see its process: people at other machines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from .tags import HEARTBEAT

#: Seconds between two signs of life.
EVERY = 60.0
#: Seconds after which a run without one is shown as lost; it is never closed for that.
LOST_AFTER = 600.0


class Heartbeat(NamedTuple):
    """Who has seen the process of a run alive, and when.

    Attributes
    ----------
    at : float
        Seconds since 1970-01-01 UTC.
    machine : str
        See :func:`jupyter_mlkit.processes.identity.machine_name`.
    """

    at: float
    machine: str

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Heartbeat | None:
        """Return that of a run with these tags; None where there is none that can be read."""
        time, _, machine = tags.get(HEARTBEAT, "").partition(" ")
        try:
            return cls(datetime.fromisoformat(time).timestamp(), machine)
        except ValueError:
            return None

    def __str__(self) -> str:
        """Return the tag: the time in ISO 8601, and the machine."""
        time = datetime.fromtimestamp(self.at, UTC).isoformat(timespec="seconds")
        return f"{time} {self.machine}"

    def is_fresh(self, now: float) -> bool:
        """Return whether the process was alive so lately that it may be alive still."""
        return now - self.at <= LOST_AFTER


def is_lost(tags: Mapping[str, str], now: float) -> bool:
    """Return whether a run that is RUNNING is to be shown as "lost?".

    A run without any sign of life was logged without the journal: nothing is known of it.

    Parameters
    ----------
    tags : mapping
        Of the run.
    now : float
        Seconds since 1970-01-01 UTC.
    """
    seen = Heartbeat.of(tags)
    return seen is not None and not seen.is_fresh(now)
