"""What MLflow calls to make a store, or a place for files, by its entry points.

Imported with every ``import mlflow``.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from jupyter_mlkit.paths import ENV_ARTIFACT_ROOT, ENV_JOURNAL

from ..store import absolute, is_local, local_path, prepare_store

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository
    from mlflow.store.model_registry.abstract_store import AbstractStore as RegistryStore
    from mlflow.store.tracking.abstract_store import AbstractStore


#: MLflow's own mark of the processes of a tracking server.
_SERVER = "_MLFLOW_SERVER_FILE_STORE"
_left_out = False
#: What MLflow has for files that lie elsewhere: entry points take the place of these.
_REPOSITORIES = {
    "abfss": ("azure_data_lake_artifact_repo", "AzureDataLakeArtifactRepository"),
    "gs": ("gcs_artifact_repo", "GCSArtifactRepository"),
    "http": ("http_artifact_repo", "HttpArtifactRepository"),
    "https": ("http_artifact_repo", "HttpArtifactRepository"),
    "mlflow-artifacts": ("mlflow_artifacts_repo", "MlflowArtifactsRepository"),
    "s3": ("s3_artifact_repo", "S3ArtifactRepository"),
    "wasbs": ("azure_blob_artifact_repo", "AzureBlobArtifactRepository"),
}


def leave_out() -> None:
    """Leave the journal out in this process: a server, which hands its environment to others."""
    global _left_out
    _left_out = True


def is_on() -> bool:
    """Whether what MLflow logs in this process goes to the journal first."""
    wanted = os.environ.get(ENV_JOURNAL) in ("1", "machine")
    return wanted and not _left_out and _SERVER not in os.environ


def model_registry_store(
    store_uri: str | None = None, tracking_uri: str | None = None, **_: object
) -> RegistryStore:
    """Return MLflow's model registry: on a server it is told what has arrived there.

    Parameters
    ----------
    store_uri, tracking_uri : str
        As MLflow gives them.
    """
    from mlflow.tracking._model_registry import utils
    from mlflow.tracking._tracking_service.utils import _get_store

    assert store_uri is not None
    if is_local(store_uri):
        if is_on():
            _ready(store_uri)
        return utils._get_sqlalchemy_store(store_uri)
    if not is_on():
        return utils._get_rest_store(store_uri)
    from .registry import JournaledRegistry

    return JournaledRegistry(
        store_uri, lambda: utils._get_rest_store(store_uri), lambda: _get_store(tracking_uri)
    )


def artifact_repository(
    artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
) -> ArtifactRepository:
    """Return MLflow's place for files at a URI, with the journal before it for own runs.

    Parameters
    ----------
    artifact_uri, tracking_uri, registry_uri : str
        As MLflow gives them.
    """
    module, name = _REPOSITORIES[artifact_uri.partition(":")[0].lower()]
    kind = getattr(import_module(f"mlflow.store.artifact.{module}"), name)
    real = kind(artifact_uri, tracking_uri=tracking_uri, registry_uri=registry_uri)
    if not is_on():
        return real
    from .artifacts import first_kept

    return first_kept(artifact_uri, real)


def tracking_store(
    store_uri: str | None = None, artifact_uri: str | None = None, **_: object
) -> AbstractStore:
    """Return MLflow's store for a URI, with the journal before it where that is wanted.

    Parameters
    ----------
    store_uri, artifact_uri : str
        As MLflow gives them.
    """
    from mlflow.tracking._tracking_service import utils

    assert store_uri is not None

    def real() -> AbstractStore:
        # Entry points take the place of what MLflow registers for a scheme: these are those.
        if store_uri.startswith(("http://", "https://")):
            return utils._get_rest_store(store_uri)
        if is_on():
            _ready(store_uri, artifact_uri)
        return utils._get_sqlalchemy_store(store_uri, artifact_uri)

    if not is_on():
        return real()
    from .store import JournaledStore

    return JournaledStore(absolute(store_uri), real)


def _ready(uri: str, artifact_uri: str | None = None) -> None:
    """Make a file as the server makes it; refuse one that MLflow itself would change."""
    path = local_path(uri)
    if path is None:
        return
    from ..schema import check_file, is_there

    if is_there(path):
        check_file(path)
    else:  # a kernel may be there before anybody opens the panel
        prepare_store(uri, artifact_uri or os.environ.get(ENV_ARTIFACT_ROOT))
