"""A tracking store that writes what is logged to the journal, and leaves all else to MLflow's."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from mlflow.entities import RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.store.entities.paged_list import PagedList
from mlflow.utils.async_logging.run_operations import RunOperations
from mlflow.utils.name_utils import _generate_random_name
from mlflow.utils.validation import (
    _validate_batch_log_data,
    _validate_batch_log_limits,
    _validate_metric,
    _validate_param_keys_unique,
    _validate_run_id,
)

from jupyter_mlkit.paths import journal_dir

from ..drainer.creation import experiment_in_store
from ..drainer.process import start
from ..drainer.service import backlog
from ..drainer.source import waiting
from ..drainer.status import read_troubles
from ..journal.entries import Created, Entry, Metric, Params, Tags, Updated
from ..journal.home import Home
from ..journal.ids import is_local, new_id
from ..journal.opening import open_recorder
from ..journal.recorder import Recorder
from ..tags import RUN_KEY
from .entities import inputs_entry, outputs_entry
from .experiments import Experiments, unavailable
from .kept import Kept
from .models import Models
from .offline import run_in, run_made
from .reach import Reach, UnreachableError

#: Seconds between two looks whether a drainer has brought something.
_LOOK_EVERY = 0.02
#: Seconds that the end of a process waits for its drainer to be started.
_START_WITHIN = 5.0
_RUN_NAME = "mlflow.runName"


class JournaledStore(Experiments):
    """MLflow's store for a URI, with the journal before it.

    Parameters
    ----------
    uri : str
    make : callable
        Returns the real store, when it is first needed.
    """

    def __init__(self, uri: str, make: Callable[[], Any]) -> None:
        super().__init__()
        self.uri = uri
        self._reach = Reach(uri, make)
        self._home = Home(journal_dir())
        self._ids = self._home.ids(uri)
        #: By every id that a caller has used.
        self._kept: dict[str, Kept] = {}
        self._models = Models()
        self._known: set[str] = set()
        #: The run that was asked for last, which may be resumed.
        self._seen: Any = None
        self._lock = threading.Lock()
        self._starting: threading.Thread | None = None
        atexit.register(self._close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def settle(self, seconds: float) -> bool:
        """Wait until the store has all that this process has logged, or until it cannot have it.

        Parameters
        ----------
        seconds : float

        Returns
        -------
        bool
            Whether it has.
        """
        end = time.monotonic() + seconds
        while any(self._waits(kept) for kept in [*self._kept.values()]):
            if time.monotonic() > end or read_troubles(self._home):
                return False
            time.sleep(_LOOK_EVERY)
        return True

    def __getattr__(self, name: str) -> Any:
        """Return what only some kinds of stores have."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.real, name)

    @property
    def real(self) -> Any:
        """MLflow's store itself."""
        return self._reach.store

    def in_store(self, given: Any) -> Any:
        """Return what a caller's id is in the store; anything else as it is."""
        if not isinstance(given, str) or not is_local(given):
            return given
        known = self._ids.in_store(given)
        if known is None:
            raise unavailable(f"{given} is not in the tracking store yet.")
        return known

    # ----------------------------------------------------------------------------------- runs

    def create_run(
        self, experiment_id: str, user_id: str, start_time: int, tags: Any, run_name: str | None
    ) -> Any:
        """Make a run: in the store, or in the journal while that cannot be asked."""
        key, tags = new_id(), list(tags or [])
        try:
            run = self._reach.ask(
                lambda real: real.create_run(
                    experiment_in_store(real, self._ids, experiment_id),
                    user_id,
                    start_time,
                    # Where the reply is lost the run is found by this, and not made again.
                    [*tags, RunTag(RUN_KEY, key)],
                    run_name,
                )
            )
        except UnreachableError:
            run = None
        created = self._created(key, run, experiment_id, user_id, start_time, tags, run_name)
        made = run_made(created, key) if run is None else run
        run_id = made.info.run_id
        self._kept[run_id] = Kept(run_id, made)
        # The run has a journal from its first moment: that tells whether its process is alive.
        self._opened(run_id)[0].record(created)
        return made

    def _created(
        self, key: str, run: Any, experiment: str, user: str, begun: int, tags: Any, name: Any
    ) -> Created:
        given = {one.key: str(one.value) for one in tags}
        if run is not None:
            info = run.info
            return Created(
                info.experiment_id,
                info.run_name,
                user,
                begun,
                info.artifact_uri,
                given,
                info.run_id,
            )
        name = name or given.get(_RUN_NAME) or _generate_random_name()
        files = self._home.find(self.uri, key).files
        return Created(experiment, name, user, begun, files.as_uri(), {**given, _RUN_NAME: name})

    def get_run(self, run_id: str) -> Any:
        """Return a run as it will be."""
        if is_local(run_id) and self._ids.in_store(run_id) is None:
            return self._waiting_run(run_id)
        kept = self._kept.get(run_id)
        waits = kept is not None and self._waits(kept)
        try:
            found = self._reach.ask(lambda real: real.get_run(self.in_store(run_id)))
        except UnreachableError as error:
            if kept is None or kept.run is None:
                raise unavailable(str(error)) from error
            return kept.over(kept.run)
        if kept is None:
            self._seen = found
            return found
        # What others have changed since all of it arrived is newer.
        return kept.over(found) if waits else Kept(kept.run_id, kept.run).over(found)

    def _waiting_run(self, run_id: str) -> Any:
        kept = self._kept.get(run_id)
        if kept is not None and kept.run is not None:
            return kept.over(kept.run)
        found = run_in(self._home.find(self.uri, run_id))
        if found is None:
            raise unavailable(f"Run {run_id} is not in the tracking store yet.")
        return found

    def update_run_info(
        self, run_id: str, run_status: Any, end_time: int | None, run_name: str | None
    ) -> Any:
        """Change state, end or name of a run, after all that was logged before."""
        status = None if run_status is None else RunStatus.to_string(run_status)
        updated = Updated(status, end_time, run_name or None)
        recorder, kept = self._opened(run_id)
        recorder.record(updated)
        kept.note(updated)
        if updated.is_over:
            self._end(kept)
        return (kept.over(kept.run) if kept.run is not None else self.get_run(run_id)).info

    def search_runs(self, *given: Any, **named: Any) -> Any:
        """Return runs that the store finds, each as it will be."""
        waiting_runs = {run_id for run_id, kept in [*self._kept.items()] if self._waits(kept)}
        found = self.real.search_runs(*given, **named)
        runs = [
            self._kept[run.info.run_id].over(run) if run.info.run_id in waiting_runs else run
            for run in found
        ]
        return PagedList(runs, found.token)

    # ----------------------------------------------------------------- data, models, registry

    def log_inputs(self, run_id: str, datasets: Any = None, models: Any = None) -> None:
        """Log what a run was trained on."""
        self._there_or_noted(
            run_id,
            lambda real: real.log_inputs(self.in_store(run_id), datasets, models),
            inputs_entry(datasets or [], models or []),
        )

    def log_outputs(self, run_id: str, models: Any) -> None:
        """Log models that a run has made."""
        if any(one.model_id in self._models for one in models):
            self._opened(run_id)[0].record(outputs_entry(models))
            return
        self._there_or_noted(
            run_id,
            lambda real: real.log_outputs(self.in_store(run_id), models),
            outputs_entry(models),
        )

    def _there_or_noted(self, run_id: str, call: Callable[[Any], Any], entry: Entry) -> None:
        """Tell the store, or where it cannot be asked, or does not know the run, the journal."""
        kept = self._kept.get(run_id)
        try:
            # What is known by an id of here was begun there, and its order counts.
            if kept is not None and is_local(kept.run_id):
                raise UnreachableError
            self._reach.ask(call)
        except UnreachableError:
            self._opened(run_id)[0].record(entry)

    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: Any = None,
        params: Any = None,
        model_type: str | None = None,
    ) -> Any:
        """Make a model: in the store, or in the journal of its run."""
        kept = self._kept.get(source_run_id or "")
        if kept is None or not is_local(kept.run_id):
            try:
                return self._reach.ask(
                    lambda real: real.create_logged_model(
                        experiment_in_store(real, self._ids, experiment_id),
                        name, self.in_store(source_run_id), tags, params, model_type,
                    )
                )  # fmt: skip
            except UnreachableError as error:
                if source_run_id is None:
                    raise unavailable(f"{error} A model needs a run to wait in.") from error
        assert source_run_id is not None
        recorder, kept = self._opened(source_run_id)
        files = self._home.find(self.uri, kept.run_id).model_files
        return self._models.create(
            experiment_id, source_run_id, files, recorder.record,
            name=name, kind=model_type, tags=tags, params=params,
        )  # fmt: skip

    def get_logged_model(self, model_id: str, allow_deleted: bool = False) -> Any:
        """Return a model, also one that waits."""
        if model_id in self._models:
            return self._models.get(model_id)
        return self.real.get_logged_model(self.in_store(model_id), allow_deleted)

    def finalize_logged_model(self, model_id: str, status: Any) -> Any:
        """Set the final state of a model."""
        if model_id in self._models:
            return self._models.finalize(model_id, status)
        return self.real.finalize_logged_model(self.in_store(model_id), status)

    def set_logged_model_tags(self, model_id: str, tags: Any) -> None:
        """Set tags of a model."""
        if model_id in self._models:
            self._models.set_tags(model_id, {one.key: str(one.value) for one in tags})
        else:
            self.real.set_logged_model_tags(self.in_store(model_id), tags)

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Delete a tag of a model."""
        if model_id in self._models:
            self._models.set_tags(model_id, {key: None})
        else:
            self.real.delete_logged_model_tag(self.in_store(model_id), key)

    def log_logged_model_params(self, model_id: str, params: Any) -> None:
        """Log params of a model."""
        if model_id in self._models:
            self._models.log_params(model_id, {one.key: str(one.value) for one in params})
        else:
            self.real.log_logged_model_params(self.in_store(model_id), params)

    # ------------------------------------------------------------------------ what is logged

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

    def _waits(self, kept: Kept) -> bool:
        """Whether the store lacks something of a run; asked before the store is."""
        return backlog(self._home.find(self.uri, kept.run_id)) > 0

    def _opened(self, run_id: str) -> tuple[Recorder, Kept]:
        kept = self._kept.get(run_id)
        if kept is not None and kept.recorder is not None:
            return kept.recorder, kept
        with self._lock:
            kept = self._kept.get(run_id) or self._resumed(run_id)
            if kept.recorder is None:
                kept.recorder = open_recorder(self.uri, kept.run_id, home=self._home)
                # Started beside what is logged, not before it.
                self._starting = threading.Thread(target=start, args=[self._home], daemon=True)
                self._starting.start()
            self._kept[kept.run_id] = self._kept[run_id] = kept
            return kept.recorder, kept

    def _resumed(self, run_id: str) -> Kept:
        """Return the own part of a run that another process has begun."""
        there = self._ids.in_store(run_id) or run_id
        if there in self._kept:
            return self._kept[there]
        seen = self._seen
        if seen is None or seen.info.run_id != there:
            return Kept(there)
        return Kept(there, seen, params=dict(seen.data.params))

    def _end(self, kept: Kept) -> None:
        with self._lock:
            recorder, kept.recorder = kept.recorder, None
        if recorder is not None:
            recorder.close()

    def _forked(self) -> None:
        # A thread that held a lock at the fork is not here to release it.
        self._lock, self._starting = threading.Lock(), None
        self._reach.forked()
        for kept in self._kept.values():
            kept.lock = threading.Lock()

    def _close(self) -> None:
        for kept in [*self._kept.values()]:
            self._end(kept)
        if self._starting is not None and self._starting.is_alive():
            # A script that is over at once has its drainer too.
            self._starting.join(_START_WITHIN)
