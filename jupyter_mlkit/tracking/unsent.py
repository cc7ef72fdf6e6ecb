"""Runs that were begun while their store was away, shown beside those of the store."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from jupyter_mlkit import models

from . import convert
from .drainer.cursors import Cursor
from .journal.entries import Created, Metric, decoded
from .journal.frames import Frame
from .journal.home import Home, Journal
from .journal.ids import is_local
from .journal.segments import segments
from .journaled.kept import Kept
from .journaled.offline import run_made
from .thinning import thin


class Unsent:
    """The runs of one store that are in the journal alone.

    Each look reads what was written since the one before. Safe to be used by several threads.

    Parameters
    ----------
    home : Home
    uri : str
        Of the store.
    """

    def __init__(self, home: Home, uri: str) -> None:
        self._home = home
        self._uri = uri
        self._ids = home.ids(uri)
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()

    def in_store(self, name: str) -> str:
        """Return the id in the store for one that was given without it; others as they are."""
        return (self._ids.in_store(name) or name) if is_local(name) else name

    def experiments(self) -> list[models.Experiment]:
        """Return the experiments that wait to be made with a run."""
        from mlflow.entities import Experiment

        waiting = {run.experiment_id for run in self.runs()}
        return [
            convert.experiment(Experiment(one, name, "", "active"))
            for one in sorted(waiting)
            if (name := self._ids.name_of(one)) is not None and self._ids.in_store(one) is None
        ]

    def runs(self, experiment_ids: Sequence[str] = ()) -> list[models.Run]:
        """Return the runs, the newest first.

        Parameters
        ----------
        experiment_ids : sequence of str
            In the store, or given without it; all where empty.
        """
        found = []
        with self._lock:
            waiting = [one for one in self._home.journals_of(self._uri) if self._waits(one)]
            names = {one.run for one in waiting}
            self._seen = {run: seen for run, seen in self._seen.items() if run in names}
            for journal in waiting:
                entity = self._look(journal).entity
                if entity is not None:
                    found.append(convert.run(entity, convert.LIST_BOUNDS))
        for run in found:
            run.experiment_id = self.in_store(run.experiment_id)
        wanted = {self.in_store(one) for one in experiment_ids}
        found = [run for run in found if not wanted or run.experiment_id in wanted]
        return sorted(found, key=lambda run: run.start_time or 0, reverse=True)

    def run(self, run_id: str) -> models.Run | None:
        """Return a run; None where it is not here."""
        entity = self._entity(run_id)
        return None if entity is None else convert.run(entity)

    def curves(
        self, run_id: str, keys: Sequence[str], max_points: int
    ) -> list[models.MetricHistory]:
        """Return curves of a run."""
        points: dict[str, list[Metric]] = {}
        for one in self._entries(self._home.find(self._uri, run_id)):
            if isinstance(one, Metric) and (not keys or one.key in keys):
                points.setdefault(one.key, []).append(one)
        return [
            _curve(run_id, key, points[key], max_points)
            for key in keys or sorted(points)
            if key in points
        ]

    def _entity(self, run_id: str) -> Any:
        if not is_local(run_id):
            return None
        journal = self._home.find(self._uri, run_id)
        with self._lock:
            return self._look(journal).entity if self._waits(journal) else None

    def _waits(self, journal: Journal) -> bool:
        return is_local(journal.run) and self._ids.in_store(journal.run) is None

    def _look(self, journal: Journal) -> _Seen:
        seen = self._seen.setdefault(journal.run, _Seen(journal))
        seen.read_on()
        return seen

    @staticmethod
    def _entries(journal: Journal) -> list[Any]:
        frames = (one for found in segments(journal.folder) for one in found.read())
        return [decoded(one) for one in frames if isinstance(one, Frame)]


class _Seen:
    """What was read of a journal so far."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._kept = Kept(journal.run)
        self._cursors: dict[str, Cursor] = {}

    @property
    def entity(self) -> Any:
        """The run as MLflow's entity; None where nothing tells how it began."""
        return None if self._kept.run is None else self._kept.over(self._kept.run)

    def read_on(self) -> None:
        """Read what is new."""
        for segment in segments(self._journal.folder):
            cursor = self._cursors.get(segment.writer, Cursor())
            if segment.number < cursor.segment:
                continue
            start = cursor.offset if segment.number == cursor.segment else Cursor().offset
            for one in segment.read(start):
                if isinstance(one, Frame):
                    self._note(decoded(one))
                    self._cursors[segment.writer] = Cursor(segment.number, one.end)

    def _note(self, entry: Any) -> None:
        if isinstance(entry, Created):
            self._kept.run = self._kept.run or run_made(entry, self._journal.run)
        else:
            self._kept.note(entry)


def _curve(run_id: str, key: str, points: list[Metric], max_points: int) -> models.MetricHistory:
    points = sorted(points, key=lambda one: (one.step, one.timestamp))
    shown = [points[index] for index in thin([one.value for one in points], max_points)]
    return models.MetricHistory(
        run_id=run_id,
        key=key,
        steps=[one.step for one in shown],
        timestamps=[one.timestamp for one in shown],
        values=[models.wire_float(one.value) for one in shown],
        total=len(points),
    )
