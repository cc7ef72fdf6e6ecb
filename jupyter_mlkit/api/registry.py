"""Registered models, their versions and aliases."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ..models import (
    AliasRequest,
    DescriptionPatch,
    ModelVersion,
    ModelVersionPage,
    RegisteredModel,
    RegisteredModelPage,
    VersionRequest,
)
from .base import MLKitHandler
from .endpoint import Paging, endpoint
from .owned import MODEL, NOTHING, VERSION


class ModelsQuery(Paging):
    """Which models."""

    name_contains: Annotated[str, Meta(max_length=500)] | None = None


class ModelsHandler(MLKitHandler):
    """Registered models."""

    path = "registry/models"

    @endpoint(
        "read",
        "registry",
        "List registered models",
        query=ModelsQuery,
        answer=RegisteredModelPage,
        polled=True,
    )
    async def get(self, query: ModelsQuery) -> RegisteredModelPage:
        """Return a page of models."""
        return await self.with_registry(
            lambda registry: registry.models(
                query.name_contains, query.max_results, query.page_token
            )
        )


class ModelHandler(MLKitHandler):
    """One registered model."""

    path = "registry/models/{name}"

    @endpoint("read", "registry", "Get a registered model", answer=RegisteredModel, polled=True)
    async def get(self, name: str) -> RegisteredModel:
        """Return the model."""
        return await self.with_registry(lambda registry: registry.model(name))

    @endpoint(
        "write",
        "registry",
        "Describe a registered model",
        on=MODEL,
        body=DescriptionPatch,
        answer=RegisteredModel,
    )
    async def patch(self, name: str, body: DescriptionPatch) -> RegisteredModel:
        """Set the description."""
        return await self.with_registry(
            lambda registry: registry.describe_model(name, body.description)
        )


class VersionsHandler(MLKitHandler):
    """Versions of one model."""

    path = "registry/models/{name}/versions"

    @endpoint(
        "read",
        "registry",
        "List versions of a model",
        query=Paging,
        answer=ModelVersionPage,
        polled=True,
    )
    async def get(self, name: str, query: Paging) -> ModelVersionPage:
        """Return a page of versions."""
        return await self.with_registry(
            lambda registry: registry.versions(name, query.max_results, query.page_token)
        )

    @endpoint(
        "write",
        "registry",
        "Register the model of a run",
        on=NOTHING,
        body=VersionRequest,
        answer=ModelVersion,
        status=201,
    )
    async def post(self, name: str, body: VersionRequest) -> ModelVersion:
        """Make a version; the model too where it is missing."""
        version = await self.with_registry(
            lambda registry: registry.create_version(name, body, self.person)
        )
        self.made(f"version/{name}/{version.version}")
        return version


class VersionHandler(MLKitHandler):
    """One version."""

    path = "registry/models/{name}/versions/{version}"

    @endpoint(
        "write",
        "registry",
        "Describe a version",
        on=VERSION,
        body=DescriptionPatch,
        answer=ModelVersion,
    )
    async def patch(self, name: str, version: str, body: DescriptionPatch) -> ModelVersion:
        """Set the description."""
        return await self.with_registry(
            lambda registry: registry.describe_version(name, version, body.description)
        )


class AliasHandler(MLKitHandler):
    """One alias."""

    path = "registry/models/{name}/aliases/{alias}"

    @endpoint("write", "aliases", "Let an alias point to a version", on=MODEL, body=AliasRequest)
    async def put(self, name: str, alias: str, body: AliasRequest) -> None:
        """Set the alias."""
        await self.with_registry(lambda registry: registry.set_alias(name, alias, body.version))

    @endpoint("write", "aliases", "Delete an alias", on=MODEL)
    async def delete(self, name: str, alias: str) -> None:
        """Delete the alias."""
        await self.with_registry(lambda registry: registry.delete_alias(name, alias))


HANDLERS = [ModelsHandler, ModelHandler, VersionsHandler, VersionHandler, AliasHandler]
