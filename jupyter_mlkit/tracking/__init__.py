"""MLflow as our store: runs, experiments, datasets, artifacts. Light to import."""

from __future__ import annotations
