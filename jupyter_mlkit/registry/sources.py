"""Which of a run's models is registered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlkit.errors import InvalidInputError
from jupyter_mlkit.models import VersionRequest
from jupyter_mlkit.tracking import convert
from jupyter_mlkit.tracking.client import StoreClient
from jupyter_mlkit.tracking.runs import check_run_id
from jupyter_mlkit.tracking.store import is_local, is_sql, local_path

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: Tag of a LoggedModel: the versions that were registered from it.
_VERSIONS = "mlflow.modelVersions"


@dataclass(frozen=True)
class ModelSource:
    """A model that a run has logged.

    Parameters
    ----------
    uri : str
        ``models:/m-...`` for a LoggedModel of MLflow 3, else a place of artifacts.
    model_id : str or None
        Id of the LoggedModel.
    """

    uri: str
    model_id: str | None


def choose(store: StoreClient, request: VersionRequest) -> ModelSource:
    """Return the model of the run that `request` asks for, or the one that it logged last.

    Raises
    ------
    InvalidInputError
        ``no_model`` or ``unknown_model``.
    """
    check_run_id(request.run_id)
    with store.calling(f"Run {request.run_id}", field="run_id") as client:
        run = client.get_run(request.run_id)
        uris = convert.run(run).models
        if not uris:
            raise InvalidInputError(
                f"The run {run.info.run_name!r} has logged no model.",
                code="no_model",
                field="run_id",
                hint="Log one in the run, for example with mlflow.sklearn.log_model(model, "
                "name='model').",
            )
        if request.model is not None and request.model not in uris:
            raise InvalidInputError(
                f"The run {run.info.run_name!r} has not logged {request.model[:200]!r}.",
                code="unknown_model",
                field="model",
                hint=f"It has logged {', '.join(uris[:10])}.",
            )
        uri = request.model or _newest(client, uris)
        if uri.startswith("runs:/"):
            # As `mlflow.register_model` does it: the registry keeps where the files are.
            path = uri.removeprefix(f"runs:/{request.run_id}/")
            return ModelSource(f"{run.info.artifact_uri.rstrip('/')}/{path}", None)
        model_id = uri.removeprefix("models:/")
        if is_sql(store.uri) and not _is_process_store(store.uri):
            # MLflow's SQL registry looks a LoggedModel up in the store of the *process*, not in
            # its own (its code says so), and would even make one in the current folder.
            return ModelSource(client.get_logged_model(model_id).artifact_location, model_id)
        return ModelSource(uri, model_id)


def link(store: StoreClient, client: MlflowClient, model_id: str, name: str, version: str) -> None:
    """Note the version on the LoggedModel, as ``mlflow.register_model`` does.

    A tracking server does it by itself.
    """
    if not is_sql(store.uri):
        return
    known = client.get_logged_model(model_id).tags.get(_VERSIONS)
    entries = [*(json.loads(known) if known else []), {"name": name, "version": int(version)}]
    client.set_logged_model_tags(model_id, {_VERSIONS: json.dumps(entries)})


def _is_process_store(uri: str) -> bool:
    import mlflow

    ours, theirs = local_path(uri), mlflow.get_tracking_uri()
    return theirs == uri or (ours is not None and ours == _path_or_none(theirs))


def _path_or_none(uri: str) -> Path | None:
    return local_path(uri) if is_local(uri) and not uri.endswith("://") else None


def _newest(client: MlflowClient, uris: list[str]) -> str:
    """Return the model that was made last: the outputs of a run have no order of their own."""
    if len(uris) == 1 or not all(uri.startswith("models:/") for uri in uris):
        return uris[-1]
    made = {
        uri: client.get_logged_model(uri.removeprefix("models:/")).creation_timestamp
        for uri in uris
    }
    return max(uris, key=lambda uri: (made[uri], uri))
