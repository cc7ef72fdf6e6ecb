"""What processes that the drainer is, or starts, have of the environment of who starts them."""

from __future__ import annotations

import os

from jupyter_mlkit.paths import ENV_JOB_DIR, ENV_JOB_ID, ENV_JOB_NONCE, ENV_JOURNAL

#: What they send would go to a journal again, and they would be taken for processes of the job.
_NOT_HANDED_ON = (ENV_JOURNAL, ENV_JOB_DIR, ENV_JOB_ID, ENV_JOB_NONCE, "MLFLOW_RUN_ID")
#: All is tried again: with MLflow's own patience one stalled server holds up all others 20 min.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}


def handed_on() -> dict[str, str]:
    """Return the environment of this process without what is its own business."""
    return {name: os.environ[name] for name in os.environ if name not in _NOT_HANDED_ON}
