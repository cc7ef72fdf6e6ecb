"""Where our state lives on disk: one place that decides, so that nothing is kept in the cwd."""

from __future__ import annotations

import os
from pathlib import Path

#: Names of the environment by which the server hands its choices to kernels and jobs.
ENV_JOB_DIR = "JUPYTER_MLKIT_JOB_DIR"
ENV_JOB_ID = "JUPYTER_MLKIT_JOB_ID"
#: Tells the processes of one attempt of a job from all others.
ENV_JOB_NONCE = "JUPYTER_MLKIT_JOB_NONCE"
#: Is "1" for a process that brings journals to their stores, and for no other.
ENV_DRAINER = "JUPYTER_MLKIT_DRAINER"
#: Where it is "1", what MLflow logs goes to a journal first; where it is "machine", too, and that
#: is on the disk within moments. Whatever else it is: MLflow alone.
ENV_JOURNAL = "JUPYTER_MLKIT_JOURNAL"
#: Names a file with the tracking URI, where that holds a password.
ENV_STORE_FILE = "JUPYTER_MLKIT_STORE_FILE"
#: MLflow reads this when it opens a local SQL store, in any process and without our package,
#: so a plain ``mlflow.set_experiment`` puts its artifacts beside the store and not into the cwd.
ENV_ARTIFACT_ROOT = "_MLFLOW_SERVER_ARTIFACT_ROOT"


def data_dir() -> Path:
    """Return the folder of the default store (``<jupyter data dir>/jupyter_mlkit``).

    Nothing is created here.
    """
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "jupyter_mlkit"


def default_store() -> Path:
    """Return the file of our own store, which is used where nobody names another."""
    return data_dir() / "mlflow.db"


def journal_dir() -> Path:
    """Return the folder of what was logged and may not be in its store yet."""
    return data_dir() / "journal"


def runtime_dir() -> Path:
    """Return the folder of jobs and sockets (``<jupyter runtime dir>/jupyter_mlkit``)."""
    from jupyter_core.paths import jupyter_runtime_dir

    return Path(jupyter_runtime_dir()) / "jupyter_mlkit"


def default_tracking_uri() -> str:
    """Return ``MLFLOW_TRACKING_URI`` where it is set, else our SQLite file's URI.

    A job is told a URI with a password by a file that only its owner can read.
    """
    given = os.environ.get("MLFLOW_TRACKING_URI")
    if not given and (file := os.environ.get(ENV_STORE_FILE)):
        given = Path(file).read_text(encoding="utf-8")
    return given or f"sqlite:///{default_store()}"


def default_artifact_root() -> Path:
    """Return the artifact root of the default store; see ``tracking.store.artifact_root_for``."""
    return data_dir() / "artifacts"


def private_dir(path: Path) -> Path:
    """Create `path` with mode 0700 where it is missing and return it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
