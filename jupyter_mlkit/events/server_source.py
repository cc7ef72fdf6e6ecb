"""Looks at a tracking server or another database: a bounded search, a few seconds apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlkit.tracking.client import StoreClient
from jupyter_mlkit.tracking.experiments import experiment_ids

from .watcher import Difference, difference

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: Runs that are running, newest runs, experiments and models that one look asks for.
_RUNNING, _NEWEST, _EXPERIMENTS, _MODELS = 200, 100, 200, 200


class ServerSource:
    """Differences of a tracking server between two looks.

    What runs and the newest of everything is seen; an old run that somebody edits is not, as
    MLflow's interface has no question for it.

    Parameters
    ----------
    store : StoreClient
        Of a tracking server, or a database other than SQLite.
    """

    interval = 5.0

    def __init__(self, store: StoreClient) -> None:
        self._store = store
        self._runs: dict[str, int] = {}
        self._running: set[str] = set()
        self._gone: set[str] = set()
        self._experiments: dict[str, int] = {}
        self._models: dict[str, int] = {}
        self._known = False

    def look(self) -> list[Difference] | None:
        """Return what differs from the last look; None at the first."""
        with self._store.calling("The watch on the store") as client:
            experiments = {
                str(e.experiment_id): hash((e.name, e.lifecycle_stage, _frozen(e.tags)))
                for e in client.search_experiments(max_results=_EXPERIMENTS)
            }
            models = {
                m.name: hash(
                    (m.description, m.last_updated_timestamp, _frozen(m.aliases), _frozen(m.tags))
                )
                for m in client.search_registered_models(max_results=_MODELS)
            }
            seen = _search(client)
        runs = self._compare_runs(seen)
        found = [
            difference("experiments", self._experiments, experiments),
            runs,
            difference("registry", self._models, models),
        ]
        self._experiments, self._models = experiments, models
        first, self._known = not self._known, True
        return None if first else found

    def close(self) -> None:
        """Nothing is held between two looks."""

    def _compare_runs(self, seen: dict[str, Any]) -> Difference:
        active = {
            run_id: _digest(run)
            for run_id, run in seen.items()
            if run.info.lifecycle_stage == "active"
        }
        deleted = seen.keys() - active.keys()
        ended = self._running - seen.keys()  # neither running nor among the newest any more
        found = Difference(
            "runs",
            created=active.keys() - self._runs.keys(),
            changed={i for i in active.keys() & self._runs.keys() if active[i] != self._runs[i]}
            | ended,
            deleted=deleted & self._runs.keys(),
        )
        # What left the window is remembered, lest it be new when it comes back into it.
        kept = {i: d for i, d in self._runs.items() if i not in deleted}
        self._runs = dict(list((kept | active).items())[-10 * (_RUNNING + _NEWEST) :])
        self._running = {i for i in active if seen[i].info.status == "RUNNING"}
        return found


def _search(client: MlflowClient) -> dict[str, Any]:
    from mlflow.entities import ViewType

    experiments = experiment_ids(client)
    if not experiments:
        return {}
    running = client.search_runs(
        experiments, "attributes.status = 'RUNNING'", ViewType.ACTIVE_ONLY, max_results=_RUNNING
    )
    newest = client.search_runs(
        experiments,
        "",
        ViewType.ALL,
        max_results=_NEWEST,
        order_by=["attributes.start_time DESC"],
    )
    return {run.info.run_id: run for run in [*reversed(newest), *running]}


def _digest(run: Any) -> int:
    info, data = run.info, run.data
    return hash(
        (
            info.run_name,
            info.status,
            info.end_time,
            frozenset((m.key, str(m.value), m.step, m.timestamp) for m in data._metric_objs),
            _frozen(data.params),
            _frozen(data.tags),
            len(run.inputs.dataset_inputs) if run.inputs else 0,
            len(run.outputs.model_outputs) if run.outputs else 0,
        )
    )


def _frozen(entries: Any) -> frozenset[tuple[str, str]]:
    return frozenset((str(key), str(value)) for key, value in dict(entries).items())
