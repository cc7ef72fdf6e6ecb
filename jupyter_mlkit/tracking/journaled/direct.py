"""What is done where no journal can be written: MLflow's own calls, with a word about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..journal.entries import Created, Entry, Metric, Params, Tags, Updated
from .errors import unavailable


class DirectRecorder:
    """Takes the entries of a run as a recorder does, and tells them the store at once.

    Parameters
    ----------
    store : callable
        Returns MLflow's store.
    run : str
    """

    def __init__(self, store: Callable[[], Any], run: str) -> None:
        self._store = store
        self._run = run

    def metric(self, key: str, value: float, timestamp: int, step: int) -> None:
        """Log a value of a metric."""
        self.record(Metric(key, value, timestamp, step))

    def record(self, *entries: Entry) -> None:
        """Log other entries, one after the other."""
        for entry in entries:
            self._tell(entry)

    def close(self) -> None:
        """Nothing is left to be done."""

    def _tell(self, entry: Entry) -> None:
        from mlflow.entities import Metric as Logged
        from mlflow.entities import Param, RunStatus, RunTag

        run = self._run
        if isinstance(entry, Metric):
            logged = Logged(
                entry.key,
                entry.value,
                entry.timestamp,
                entry.step,
                entry.model,
                entry.dataset,
                entry.digest,
            )
            self._store().log_batch(run, [logged], [], [])
        elif isinstance(entry, Params):
            params = [Param(key, value) for key, value in entry.values.items()]
            self._store().log_batch(run, [], params, [])
        elif isinstance(entry, Tags):
            for key, value in entry.values.items():
                if value is None:
                    self._store().delete_tag(run, key)
                else:
                    self._store().set_tag(run, RunTag(key, value))
        elif isinstance(entry, Updated):
            status = None if entry.status is None else RunStatus.from_string(entry.status)
            self._store().update_run_info(run, status, entry.end_time, entry.name)
        elif not isinstance(entry, Created) or entry.run is None:
            raise unavailable("There is neither a store nor a journal that takes this.")
