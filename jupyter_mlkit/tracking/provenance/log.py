"""Provenance logged by plain MLflow calls, for runs that the kit starts and ends itself.

With the journal the store wrapper logs it for every run; then there is nothing left to do here.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .record import Files, at_end, at_start

if TYPE_CHECKING:
    from mlflow import MlflowClient

_log = logging.getLogger(__name__)


def log_start(run_id: str) -> None:
    """Log what is there at once when a run was started; never raises."""
    _log_all(run_id, at_start(run_id), {}, {})


def log_end(run_id: str) -> None:
    """Log what is known when a run is about to end: files, what it used, tags; never raises."""
    _log_all(run_id, *at_end(run_id))


def _log_all(run_id: str, files: Files, metrics: dict[str, float], tags: dict[str, str]) -> None:
    if not (files or metrics or tags):
        return
    from mlflow import MlflowClient
    from mlflow.entities import Metric, RunTag
    from mlflow.utils.time import get_current_time_millis

    client, now = MlflowClient(), get_current_time_millis()
    try:
        if metrics or tags:
            client.log_batch(
                run_id,
                metrics=[Metric(key, value, now, 0) for key, value in metrics.items()],
                tags=[RunTag(key, value) for key, value in tags.items()],
            )
        if files:
            _log_files(client, run_id, files)
    except Exception:  # noqa: BLE001 - stores for artifacts raise what they like
        _log.warning("The provenance of run %s could not be logged.", run_id, exc_info=True)


def _log_files(client: MlflowClient, run_id: str, files: Files) -> None:
    with tempfile.TemporaryDirectory(prefix="mlkit-provenance-") as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        client.log_artifacts(run_id, folder)
