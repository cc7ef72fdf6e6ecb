"""Finds out what changed in a store since the last look."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Literal, Protocol

from jupyter_mlkit.models import Change
from jupyter_mlkit.tracking.client import StoreClient

from .emitter import MOST_IDS

Capability = Literal["experiments", "runs", "registry"]


class Source(Protocol):
    """A store that can be looked at again and again."""

    interval: float

    def look(self) -> list[Difference] | None:
        """Return what differs from the last look; None where this was the first."""

    def close(self) -> None:
        """Let go of the store; the next look opens it again."""


class Difference:
    """What differs in one capability between two looks.

    Parameters
    ----------
    capability : {"experiments", "runs", "registry"}
        Which objects.
    created, changed, deleted : set of str
        Their ids.
    """

    def __init__(
        self,
        capability: Capability,
        created: set[str] | None = None,
        changed: set[str] | None = None,
        deleted: set[str] | None = None,
    ) -> None:
        self.capability = capability
        self.created = created or set()
        self.deleted = (deleted or set()) - self.created
        self.changed = (changed or set()) - self.created - self.deleted

    def changes(self) -> list[Change]:
        """Return the events to emit, with no ids where there are too many."""
        kinds: list[tuple[Literal["created", "changed", "deleted"], set[str]]] = [
            ("created", self.created),
            ("changed", self.changed),
            ("deleted", self.deleted),
        ]
        return [
            Change(self.capability, kind, sorted(ids) if len(ids) <= MOST_IDS else [])
            for kind, ids in kinds
            if ids
        ]


def difference(
    capability: Capability, before: Mapping[str, Hashable], after: Mapping[str, Hashable]
) -> Difference:
    """Compare two snapshots: what is new, gone, or has another fingerprint."""
    return Difference(
        capability,
        created=set(after.keys() - before.keys()),
        changed={key for key in after.keys() & before.keys() if after[key] != before[key]},
        deleted=set(before.keys() - after.keys()),
    )


class StoreWatcher:
    """Tells what changed in a store since it was asked before.

    Parameters
    ----------
    store : StoreClient
        The store. An SQLite file is asked through ``PRAGMA data_version``, which costs nothing
        while nobody writes; other stores by a bounded search.
    """

    def __init__(self, store: StoreClient) -> None:
        self._source = _source(store)

    @property
    def interval(self) -> float:
        """Seconds between two looks."""
        return self._source.interval

    def changes(self) -> list[Change]:
        """Return the changes since the last call; blocks.

        The first call only takes the state to compare with.

        Raises
        ------
        MLKitError
            Where the store cannot be read; the next call looks again.
        """
        found = self._source.look()
        return [change for item in found or [] for change in item.changes()]

    def close(self) -> None:
        """Close the connection; the next call opens it again and compares with the last look."""
        self._source.close()


def _source(store: StoreClient) -> Source:
    if store.path is not None:
        from .file_source import FileSource

        return FileSource(store)
    from .server_source import ServerSource

    return ServerSource(store)
