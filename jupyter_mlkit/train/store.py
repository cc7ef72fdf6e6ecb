"""Which MLflow store and experiment a run goes to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .. import paths
from ..errors import ConflictError

#: Seconds that a training waits at its end; what is not in the store then comes later.
_SETTLE_WITHIN = 10.0


def use_store() -> str:
    """Make sure that MLflow writes where the Lab reads, and return the tracking URI.

    A URI from the environment or from ``mlflow.set_tracking_uri`` is the one that is used. Where
    there is none, MLflow would start a store in the current directory: ours is used instead.
    MLflow would also put artifacts there, whatever database is named: they go to the root that
    belongs to the store.
    """
    import mlflow

    from ..tracking.store import artifact_root_for, environment, prepare_store

    given = mlflow.is_tracking_uri_set()
    uri = str(mlflow.get_tracking_uri()) if given else paths.default_tracking_uri()
    root = artifact_root_for(uri)
    prepare_store(uri, root)
    os.environ.update(environment(uri, root))
    return str(mlflow.get_tracking_uri())


def settle() -> None:
    """Wait a little until the store has what was logged: who is told of the end looks there."""
    import sys

    if "mlflow" not in sys.modules:
        return
    from mlflow.tracking._tracking_service.utils import _get_store

    from ..tracking.journaled.plugin import is_on

    settle_store = getattr(_get_store(), "settle", None) if is_on() else None
    if settle_store is not None:  # a store of another vendor has no journal
        settle_store(_SETTLE_WITHIN)


def require_store() -> None:
    """Check that the store of the environment is there.

    The server makes a store before it starts a job, and MLflow makes a new, empty one in silence
    where the file is gone since: the run would be logged where nobody looks.

    Raises
    ------
    BackendError
        ``store_gone`` and other codes of the store.
    """
    from ..tracking.schema import require_file
    from ..tracking.store import local_path

    path = local_path(paths.default_tracking_uri())
    if path is not None:
        require_file(path)


def experiment_id(name: str) -> str:
    """Return the id of the experiment `name`, which is made where it is missing.

    Raises
    ------
    ConflictError
        ``experiment_deleted``: there is one of that name in the trash.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient()
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            # Another job has made it since we looked.
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise ConflictError(
            f"The experiment '{name}' has been deleted.",
            hint="Restore it, or choose another name.",
            code="experiment_deleted",
            field="tracking.experiment",
        )
    return str(found.experiment_id)


@contextmanager
def tracking_errors() -> Iterator[None]:
    """Turn what MLflow and its store raise inside into our errors with code and hint."""
    import sqlite3

    import mlflow
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    from ..tracking.client import StoreClient

    try:
        yield
    except MlflowException as error:
        store = StoreClient(mlflow.get_tracking_uri())
        raise store.translate(error, "The run or model") from error
    except (SQLAlchemyError, sqlite3.Error, RequestException) as error:
        raise StoreClient(mlflow.get_tracking_uri()).failure(str(error)) from error
