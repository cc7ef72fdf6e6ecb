"""What a drainer imports and looks up first, done once for all that are forked."""

from __future__ import annotations

import mlflow.store.tracking.sqlalchemy_workspace_store
import mlflow.tracking._tracking_service.utils

import jupyter_mlkit.tracking.drainer.process
from jupyter_mlkit.tracking.schema import head_revision

__all__ = ["jupyter_mlkit", "mlflow"]

head_revision()
