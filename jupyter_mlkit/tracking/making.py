"""``python -m jupyter_mlkit.tracking.making FOLDER RUN``: log a model that was handed over.

Run by the drainer with the interpreter that the model is of, when the store has the run. The URI
of the store comes by the standard input: it may hold a password.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from jupyter_mlkit.errors import BackendError, MLKitError

from .client import StoreClient
from .disk import try_lock
from .journal.unmade import made, taken
from .tags import GIT_BRANCH, GIT_COMMIT, KERNEL_ID, MODEL_KEY, NOTEBOOK, OWNER

#: How this process ends where nobody is to blame, where the store refuses for good, and where
#: another process is about to log the model.
AGAIN, REFUSED, BUSY = 75, 76, 77
_SOURCE = {
    *("mlflow.user", "mlflow.source.name", "mlflow.source.type"),
    *(GIT_BRANCH, GIT_COMMIT, KERNEL_ID, NOTEBOOK, OWNER),
}


def log_model(model: Any, name: str, run: str, key: str, example: Any = None) -> None:
    """Log a model with the flavour of MLflow that it is of, unless that was done.

    Parameters
    ----------
    model : object
    name, run : str
    key : str
        Tells it from any other.
    example : array or table, optional
    """
    from mlflow import MlflowClient
    from mlflow.models import Model, infer_signature

    client = MlflowClient()
    found = client.get_run(run)
    experiment = found.info.experiment_id
    if _is_logged(client, experiment, key):
        return
    # MLflow makes models in the experiment that is set, whatever that of the run is.
    os.environ.pop("MLFLOW_EXPERIMENT_NAME", None)
    os.environ["MLFLOW_EXPERIMENT_ID"] = experiment
    flavor, given = flavor_of(model)
    if example is not None:
        given["signature"] = infer_signature(example, _predicted(model, example))
    # It comes from where the run does, not from this process.
    source = {name: text for name, text in found.data.tags.items() if name in _SOURCE}
    try:
        Model.log(None, flavor, name=name, run_id=run, tags={**source, MODEL_KEY: key}, **given)
    except Exception:
        with suppress(Exception):  # what is said is why it failed; the next attempt deletes it
            _is_logged(client, experiment, key)
        raise


def _is_logged(client: Any, experiment: str, key: str) -> bool:
    """Whether a model is there; what an attempt has left that was not whole is deleted."""
    from mlflow.entities import LoggedModelStatus

    is_there = False
    # Not by what the run tells of: an attempt may have ended before the run was told.
    for one in client.search_logged_models([experiment], f"tags.`{MODEL_KEY}` = '{key}'"):
        if one.status == LoggedModelStatus.READY:
            is_there = True
        else:
            client.delete_logged_model(one.model_id)
    return is_there


def flavor_of(model: Any) -> tuple[Any, dict[str, Any]]:
    """Return the module of MLflow that logs a model, and what it is to be given."""
    kinds = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    if "keras" in kinds:  # a Keras model on torch is of both
        return import_module("mlflow.keras"), {"model": model}
    if "torch" in kinds:
        return import_module("mlflow.pytorch"), {"pytorch_model": model}
    return import_module("mlflow.sklearn"), {
        "sk_model": model,
        # Of a pickle it is made already: that format takes every estimator.
        "serialization_format": "cloudpickle",
    }


def _predicted(model: Any, example: Any) -> Any:
    return model.predict(example) if hasattr(model, "predict") else None


def main() -> int:
    """Log the model of the folder that the command line names, and forget it."""
    folder, run, uri = Path(sys.argv[1]), sys.argv[2], sys.stdin.read()
    os.environ["MLFLOW_TRACKING_URI"] = uri
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not try_lock(file):
        return BUSY
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    model, example, note = taken(folder)
    try:
        log_model(model, note.name, run, folder.name, example)
    except MlflowException as error:
        ours = StoreClient(uri).translate(error, f"Model {note.name!r}")
        return _told(ours, AGAIN if isinstance(ours, BackendError) else REFUSED)
    except (RequestException, OSError) as error:
        return _told(StoreClient(uri).failure(str(error) or repr(error)), AGAIN)
    made(folder)
    return 0


def _told(error: MLKitError, code: int) -> int:
    sys.stderr.write(f"{error.message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
