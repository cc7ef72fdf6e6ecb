"""What was logged and is not in its store yet."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from .base import Model


class SyncTrouble(Model):
    """A store or a run that does not take what is brought, or a journal that cannot be read."""

    where: Annotated[str, Meta(description="URI of the store without a password, or id of the run")]
    error: str
    hint: str | None
    failures: Annotated[int, Meta(description="In a row")]


class SyncState(Model):
    """What waits, and why."""

    entries: Annotated[
        int, Meta(description="Logged, on the disk, not in the store yet; a file is one of them")
    ]
    runs: Annotated[int, Meta(description="Of how many runs these are")]
    oldest: Annotated[
        int | None, Meta(description="When the first of them was logged, milliseconds since 1970")
    ]
    late: Annotated[bool, Meta(description="Whether it waits longer than where all is well")]
    refused: Annotated[int, Meta(description="Entries that a store does not take; they are kept")]
    troubles: Annotated[list[SyncTrouble], Meta(description="20 at most")]
