"""Which of a run's models is registered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlkit.errors import InvalidInputError
from jupyter_mlkit.models import VersionRequest
from jupyter_mlkit.tracking import convert
from jupyter_mlkit.tracking.client import StoreClient
from jupyter_mlkit.tracking.runs import check_run_id

if TYPE_CHECKING:
    from mlflow import MlflowClient


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
        return ModelSource(uri, uri.removeprefix("models:/"))


def _newest(client: MlflowClient, uris: list[str]) -> str:
    """Return the model that was made last: the outputs of a run have no order of their own."""
    if len(uris) == 1 or not all(uri.startswith("models:/") for uri in uris):
        return uris[-1]
    made = {
        uri: client.get_logged_model(uri.removeprefix("models:/")).creation_timestamp
        for uri in uris
    }
    return max(uris, key=lambda uri: (made[uri], uri))
