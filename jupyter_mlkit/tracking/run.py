"""Runs logged without MLflow in the kernel: the journal has all, the drainer tells MLflow.

``import mlflow`` and opening a store take seconds that a short script does not have, and what
MLflow does with a model takes more. A run that is begun here costs a folder and a file.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from operator import index
from types import TracebackType
from typing import Any, Self

from jupyter_mlkit.errors import BackendError, InvalidInputError
from jupyter_mlkit.paths import default_tracking_uri, journal_dir

from .drainer.process import start
from .journal.begun import note_begun
from .journal.entries import Created, Metric, Tags, Updated, encoded
from .journal.home import Home
from .journal.ids import new_id
from .journal.opening import open_recorder
from .journal.unmade import hand_over
from .journaled.plugin import is_on
from .provenance.record import at_end, at_start
from .provenance.source import source_tags, user
from .store import absolute
from .tags import END_REASON, PARENT
from .texts import Texts

_DEFAULT_EXPERIMENT = "0"
#: The run that MLflow's calls go to where none was begun by them.
_MLFLOW_RUN = "MLFLOW_RUN_ID"
#: Seconds that the end of a process waits for its drainer to be started.
_START_WITHIN = 5.0
_ENDS = ("FINISHED", "FAILED", "KILLED")
#: As MLflow has it.
_NOT_IN_NAMES = "/:.%\"'"
_active: list[Run] = []
#: The run that the next one of this thread, or task, is a child of.
_open: ContextVar[Run | None] = ContextVar("open run", default=None)
_starting: threading.Thread | None = None
_log = logging.getLogger("jupyter_mlkit.tracking")


class Run:
    """A run of this process; see :func:`start_run`.

    Attributes
    ----------
    id : str
        Every call of MLflow's that is told of the journal takes it, from the first moment.
    name : str
    """

    def __init__(
        self,
        name: str | None,
        experiment: str | None,
        params: Mapping[str, object],
        tags: Mapping[str, object],
    ) -> None:
        uri, home = _uri(), Home(journal_dir())
        self.id = new_id()
        self.name = str(name or time.strftime("%Y-%m-%d %H:%M:%S"))
        self._uri, self._pid = uri, os.getpid()
        self._journal = home.journal(uri, self.id)
        self._recorder = open_recorder(uri, self.id, home=home)
        self._steps: defaultdict[str, int] = defaultdict(int)
        # A handler of a signal logs in the thread that it has stopped.
        self._lock = threading.RLock()
        self._is_over = False
        self._texts = Texts(self.name, self._journal.files)
        self._outer = _not_over(_open.get())
        outer = self._outer if self._outer is not None and self._outer._uri == uri else None
        parent = {} if outer is None else {PARENT: outer.id}
        try:
            created = Created(
                _experiment(home, uri, experiment),
                self.name,
                user(),
                _now(),
                self._journal.loose.as_uri(),
                {**source_tags(), **parent, "mlflow.runName": self.name},
            )
            told = self._texts.tags(tags), self._texts.params(params)
            self._recorder.record(created, *told[0].entries, *told[1].entries)
            if self._recorder.missed:
                raise OSError("its first entry cannot be written")
        except BaseException:
            # Nothing is left of a run that was not begun.
            shutil.rmtree(self._journal.folder, ignore_errors=True)
            raise
        note_begun(self._journal, created)
        for one in told:
            self._texts.keep(one)
        at_start(self.id, parent=parent.get(PARENT), into=self._journal.files)
        _have_drained(home)
        self._ids = home.ids(uri)
        self._before = os.environ.get(_MLFLOW_RUN)
        self._run_before = next((one for one in _active if one.id == self._before), None)
        _active.append(self)
        _open.set(self)
        self._is_told = is_on()
        if self._is_told:
            self._tell_mlflow()

    def log(
        self, values: Mapping[str, float] | None = None, *, step: int | None = None, **more: float
    ) -> None:
        """Log values of metrics.

        Parameters
        ----------
        values : mapping, optional
            By name, where a name is no Python name.
        step : int, optional
            Where not given, the values of each metric are counted: 0, 1, 2 and so on.
        **more : float
            By name.

        Raises
        ------
        InvalidInputError
            ``not_a_metric``: one of them is no number. None of them is logged.
        """
        now = time.time_ns() // 1_000_000
        given = more if values is None else {**values, **more}
        if step is not None and type(step) is not int:
            step = _whole(step)
        steps = self._steps
        with self._lock:
            if len(given) == 1:  # as loops log: worth the shortest way
                ((key, value),) = given.items()
                number = value if type(value) is float else _number(key, value)
                # Without a call in between: a handler of a signal would count the same step.
                before = steps[key]
                at = before if step is None else step
                steps[key] = at + 1
                try:
                    self._recorder.metric(key, number, now, at)
                except InvalidInputError:
                    steps[key] = before
                    raise
                return
            numbers = {key: _number(key, one) for key, one in given.items()}
            entries, counted = [], {}
            for key, number in numbers.items():
                before = counted[key] = steps[key]
                at = before if step is None else step
                steps[key] = at + 1
                entries.append(Metric(key, number, now, at))
            try:
                self._recorder.record(*entries)
            except InvalidInputError:
                steps.update(counted)
                raise

    def log_params(self, values: Mapping[str, object]) -> None:
        """Log what was chosen; a value is logged as its text.

        MLflow is given the first thousand of a run, the others are in a file of it.

        Raises
        ------
        InvalidInputError
            ``param_changed``: one of them has another value already. None of them is logged.
        """
        with self._lock:
            told = self._texts.params(values)
            self._recorder.record(*told.entries)
            self._texts.keep(told)

    def set_tags(self, values: Mapping[str, object]) -> None:
        """Set tags."""
        told = self._texts.tags(values)
        self._recorder.record(*told.entries)
        self._texts.keep(told)

    def log_model(self, model: Any, name: str = "model", *, example: Any = None) -> None:
        """Log a model of scikit-learn, PyTorch or Keras, as it is now.

        It is on the disk when this returns. What MLflow needs of it is found out afterwards, in
        another process.

        Parameters
        ----------
        model : object
        name : str
        example : array or table, optional
            Some rows of what it predicts from: tells the signature of the model.

        Raises
        ------
        InvalidInputError
            ``not_a_name``: MLflow does not take the name.
        TypeError, pickle.PicklingError
            It cannot be pickled.
        OSError
            It cannot be kept.
        """
        if not isinstance(name, str) or not name or any(sign in name for sign in _NOT_IN_NAMES):
            raise InvalidInputError(
                f"{name!r} is no name of a model.",
                hint=f"Give a text without any of {_NOT_IN_NAMES}",
                code="not_a_name",
                field="name",
            )
        encoded(Tags({"name": name}))  # refuses half of a character
        hand_over(self._journal, name, model, example)

    def end(self, status: str = "FINISHED", reason: str | None = None) -> None:
        """End the run; once is enough.

        Parameters
        ----------
        status : {"FINISHED", "FAILED", "KILLED"}
        reason : str, optional
        """
        if status not in _ENDS:
            raise InvalidInputError(
                f"A run does not end as {status!r}.",
                hint=f"It ends as one of {', '.join(_ENDS)}.",
                code="not_a_status",
                field="status",
            )
        if self._is_over or os.getpid() != self._pid:  # a fork is not the one that ends it
            return
        self._is_over = True
        _active.remove(self)
        if _open.get() is self:
            _open.set(_not_over(self._outer))
        try:
            self._end_for_mlflow(status)
            files, metrics, tags = at_end(self.id)
            self._texts.keep_files(files)
            now = _now()
            found = [Metric(key, value, now, 0) for key, value in metrics.items()]
            told = tags | ({END_REASON: reason} if reason else {})
            self._recorder.record(*found, *([Tags({**told})] if told else []))
        finally:
            self._recorder.record(Updated(status, _now()))
            self._recorder.close()

    def _tell_mlflow(self) -> None:
        """Let what this process logs by MLflow's own calls be of this run."""
        mlflow = sys.modules.get("mlflow")
        if mlflow is None:
            os.environ[_MLFLOW_RUN] = self.id
        else:
            try:
                mlflow.start_run(run_id=self.id, nested=mlflow.active_run() is not None)
            except Exception as error:  # noqa: BLE001 - as of another experiment that was set
                _log.warning("What MLflow's own calls log is not of run %s: %s", self.name, error)

    def _end_for_mlflow(self, status: str) -> None:
        then = os.environ.get(_MLFLOW_RUN)
        if then in (self.id, None):  # MLflow takes it away where it goes on with the run
            then, run = self._before, self._run_before
            while run is not None and run._is_over:  # the outer one may have ended first
                then, run = run._before, run._run_before
        mlflow: Any = sys.modules.get("mlflow")
        if self._is_active_in(mlflow):
            try:
                mlflow.end_run(status)
            except Exception as error:  # noqa: BLE001 - the end that counts is in the journal
                _log.warning("MLflow cannot end run %s: %s", self.name, error)
        if not self._is_told:
            return
        os.environ.pop(_MLFLOW_RUN, None)
        # Put back at last: an end in MLflow takes it away, too.
        outer = next((one for one in _active if one.id == then), None)
        if then is not None and not (outer is not None and outer._is_active_in(mlflow)):
            os.environ[_MLFLOW_RUN] = then

    def _is_active_in(self, mlflow: Any) -> bool:
        active = None if mlflow is None else mlflow.active_run()
        return active is not None and active.info.run_id in (self.id, self._ids.in_store(self.id))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_by(error)

    def _end_by(self, error: BaseException | None) -> None:
        """End the run as what has ended its block, or the process, says."""
        try:
            if isinstance(error, KeyboardInterrupt):
                self.end("KILLED", "stopped")
            else:
                is_well = error is None or (isinstance(error, SystemExit) and not error.code)
                self.end("FINISHED" if is_well else "FAILED")
        except Exception as failed:  # noqa: BLE001 - the error of the block is the one to be seen
            _log.warning("Not all of the end of run %s could be logged: %s", self.name, failed)


def start_run(
    name: str | None = None,
    *,
    experiment: str | None = None,
    params: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | None = None,
) -> Run:
    """Begin a run; inside of another one it is its child.

    Parameters
    ----------
    name : str, optional
        The time where not given.
    experiment : str, optional
        The name; that of ``mlflow.set_experiment`` where not given.
    params, tags : mapping, optional

    Returns
    -------
    Run
        In a ``with`` it ends as the block does: FINISHED, FAILED on an error, KILLED on an
        interrupt. Else by :meth:`Run.end`, or as the process does.

    Raises
    ------
    BackendError
        ``store_unwritable``: there can be no journal.

    Examples
    --------
    >>> with mlkit.start_run("forest", params={"trees": 100}) as run:
    ...     model.fit(X, y)
    ...     run.log(rmse=rmse)
    ...     run.log_model(model)
    """
    try:
        return Run(name, experiment, params or {}, tags or {})
    except OSError as error:
        raise BackendError(
            f"No run can be begun in {journal_dir()}: {error.strerror or error}.",
            hint="Free some space there, or make it writable.",
            code="store_unwritable",
        ) from error


@atexit.register
def _end_all() -> None:
    # What has ended a script; at a prompt it is only what went wrong last.
    error = None if hasattr(sys, "ps1") else getattr(sys, "last_value", None)
    for run in [*reversed(_active)]:
        run._end_by(error)
    if _starting is not None and _starting.is_alive():
        # A script that is over at once has its drainer too.
        _starting.join(_START_WITHIN)


def _forked() -> None:
    # A fork may log to what is open, and is not the one that ends it.
    for run in _active:
        run._lock = threading.RLock()
    _active.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _uri() -> str:
    # What somebody has told MLflow in this process goes before the environment.
    mlflow: Any = sys.modules.get("mlflow")
    said = mlflow is not None and mlflow.is_tracking_uri_set()
    return absolute(str(mlflow.get_tracking_uri()) if said else default_tracking_uri())


def _experiment(home: Home, uri: str, name: str | None) -> str:
    name = name or os.environ.get("MLFLOW_EXPERIMENT_NAME")
    if name is None:
        return os.environ.get("MLFLOW_EXPERIMENT_ID", _DEFAULT_EXPERIMENT)
    return home.ids(uri).experiment(name)


def _have_drained(home: Home) -> None:
    """Have a drainer started, beside what is done and not before it."""
    global _starting

    def drain() -> None:
        with suppress(OSError):
            start(home)

    _starting = threading.Thread(target=drain, daemon=True)
    with suppress(RuntimeError):  # no more threads: whoever looks next starts one
        _starting.start()


def _now() -> int:
    return time.time_ns() // 1_000_000


def _not_over(run: Run | None) -> Run | None:
    """Return a run, or the one that it is in: the innermost that has not ended."""
    while run is not None and run._is_over:
        run = run._outer
    return run


def _whole(step: Any) -> int:
    try:
        return index(step)
    except TypeError as error:
        raise InvalidInputError(
            f"Step {str(step)[:80]!r} is no whole number.",
            hint="Give a step that counts.",
            code="not_a_metric",
        ) from error


def _number(key: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"{key} is {type(value).__name__} {str(value)[:80]!r}, not a number.",
            hint="Log a number; a text is a param or a tag.",
            code="not_a_metric",
        ) from error
