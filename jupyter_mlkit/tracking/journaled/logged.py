"""Metrics, params and tags, which go to the journal."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from mlflow.entities import RunTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.store.entities.paged_list import PagedList
from mlflow.utils.async_logging.run_operations import RunOperations
from mlflow.utils.validation import (
    _validate_batch_log_data,
    _validate_batch_log_limits,
    _validate_metric,
    _validate_param_keys_unique,
    _validate_run_id,
)

from ..drainer.source import waiting
from ..journal.entries import Entry, Metric, Params, Tags
from .kept import Kept
from .overflow import Room, parts, whole
from .own import Own

_log = logging.getLogger("jupyter_mlkit.tracking")


class Logged(Own):
    """The part of a store that takes what is logged."""

    def log_metric(self, run_id: str, metric: Any) -> None:
        """Log a point of a metric."""
        key, value, timestamp, step = metric.key, metric.value, metric.timestamp, metric.step
        if metric.model_id or metric.dataset_name or key not in self._known:
            self.log_batch(run_id, [metric], [], [])
            self._known.add(key)
            return
        if type(value) is not float or type(step) is not int or type(timestamp) is not int:
            _validate_metric(key, value, timestamp, step)
            value = float(value)
        recorder, kept = self._opened(run_id)
        recorder.metric(key, value, timestamp, step)
        kept.point(key, value, timestamp, step)

    def log_batch(
        self, run_id: str, metrics: Sequence[Any], params: Sequence[Any], tags: Sequence[Any]
    ) -> None:
        """Log metrics, params and tags; none of them where one cannot be."""
        _validate_run_id(run_id)
        params, tags, files = whole(params, tags)
        metrics, params, tags = _validate_batch_log_data(metrics, params, tags)
        _validate_batch_log_limits(metrics, params, tags)
        _validate_param_keys_unique(params)
        recorder, kept = self._opened(run_id)
        new = {one.key: str(one.value) for one in params}
        with kept.lock:
            changed = [key for key in new if kept.params.get(key, new[key]) != new[key]]
            if changed:
                raise MlflowException(
                    f"Changing param values is not allowed. Params were already logged for run "
                    f"ID={run_id!r} with other values: {changed}.",
                    INVALID_PARAMETER_VALUE,
                )
            self._stage(kept, files)
            told, named, more = self._room(kept).given(kept.params, new)
            self._room(kept).keep(more)
            entries: list[Entry] = [
                Metric(
                    one.key, float(one.value), int(one.timestamp), int(one.step),
                    one.model_id, one.dataset_name, one.dataset_digest,
                )
                for one in metrics
            ]  # fmt: skip
            tags = [*tags, *(RunTag(key, value) for key, value in named.items())]
            entries += [Params(part) for part in parts(told)]
            texts: dict[str, str | None] = {one.key: str(one.value) for one in tags}
            entries += [Tags(part) for part in parts(texts)]
            if entries:
                recorder.record(*entries)
            kept.params |= new
            kept.tags |= {one.key: str(one.value) for one in tags}
        for one in metrics:
            kept.point(one.key, float(one.value), int(one.timestamp), int(one.step))

    def _room(self, kept: Kept) -> Room:
        if kept.room is None:
            kept.room = Room(self._home.find(self.uri, kept.run_id).files)
        return kept.room

    def log_batch_async(
        self, run_id: str, metrics: Sequence[Any], params: Sequence[Any], tags: Sequence[Any]
    ) -> RunOperations:
        """Log at once, which takes no time."""
        self.log_batch(run_id, metrics, params, tags)
        return RunOperations([])

    def flush_async_logging(self) -> None:
        """Nothing of what was logged is on its way in this process."""

    def shut_down_async_logging(self) -> None:
        """Nothing of what was logged is on its way in this process."""

    def end_async_logging(self) -> None:
        """Nothing of what was logged is on its way in this process."""

    def log_metric_async(self, run_id: str, metric: Any) -> RunOperations:
        """Log at once."""
        self.log_metric(run_id, metric)
        return RunOperations([])

    def log_param_async(self, run_id: str, param: Any) -> RunOperations:
        """Log at once."""
        return self.log_batch_async(run_id, [], [param], [])

    def set_tag_async(self, run_id: str, tag: Any) -> RunOperations:
        """Log at once."""
        return self.log_batch_async(run_id, [], [], [tag])

    def log_param(self, run_id: str, param: Any) -> None:
        """Log a param."""
        self.log_batch(run_id, [], [param], [])

    def set_tag(self, run_id: str, tag: Any) -> None:
        """Set a tag."""
        self.log_batch(run_id, [], [], [tag])

    def delete_tag(self, run_id: str, key: str) -> None:
        """Delete a tag, after all that was logged before."""
        recorder, kept = self._opened(run_id)
        recorder.record(Tags({key: None}))
        kept.tags[key] = None

    def get_metric_history(
        self,
        run_id: str,
        metric_key: str,
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> Any:
        """Return the points of a metric; what waits in the journal comes with the last page."""
        from mlflow.entities import Metric as LoggedMetric

        own: list[Any] = []
        kept = self._kept.get(run_id)
        if kept is not None:
            # Before the store is asked: what the drainer brings meanwhile is in one or in both.
            folder = self._home.find(self.uri, kept.run_id).folder
            own = [
                LoggedMetric(metric_key, one.entry.value, one.entry.timestamp, one.entry.step)
                for one in waiting(folder)
                if isinstance(one.entry, Metric) and one.entry.key == metric_key
            ]
        found = self.real.get_metric_history(
            self.in_store(run_id), metric_key, max_results=max_results, page_token=page_token
        )
        if not own or found.token:
            return found
        there = {(one.step, one.timestamp, str(one.value)) for one in found}
        new = [one for one in own if (one.step, one.timestamp, str(one.value)) not in there]
        return PagedList([*found, *new], None)
