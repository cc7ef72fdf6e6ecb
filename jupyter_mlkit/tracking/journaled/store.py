"""A tracking store that writes what is logged to the journal, and leaves all else to MLflow's."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Sequence
from typing import Any

from mlflow.entities import RunStatus
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.utils.async_logging.run_operations import RunOperations
from mlflow.utils.validation import (
    _validate_batch_log_data,
    _validate_batch_log_limits,
    _validate_metric,
    _validate_param_keys_unique,
    _validate_run_id,
)

from jupyter_mlkit.paths import journal_dir

from ..drainer.process import start
from ..drainer.source import waiting
from ..journal.entries import Entry, Metric, Params, Tags, Updated
from ..journal.home import Home
from ..journal.opening import open_recorder
from ..journal.recorder import Recorder
from .kept import Kept

#: Seconds that the end of a process waits for its drainer to be started.
_START_WITHIN = 5.0
_OVER = frozenset({"FINISHED", "FAILED", "KILLED"})


def _passed_on(name: str) -> Callable[..., Any]:
    def call(self: JournaledStore, *given: Any, **named: Any) -> Any:
        return getattr(self.real, name)(*given, **named)

    call.__name__ = name
    return call


#: All that MLflow's stores can, passed on to the real one.
_PassedOn: Any = type(
    "_PassedOn",
    (AbstractStore,),
    {
        name: _passed_on(name)
        for name, value in vars(AbstractStore).items()
        if callable(value) and not name.startswith("__")
    },
)


class JournaledStore(_PassedOn):  # type: ignore[misc]
    """MLflow's store for a URI, with the journal before it.

    Parameters
    ----------
    uri : str
    real : AbstractStore
    """

    def __init__(self, uri: str, real: AbstractStore) -> None:
        super().__init__()
        self.uri = uri
        self.real = real
        self._home = Home(journal_dir())
        self._recorders: dict[str, Recorder] = {}
        self._kept: dict[str, Kept] = {}
        self._known: set[str] = set()
        self._lock = threading.Lock()
        self._starting: threading.Thread | None = None
        atexit.register(self._close)

    def __getattr__(self, name: str) -> Any:
        """Return what only some kinds of stores have."""
        if name == "real":
            raise AttributeError(name)
        return getattr(self.real, name)

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
        self._recorder(run_id).metric(key, value, timestamp, step)
        self._kept[run_id].point(key, value, timestamp, step)

    def log_batch(
        self, run_id: str, metrics: Sequence[Any], params: Sequence[Any], tags: Sequence[Any]
    ) -> None:
        """Log metrics, params and tags; none of them where one cannot be."""
        _validate_run_id(run_id)
        metrics, params, tags = _validate_batch_log_data(metrics, params, tags)
        _validate_batch_log_limits(metrics, params, tags)
        _validate_param_keys_unique(params)
        recorder, kept = self._recorder(run_id), self._kept[run_id]
        new = {one.key: str(one.value) for one in params}
        with kept.lock:
            changed = [key for key in new if kept.params.get(key, new[key]) != new[key]]
            if changed:
                raise MlflowException(
                    f"Changing param values is not allowed. Params were already logged for run "
                    f"ID={run_id!r} with other values: {changed}.",
                    INVALID_PARAMETER_VALUE,
                )
            entries: list[Entry] = [
                Metric(
                    one.key, float(one.value), int(one.timestamp), int(one.step),
                    one.model_id, one.dataset_name, one.dataset_digest,
                )
                for one in metrics
            ]  # fmt: skip
            if new:
                entries.append(Params(new))
            if tags:
                entries.append(Tags({one.key: str(one.value) for one in tags}))
            if entries:
                recorder.record(*entries)
            kept.params |= new
            kept.tags |= {one.key: str(one.value) for one in tags}
        for one in metrics:
            kept.point(one.key, float(one.value), int(one.timestamp), int(one.step))

    def log_batch_async(
        self, run_id: str, metrics: Sequence[Any], params: Sequence[Any], tags: Sequence[Any]
    ) -> RunOperations:
        """Log at once, which takes no time."""
        self.log_batch(run_id, metrics, params, tags)
        return RunOperations([])

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
        self._recorder(run_id).record(Tags({key: None}))
        self._kept[run_id].tags[key] = None

    def update_run_info(
        self, run_id: str, run_status: Any, end_time: int | None, run_name: str | None
    ) -> Any:
        """Change state, end or name of a run, after all that was logged before."""
        status = None if run_status is None else RunStatus.to_string(run_status)
        self._recorder(run_id).record(Updated(status, end_time, run_name or None))
        kept = self._kept[run_id]
        kept.status = status or kept.status
        kept.end_time = end_time or kept.end_time
        if run_name:
            kept.name = run_name
            kept.tags["mlflow.runName"] = run_name
        if status in _OVER:
            self._end(run_id)
        return self.get_run(run_id).info

    def get_run(self, run_id: str) -> Any:
        """Return a run as it will be."""
        return self._over(self.real.get_run(run_id))

    def search_runs(self, *given: Any, **named: Any) -> Any:
        """Return runs that the store finds, each as it will be."""
        found = self.real.search_runs(*given, **named)
        return PagedList([self._over(run) for run in found], found.token)

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
        if run_id in self._kept:
            # Before the store is asked: what the drainer brings meanwhile is in one or in both.
            folder = self._home.journal(self.uri, run_id).folder
            own = [
                LoggedMetric(metric_key, one.entry.value, one.entry.timestamp, one.entry.step)
                for one in waiting(folder)
                if isinstance(one.entry, Metric) and one.entry.key == metric_key
            ]
        found = self.real.get_metric_history(
            run_id, metric_key, max_results=max_results, page_token=page_token
        )
        if not own or found.token:
            return found
        there = {(one.step, one.timestamp, str(one.value)) for one in found}
        new = [one for one in own if (one.step, one.timestamp, str(one.value)) not in there]
        return PagedList([*found, *new], None)

    def _over(self, run: Any) -> Any:
        kept = self._kept.get(run.info.run_id)
        return run if kept is None else kept.over(run)

    def _recorder(self, run_id: str) -> Recorder:
        found = self._recorders.get(run_id)
        if found is not None:
            return found
        with self._lock:
            if run_id not in self._recorders:
                self._kept.setdefault(run_id, Kept())
                self._recorders[run_id] = open_recorder(self.uri, run_id, home=self._home)
                # Started beside what is logged, not before it.
                self._starting = threading.Thread(target=start, args=[self._home], daemon=True)
                self._starting.start()
            return self._recorders[run_id]

    def _end(self, run_id: str) -> None:
        with self._lock:
            recorder = self._recorders.pop(run_id, None)
        if recorder is not None:
            recorder.close()

    def _close(self) -> None:
        for run_id in list(self._recorders):
            self._end(run_id)
        if self._starting is not None and self._starting.is_alive():
            # A script that is over at once has its drainer too.
            self._starting.join(_START_WITHIN)
