"""Registered models and versions."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from .base import Body, Model


class ModelVersion(Model):
    """A version of a registered model."""

    name: str
    version: str
    run_id: str | None
    run_name: str | None
    source: str
    description: str
    creation_time: int
    status: str
    aliases: list[str]
    tags: dict[str, str]


class RegisteredModel(Model):
    """A registered model with its aliases and its newest version."""

    name: str
    description: str
    creation_time: int
    last_updated_time: int
    aliases: dict[str, str]
    latest_version: str | None
    tags: dict[str, str]


class RegisteredModelPage(Model):
    """One page of registered models."""

    items: list[RegisteredModel]
    next_page_token: str | None


class ModelVersionPage(Model):
    """One page of a model's versions, the newest first."""

    items: list[ModelVersion]
    next_page_token: str | None


class VersionRequest(Body):
    """Register the model of a run; the registered model is made where it is missing."""

    run_id: Annotated[str, Meta(min_length=1)]
    model: Annotated[
        str | None, Meta(description="URI among the run's models; the last if null")
    ] = None
    description: str = ""


class AliasRequest(Body):
    """The version that an alias points to."""

    version: Annotated[str, Meta(pattern=r"^[0-9]+$")]


class DescriptionPatch(Body):
    """A new description."""

    description: Annotated[str, Meta(max_length=5000)]
