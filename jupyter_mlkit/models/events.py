"""What is watched and what has changed."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .base import Model


class Watch(Model):
    """A lease on live changes: the server watches the store while somebody holds one."""

    expires_in: Annotated[int, Meta(description="Seconds; renew before")]
    schema_id: str


class Change(Model):
    """Data of an event: that something changed, never what it is now."""

    capability: Annotated[
        Literal["experiments", "runs", "jobs", "logs", "registry", "sync"],
        Meta(
            description="logs: the output of a job has grown; its id is the job's. sync: "
            "what waits for its store, which has no ids"
        ),
    ]
    kind: Literal["created", "changed", "deleted"]
    ids: Annotated[list[str], Meta(description="Empty: too many to name, fetch again")]
