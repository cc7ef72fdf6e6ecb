"""Programs with a page of their own that the server runs."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .base import Body, Model

ChildState = Literal["starting", "running"]


class ChildRequest(Body):
    """A program to open."""

    kind: Annotated[str, Meta(max_length=64, description="mlflow")]


class Child(Model):
    """A program that this server runs."""

    child_id: str
    kind: str
    title: Annotated[str, Meta(description="For people")]
    state: ChildState
    path: Annotated[str, Meta(description="Its page, below the server's base URL")]
    started: Annotated[int, Meta(description="Milliseconds since 1970")]
    idle: Annotated[int, Meta(description="Seconds since somebody used it")]


class ChildList(Model):
    """The programs that run."""

    items: list[Child]
