"""Runs of which no store knows yet, as MLflow's own entities, made of what their journal holds."""

from __future__ import annotations

from typing import Any

from ..drainer.source import waiting
from ..journal.entries import Created
from ..journal.home import Journal
from .kept import Kept


def run_made(created: Created, run_id: str) -> Any:
    """Return a run as it was asked for.

    Parameters
    ----------
    created : Created
    run_id : str
    """
    from mlflow.entities import LifecycleStage, Run, RunData, RunInfo, RunInputs, RunTag

    info = RunInfo(
        run_id=run_id,
        experiment_id=created.experiment,
        user_id=created.user,
        status="RUNNING",
        start_time=created.start_time,
        end_time=None,
        lifecycle_stage=LifecycleStage.ACTIVE,
        artifact_uri=created.artifacts,
        run_name=created.name,
    )
    data = RunData(tags=[RunTag(key, value) for key, value in created.tags.items()])
    return Run(info, data, RunInputs([]))


def run_in(journal: Journal) -> Any:
    """Return a run that waits in its journal; None where the journal does not tell how it began.

    Raises
    ------
    BackendError
        ``newer_journal``.
    """
    kept = noted_in(journal)
    return None if kept.run is None else kept.over(kept.run)


def noted_in(journal: Journal, run: Any = None) -> Kept:
    """Return what waits in the journal of a run.

    Parameters
    ----------
    journal : Journal
    run : Run, optional
        As it was made; else as the journal tells, where that waits there.

    Raises
    ------
    BackendError
        ``newer_journal``.
    """
    kept = Kept(journal.run, run)
    for one in waiting(journal.folder):
        if isinstance(one.entry, Created):
            kept.run = kept.run or run_made(one.entry, journal.run)
        else:
            kept.note(one.entry)
    return kept
