"""Make in the store what was begun without it: once, however often it is tried."""

from __future__ import annotations

from typing import Any, TypeVar

from jupyter_mlkit.errors import InvalidInputError

from ..client import StoreClient
from ..journal.entries import Created, Opened
from ..journal.home import Home, Journal
from ..journal.ids import Ids, is_local
from ..tags import PARENT, RUN_KEY
from .source import waiting
from .writers import Life, writers

T = TypeVar("T", str, str | None)
#: MLflow's own experiment, which every store has.
_DEFAULT = "0"
#: Runs of one key that are looked at; more than two take several lost replies in a row.
_MOST = 100


class NotBegunError(Exception):
    """A run is about to be begun: its process has not said yet how."""


def run_in_store(home: Home, journal: Journal, store: StoreClient) -> str:
    """Return the id that a run has in the store, where it is made if it is not there.

    Raises
    ------
    NotBegunError
        It is to be asked for again, or one that it is a child of.
    MLKitError
        The store cannot be used now, or refuses.
    OSError
        The id cannot be kept.
    """
    ids = home.ids(journal.store)
    known = journal.run if not is_local(journal.run) else ids.in_store(journal.run)
    if known is not None:
        return known
    created = _created(journal)
    try:
        with store.calling(f"Run {journal.run}") as client:
            experiment = experiment_in_store(client, ids, created.experiment)
            if not _of_key(client, experiment, journal.run):
                tags = {**told(home, journal.store, store, created.tags), RUN_KEY: journal.run}
                client.create_run(experiment, created.start_time, tags, created.name or None)
            # Of what was asked twice, as the first reply was lost, the same one is kept each time.
            run: str = _of_key(client, experiment, journal.run)[0].info.run_id
    except InvalidInputError as error:
        hint = "It waits in the journal; if its experiment was deleted, restore that."
        raise InvalidInputError(error.message, hint=hint) from error
    ids.keep(journal.run, run)
    return run


def told(home: Home, uri: str, store: StoreClient, tags: dict[str, T]) -> dict[str, T]:
    """Return tags as the store is told them: a parent by the id that it has there.

    Parameters
    ----------
    home : Home
    uri : str
        Of the store, as its journals have it.
    store : StoreClient
    tags : dict
    """
    parent = tags.get(PARENT)
    if not isinstance(parent, str) or not is_local(parent):
        return tags
    return {**tags, PARENT: run_in_store(home, home.find(uri, parent), store)}


def discard_doubles(journal: Journal, store: StoreClient, run: str) -> None:
    """Delete what a request has made of which the reply came too late.

    Parameters
    ----------
    journal : Journal
    store : StoreClient
    run : str
        The one that stays.
    """
    with store.calling(f"Run {journal.run}") as client:
        mine = client.get_run(run)
        # MLflow itself asks again, too: a run that was made at once has a key as well.
        key = mine.data.tags.get(RUN_KEY)
        for other in _of_key(client, mine.info.experiment_id, key) if key else ():
            is_empty = not (other.data.metrics or other.data.params)  # no copy with its tags
            if other.info.run_id != run and other.info.lifecycle_stage == "active" and is_empty:
                client.delete_run(other.info.run_id)


def experiment_in_store(store: Any, ids: Ids, experiment: str) -> str:
    """Return the id of an experiment in the store, where it is made if it is not there.

    Parameters
    ----------
    store : MlflowClient or AbstractStore
    ids : Ids
    experiment : str
        Id in the store, or one that was given without it.
    """
    if not is_local(experiment):
        return experiment
    name, known = ids.name_of(experiment), ids.in_store(experiment)
    if known is None or not _is_still(store, known, name):
        known = _experiment(store, name)
        ids.keep(experiment, known)
    return known


def _is_still(store: Any, known: str, name: str | None) -> bool:
    """Whether an experiment is the one it was: not deleted, renamed, or of another database."""
    from mlflow.exceptions import MlflowException

    try:
        found = store.get_experiment(known)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return name is None or (found.name == name and found.lifecycle_stage == "active")


def _experiment(store: Any, name: str | None) -> str:
    from mlflow.exceptions import MlflowException

    if name is None:
        return _DEFAULT
    found = store.get_experiment_by_name(name)
    if found is None:
        try:
            return str(store.create_experiment(name, None, None))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = store.get_experiment_by_name(name)
    return str(found.experiment_id)


def _created(journal: Journal) -> Created:
    has_files = any(one.exists() for one in (*journal.waiting_files, journal.unmade))
    # Looked at before the entries: all that the dead have written is among those.
    lives = writers(journal.folder)
    # A parent of which nothing is here was begun elsewhere, and nobody is about to.
    is_about_to, has_more = journal.folder.is_dir() and not (lives or has_files), False
    for one in waiting(journal.folder):
        if isinstance(one.entry, Created):
            return one.entry
        if not isinstance(one.entry, Opened):
            has_more = True
        elif lives.get(one.writer, Life.ALIVE) not in (Life.CLOSED, Life.DEAD):
            is_about_to = True
    if is_about_to and not has_more:
        raise NotBegunError
    # Damage has hidden it. What else there is of the run is worth a run.
    return Created(_DEFAULT, "", "unknown", 0, "", {"mlflow.note.content": "How it began is lost."})


def _of_key(client: Any, experiment: str, key: str) -> list[Any]:
    """Return the runs that were made of a key, those that were not deleted first."""
    from mlflow.entities import ViewType

    found = client.search_runs(
        [experiment], f"tags.`{RUN_KEY}` = '{key}'", ViewType.ALL, max_results=_MOST
    )
    return sorted(found, key=lambda run: (run.info.lifecycle_stage, run.info.run_id))
