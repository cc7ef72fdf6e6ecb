"""MLflow's entities as our wire models, bounded so that one odd run cannot swell a page."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlkit import models

from . import tags as names
from .heartbeat import is_lost
from .journal.ids import is_local
from .primary import primary_metric

if TYPE_CHECKING:
    from mlflow import entities

_RUN_NOTE = "mlflow.note.content"
_USER = "mlflow.user"
_LOG_MODEL_HISTORY = "mlflow.log-model.history"

#: Of the tags that MLflow hides, those that say where a run comes from.
KEPT_MLFLOW_TAGS = frozenset(
    {
        "mlflow.source.name",
        "mlflow.source.type",
        "mlflow.source.git.commit",
        "mlflow.source.git.branch",
        "mlflow.source.git.dirty",
        "mlflow.parentRunId",
        "mlflow.autologging",
    }
)


@dataclass(frozen=True)
class Bounds:
    """How much of a run is handed out."""

    entries: int
    text: int


#: In a list; the whole of a run is one request away.
LIST_BOUNDS = Bounds(entries=200, text=500)
RUN_BOUNDS = Bounds(entries=10_000, text=8_000)


def experiment(entity: entities.Experiment) -> models.Experiment:
    """Return MLflow's experiment as ours."""
    return models.Experiment(
        experiment_id=str(entity.experiment_id),
        name=entity.name,
        artifact_location=entity.artifact_location or "",
        lifecycle_stage="deleted" if entity.lifecycle_stage == "deleted" else "active",
        creation_time=entity.creation_time,
        last_update_time=entity.last_update_time,
        tags=_visible(entity.tags, LIST_BOUNDS),
    )


def run(entity: entities.Run, bounds: Bounds = RUN_BOUNDS) -> models.Run:
    """Return MLflow's run as ours.

    Parameters
    ----------
    entity : mlflow.entities.Run
        With its data, inputs and outputs.
    bounds : Bounds
        Most metrics, params and tags, and most characters of a value.
    """
    info, data = entity.info, entity.data
    tags = dict(data.tags)
    metrics = _metrics(entity, bounds)
    lead = primary_metric(tags, (metric.key for metric in metrics))
    status = _status(info.status)
    return models.Run(
        run_id=info.run_id,
        run_name=info.run_name or info.run_id[:8],
        experiment_id=str(info.experiment_id),
        status=status,
        lost=status == "RUNNING" and is_lost(tags, time.time()),
        waiting=is_local(info.run_id),
        lifecycle_stage="deleted" if info.lifecycle_stage == "deleted" else "active",
        start_time=info.start_time or None,
        end_time=info.end_time or None,
        owner=tags.get(names.OWNER) or tags.get(_USER) or info.user_id or None,
        artifact_uri=info.artifact_uri or "",
        metrics=metrics,
        params=_bounded(data.params, bounds),
        tags=_visible(tags, bounds),
        note=tags.get(_RUN_NOTE, "")[: bounds.text],
        primary_metric=lead,
        units=tags.get(names.UNITS),
        gain=_gain(metrics, lead),
        evaluation=_evaluation(tags.get(names.EVALUATION)),
        job_id=tags.get(names.JOB_ID),
        datasets=_datasets(entity),
        models=_models(entity, tags.get(_LOG_MODEL_HISTORY)),
    )


def _status(status: Any) -> models.RunStatus:
    known: dict[str, models.RunStatus] = {
        "RUNNING": "RUNNING",
        "SCHEDULED": "SCHEDULED",
        "FINISHED": "FINISHED",
        "FAILED": "FAILED",
        "KILLED": "KILLED",
    }
    return known.get(str(status), "FAILED")


def _metrics(entity: entities.Run, bounds: Bounds) -> list[models.Metric]:
    # The dict on `data.metrics` has values only; the private list has steps and times too.
    found = sorted(entity.data._metric_objs, key=lambda metric: str(metric.key))
    return [
        models.Metric(
            key=metric.key,
            value=models.wire_float(unclamped(metric.value)),
            step=int(metric.step or 0),
            timestamp=int(metric.timestamp or 0),
        )
        for metric in found[: bounds.entries]
    ]


def unclamped(value: float) -> float:
    """Return the infinity for which SQL stores keep the largest float."""
    largest = 1.7976931348623157e308
    if value >= largest:
        return float("inf")
    if value <= -largest:
        return float("-inf")
    return float(value)


def _gain(metrics: list[models.Metric], lead: str | None) -> float | None:
    gains = {
        metric.key: metric.value for metric in metrics if metric.key.startswith(names.GAIN_PREFIX)
    }
    value = gains.get(f"{names.GAIN_PREFIX}{lead}", gains.get(names.GAIN))
    return value if isinstance(value, float) else None


def _evaluation(text: str | None) -> models.Evaluation | None:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=models.Evaluation)
    except msgspec.MsgspecError:
        # Somebody else's tag, or one that MLflow cut at 8000 characters: the score's frame is
        # unknown, and is called so.
        return None


def _datasets(entity: entities.Run) -> list[models.DatasetInput]:
    inputs = entity.inputs.dataset_inputs if entity.inputs is not None else []
    found = []
    for item in inputs:
        context = next((t.value for t in item.tags if t.key == "mlflow.data.context"), None)
        dataset = item.dataset
        found.append(
            models.DatasetInput(
                name=dataset.name,
                digest=dataset.digest,
                source_type=dataset.source_type,
                source=dataset.source,
                schema=dataset.schema,
                profile=dataset.profile,
                context=context,
            )
        )
    return found


def _models(entity: entities.Run, history: str | None) -> list[str]:
    outputs = entity.outputs.model_outputs if entity.outputs is not None else []
    uris = [f"models:/{output.model_id}" for output in sorted(outputs, key=lambda o: o.step or 0)]
    if uris or not history:
        return uris
    # Runs of MLflow 2 have no LoggedModel, only a tag with the paths of their models.
    try:
        logged = json.loads(history)
        return [f"runs:/{entity.info.run_id}/{record['artifact_path']}" for record in logged]
    except (ValueError, TypeError, KeyError):
        return []


def _visible(tags: dict[str, str], bounds: Bounds) -> dict[str, str]:
    shown = {
        key: value
        for key, value in tags.items()
        if not key.startswith("mlflow.") or key in KEPT_MLFLOW_TAGS
    }
    return _bounded(shown, bounds)


def _bounded(entries: dict[str, str], bounds: Bounds) -> dict[str, str]:
    # Ours first: they carry the unit and the frame of the score.
    order = sorted(entries, key=lambda key: (not key.startswith(names.PREFIX), key))
    return {key: _cut(str(entries[key]), bounds.text) for key in order[: bounds.entries]}


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
