"""The model registry of a store: models, their versions, aliases and descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from jupyter_mlkit import models as wire
from jupyter_mlkit.errors import ConflictError, NotFoundError
from jupyter_mlkit.tracking.client import StoreClient
from jupyter_mlkit.tracking.experiments import contains, experiment_ids, name_filter
from jupyter_mlkit.tracking.pages import check_page
from jupyter_mlkit.tracking.tags import OWNER

from . import convert, sources
from .names import check_new_alias, check_new_name, check_version

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel


class Registry:
    """Registered models of one tracking URI.

    All methods block and may be called from several threads; mlflow is imported by the first.
    Each raises an :class:`~jupyter_mlkit.errors.MLKitError`.

    Parameters
    ----------
    uri : str
        Tracking URI; the registry is the same store.
    store : StoreClient, optional
        The store's client where the caller has one.
    """

    def __init__(self, uri: str, store: StoreClient | None = None) -> None:
        self.store = store or StoreClient(uri)

    def models(
        self,
        name_contains: str | None = None,
        max_results: int = 100,
        page_token: str | None = None,
    ) -> wire.RegisteredModelPage:
        """Return one page of registered models by name; prompts are left out."""
        check_page(max_results, page_token)
        with self.store.calling("The list of models", field="page_token") as client:
            while True:
                page = client.search_registered_models(
                    filter_string=name_filter(name_contains),
                    max_results=max_results,
                    page_token=page_token,
                )
                items = [
                    convert.registered_model(entity)
                    for entity in page
                    if contains(entity.name, name_contains) and not convert.is_prompt(entity)
                ]
                page_token = page.token or None
                if items or page_token is None:
                    return wire.RegisteredModelPage(items, page_token)

    def model(self, name: str) -> wire.RegisteredModel:
        """Return one registered model."""
        with self.store.calling(f"Model {name!r}", field="name") as client:
            return convert.registered_model(_model(client, name))

    def describe_model(self, name: str, description: str) -> wire.RegisteredModel:
        """Give a registered model a new description and return it."""
        with self.store.calling(f"Model {name!r}", field="description") as client:
            _model(client, name)
            client.update_registered_model(name, description=description)
            return convert.registered_model(_model(client, name))

    def versions(
        self, name: str, max_results: int = 100, page_token: str | None = None
    ) -> wire.ModelVersionPage:
        """Return one page of a model's versions, the newest first."""
        check_page(max_results, page_token)
        with self.store.calling(f"Model {name!r}", field="page_token") as client:
            entity = _model(client, name)
            while True:
                page = client.search_model_versions(
                    _name_is(name),
                    max_results=max_results,
                    order_by=["version_number DESC"],
                    page_token=page_token or None,
                )
                page_token = page.token or None
                found = [version for version in page if version.name == name]
                if found or page_token is None:
                    return wire.ModelVersionPage(_converted(client, found, entity), page_token)

    def version(self, name: str, version: str) -> wire.ModelVersion:
        """Return one version of a model."""
        check_version(name, version)
        with self.store.calling(f"Version {version} of model {name!r}", field="version") as client:
            return _one(client, name, version)

    def describe_version(self, name: str, version: str, description: str) -> wire.ModelVersion:
        """Give a version a new description and return it."""
        check_version(name, version)
        with self.store.calling(f"Version {version} of model {name!r}") as client:
            _model(client, name)
            client.update_model_version(name, version, description=description)
            return _one(client, name, version)

    def owner(self, name: str) -> str | None:
        """Return whom the server has stamped on a registered model, None where nobody."""
        with self.store.calling(f"Model {name!r}", field="name") as client:
            owner: str | None = _model(client, name).tags.get(OWNER)
            return owner

    def version_owner(self, name: str, version: str) -> str | None:
        """Return whom the server has stamped on a version, None where nobody."""
        check_version(name, version)
        with self.store.calling(f"Version {version} of model {name!r}", field="version") as client:
            _model(client, name)
            owner: str | None = client.get_model_version(name, version).tags.get(OWNER)
            return owner

    def create_version(
        self, name: str, request: wire.VersionRequest, owner: str | None = None
    ) -> wire.ModelVersion:
        """Register a model that a run has logged, and make the registered model where missing.

        Parameters
        ----------
        name : str
            Name of the registered model.
        request : VersionRequest
            The run, which of its models (the last where null) and a description.
        owner : str, optional
            Whom the version belongs to, and the registered model if it is made.

        Raises
        ------
        NotFoundError
            Where there is no such run.
        InvalidInputError
            ``no_model`` where the run has logged none, ``unknown_model`` where it has not
            logged this one; field ``name`` for a name that MLflow does not take.
        ConflictError
            Where `name` is a prompt.
        """
        check_new_name(name)
        source = sources.choose(self.store, request)
        with self.store.calling(f"Model {name!r}", field="name") as client:
            tags = None if owner is None else {OWNER: owner}
            made = _ensure_model(client, name, tags)
            try:
                version = client.create_model_version(
                    name,
                    source.uri,
                    run_id=request.run_id,
                    tags=tags,
                    description=request.description or None,
                    model_id=source.model_id,
                    await_creation_for=0,
                )
            except BaseException:
                if made:  # an empty model would stay behind
                    client.delete_registered_model(name)
                raise
            if source.model_id is not None:
                sources.link(self.store, client, source.model_id, name, str(version.version))
            return _one(client, name, str(version.version))

    def set_alias(self, name: str, alias: str, version: str) -> wire.RegisteredModel:
        """Let `alias` point to `version`, wherever it pointed before, and return the model.

        Raises
        ------
        InvalidInputError
            Field ``alias`` where MLflow does not take it: reserved, too long, odd characters.
        """
        check_new_alias(alias)
        check_version(name, version)
        with self.store.calling(f"Version {version} of model {name!r}", field="alias") as client:
            _model(client, name)
            client.set_registered_model_alias(name, alias, version)
            return convert.registered_model(_model(client, name))

    def delete_alias(self, name: str, alias: str) -> wire.RegisteredModel:
        """Remove `alias` and return the model."""
        with self.store.calling(f"Alias {alias!r} of model {name!r}", field="alias") as client:
            if alias not in _model(client, name).aliases:
                raise NotFoundError(f"Model {name!r} has no alias {alias[:255]!r}.", field="alias")
            client.delete_registered_model_alias(name, alias)
            return convert.registered_model(_model(client, name))


def _model(client: MlflowClient, name: str) -> RegisteredModel:
    entity = client.get_registered_model(name)
    if convert.is_prompt(entity):
        raise NotFoundError(f"{name!r} is a prompt, not a model.", field="name")
    return entity


def _is_model(client: MlflowClient, name: str) -> bool:
    """Return whether a name that is taken is a model's; a prompt is not found under it."""
    from mlflow.exceptions import MlflowException

    try:
        _model(client, name)
    except NotFoundError:
        return False
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return True


def _ensure_model(client: MlflowClient, name: str, tags: dict[str, str] | None) -> bool:
    """Make the registered model where it is missing and return whether that was done."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, tags=tags)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        if not _is_model(client, name):
            raise ConflictError(
                f"{name!r} is the name of a prompt.", hint="Choose another name for the model."
            ) from error
        return False
    return True


def _one(client: MlflowClient, name: str, version: str) -> wire.ModelVersion:
    entity = _model(client, name)
    return _converted(client, [client.get_model_version(name, version)], entity)[0]


def _converted(
    client: MlflowClient, versions: list[ModelVersion], model: RegisteredModel
) -> list[wire.ModelVersion]:
    aliases = {alias: str(version) for alias, version in model.aliases.items()}
    names = _run_names(client, (version.run_id for version in versions if version.run_id))
    return [
        convert.model_version(version, aliases, names.get(version.run_id)) for version in versions
    ]


def _run_names(client: MlflowClient, run_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of runs, fifty in one question; runs that are gone have none."""
    from mlflow.entities import ViewType

    wanted = sorted({run_id for run_id in run_ids if re.fullmatch(r"[\w-]+", run_id)})
    if not wanted:
        return {}
    experiments = experiment_ids(client, deleted=True)
    found: dict[str, str] = {}
    for start in range(0, len(wanted), 50):
        listed = ", ".join(f"'{run_id}'" for run_id in wanted[start : start + 50])
        page = client.search_runs(
            experiments, f"attributes.run_id IN ({listed})", ViewType.ALL, max_results=50
        )
        found |= {run.info.run_id: run.info.run_name for run in page}
    return found


def _name_is(name: str) -> str:
    """Return a filter for versions of `name`; MLflow's texts have no escapes, only two quotes."""
    for quote in "'", '"':
        if quote not in name and "\\" not in name:
            return f"name = {quote}{name}{quote}"
    return f"name LIKE '{re.sub(r'[^A-Za-z0-9 .-]', '_', name)}'"
