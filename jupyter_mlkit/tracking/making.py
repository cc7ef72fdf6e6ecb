"""``python -m jupyter_mlkit.tracking.making FOLDER RUN``: log a model that was handed over.

Run by the drainer with the interpreter that the model is of, when the store has the run.
"""

from __future__ import annotations

import os
import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from .disk import try_lock
from .journal.unmade import noted, taken
from .tags import GIT_BRANCH, GIT_COMMIT, KERNEL_ID, MODEL_KEY, NOTEBOOK, OWNER

_SOURCE = {
    *("mlflow.user", "mlflow.source.name", "mlflow.source.type"),
    *(GIT_BRANCH, GIT_COMMIT, KERNEL_ID, NOTEBOOK, OWNER),
}
#: How this process ends where it may be tried again, and it is nobody's mistake.
AGAIN = 75


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
    if _is_logged(client, found, key):
        return
    flavor, given = flavor_of(model)
    if example is not None:
        given["signature"] = infer_signature(example, _predicted(model, example))
    # It comes from where the run does, not from this process.
    source = {name: text for name, text in found.data.tags.items() if name in _SOURCE}
    Model.log(None, flavor, name=name, run_id=run, tags={**source, MODEL_KEY: key}, **given)


def _is_logged(client: Any, run: Any, key: str) -> bool:
    from mlflow.entities import LoggedModelStatus

    made = run.outputs.model_outputs if run.outputs else ()
    models = [client.get_logged_model(one.model_id) for one in made]
    return any(
        one.tags.get(MODEL_KEY) == key and one.status == LoggedModelStatus.READY for one in models
    )


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
    folder, run = Path(sys.argv[1]), sys.argv[2]
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not try_lock(file):
        return AGAIN
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    model, example = taken(folder)
    try:
        log_model(model, noted(folder).name, run, folder.name, example)
    except (MlflowException, RequestException) as error:
        sys.stderr.write(f"{error}\n")
        return AGAIN
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
