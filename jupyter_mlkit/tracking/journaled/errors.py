"""What is said where only the store can help."""

from __future__ import annotations

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE


def unavailable(why: str) -> MlflowException:
    """Return the error for what only the store can do."""
    return MlflowException(
        f"{why} Logging goes on without it; for this the store must be there.",
        TEMPORARILY_UNAVAILABLE,
    )
