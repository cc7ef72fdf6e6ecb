"""Runs that this process has begun without MLflow, for its own part of MLflow to know."""

from __future__ import annotations

from .entries import Created
from .home import Journal

#: By the store and the id.
_begun: dict[tuple[str, str], Created] = {}


def note_begun(journal: Journal, created: Created) -> None:
    """Note how a run began."""
    _begun[journal.store, journal.run] = created


def begun(journal: Journal) -> Created | None:
    """Return how a run began; None where it was not begun so, or by another process."""
    return _begun.get((journal.store, journal.run))


def all_begun(store: str) -> list[str]:
    """Return the runs of a store, as :class:`.home.Journal` names it."""
    return [run for its, run in [*_begun] if its == store]
