"""What MLflow calls to make a store, by its entry points; imported with every ``import mlflow``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jupyter_mlkit.paths import ENV_JOURNAL

if TYPE_CHECKING:
    from mlflow.store.tracking.abstract_store import AbstractStore


#: MLflow's own mark of the processes of a tracking server.
_SERVER = "_MLFLOW_SERVER_FILE_STORE"
_in_this_process = True


def leave_out() -> None:
    """Leave the journal out in this process: a server, which hands its environment to others."""
    global _in_this_process
    _in_this_process = False


def is_on() -> bool:
    """Whether what MLflow logs in this process goes to the journal first."""
    return _in_this_process and os.environ.get(ENV_JOURNAL) == "1" and _SERVER not in os.environ


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
        return utils._get_sqlalchemy_store(store_uri, artifact_uri)

    if not is_on():
        return real()
    from .store import JournaledStore

    return JournaledStore(store_uri, real)
