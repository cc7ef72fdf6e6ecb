"""What all parts of the wire vocabulary share: bases, floats, roles, errors, status."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from msgspec import Meta, Struct


class Model(Struct):
    """Base of what the server answers: every field is always there, null where unknown."""


class Body(Struct, forbid_unknown_fields=True):
    """Base of what a client sends: a misspelt field is refused, not ignored."""


#: A float on the wire. JSON has no NaN or infinity, so these travel as words.
WireFloat = float | Literal["NaN", "Infinity", "-Infinity"]

RunStatus = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
JobState = Literal["QUEUED", "STARTING", "RUNNING", "DONE", "FAILED", "STOPPED", "LOST"]
Role = Literal["train", "validation", "test"]


def wire_float(value: float) -> WireFloat:
    """Return `value` as it travels in JSON."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return float(value)


class ErrorBody(Model):
    """Body of every answer that is not 2xx."""

    message: str
    code: str
    hint: str | None
    field: str | None


class Status(Model):
    """What the server part is, what it talks to and what is wrong."""

    version: str
    mlflow_version: str
    tracking_uri: Annotated[str, Meta(description="Without user name and password")]
    store: Annotated[Literal["local", "remote"], Meta(description="SQL file or server")]
    artifact_root: str | None
    root_dir: str
    person: Annotated[str, Meta(description="Who asks, as it is stamped on jobs and runs")]
    problems: list[ErrorBody]
