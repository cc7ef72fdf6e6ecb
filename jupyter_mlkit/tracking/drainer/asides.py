"""Bring what a run was trained on and what it has made."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from typing import Any

from ..client import StoreClient
from ..journal.home import SENT, Journal
from ..journal.ids import Ids, is_local
from ..journal.used import Aside, Dataset, Inputs, ModelChanged, ModelCreated, Outputs
from ..tags import RUN_KEY
from .files import sending

#: Seconds for which the files of a model stay here: it is often loaded where it was logged.
READ_WITHIN = 60.0


def bring(journal: Journal, ids: Ids, store: StoreClient, run: str, entry: Aside) -> None:
    """Bring an entry to a run in its store, so that doing it again changes nothing.

    Raises
    ------
    MLKitError
        The store cannot be used now, or refuses.
    OSError
        An id cannot be kept.
    """
    with store.calling(f"Run {run}") as client:
        if isinstance(entry, Inputs):
            _bring_inputs(client, ids, run, entry)
        elif isinstance(entry, Outputs):
            _bring_outputs(client, ids, run, entry)
        elif isinstance(entry, ModelCreated):
            _make(client, ids, run, entry)
        else:
            _change(client, journal, ids, entry)


def known(ids: Ids, name: str) -> str:
    """Return the id that the store knows something by."""
    return (ids.in_store(name) or name) if is_local(name) else name


def _bring_inputs(client: Any, ids: Ids, run: str, entry: Inputs) -> None:
    from mlflow.entities import LoggedModelInput

    models = [LoggedModelInput(known(ids, one)) for one in entry.models]
    client.log_inputs(run, [dataset_input(one) for one in entry.datasets], models)


def _bring_outputs(client: Any, ids: Ids, run: str, entry: Outputs) -> None:
    from mlflow.entities import LoggedModelOutput

    outputs = client.get_run(run).outputs
    there = {one.model_id for one in outputs.model_outputs} if outputs else set()
    new = [(known(ids, model), step) for model, step in entry.models]
    new = [one for one in new if one[0] not in there]
    if new:  # the store refuses one that it has
        client.log_outputs(run, [LoggedModelOutput(*one) for one in new])


def _make(client: Any, ids: Ids, run: str, entry: ModelCreated) -> None:
    if ids.in_store(entry.model) is not None:
        return
    experiment = client.get_run(run).info.experiment_id
    found = client.search_logged_models([experiment], f"tags.`{RUN_KEY}` = '{entry.model}'")
    model = min(found, key=lambda one: one.model_id, default=None)
    if model is None:
        model = client.create_logged_model(
            experiment,
            entry.name,
            run,
            {**entry.tags, RUN_KEY: entry.model},
            entry.params,
            entry.kind,
        )
    ids.keep(entry.model, model.model_id)


def _change(client: Any, journal: Journal, ids: Ids, entry: ModelChanged) -> None:
    model = known(ids, entry.model)
    if entry.params:
        client.log_model_params(model, entry.params)
    tags = {key: value for key, value in entry.tags.items() if value is not None}
    if tags:
        client.set_logged_model_tags(model, tags)
    there = client.get_logged_model(model)
    for key in entry.tags.keys() - tags.keys() & there.tags.keys():
        client.delete_logged_model_tag(model, key)
    if entry.status is None or there.status.name == entry.status:
        return
    files = journal.model_files(entry.model)
    if files.exists():  # not where they were sent before and the state was not
        with sending(f"model {model}"):
            client.log_model_artifacts(model, str(files))
    client.finalize_logged_model(model, entry.status)
    if files.exists():
        files.with_name(files.name + SENT).touch()


def forget_models(journal: Journal, *, all_of_them: bool) -> None:
    """Delete files of models that were sent, once nobody is about to read them here.

    Parameters
    ----------
    journal : Journal
    all_of_them : bool
        Whether the journal is done with.
    """
    for sent in journal.model_files("").glob(f"*{SENT}"):
        if all_of_them or time.time() - sent.stat().st_mtime > READ_WITHIN:
            shutil.rmtree(sent.with_suffix(""), ignore_errors=True)
            sent.unlink(missing_ok=True)
    with suppress(OSError):  # other models wait
        journal.model_files("").rmdir()


def dataset_input(one: Dataset) -> Any:
    """Return a dataset as MLflow's entity."""
    from mlflow.entities import Dataset as LoggedDataset
    from mlflow.entities import DatasetInput, InputTag

    logged = LoggedDataset(
        one.name, one.digest, one.source_type, one.source, one.schema, one.profile
    )
    return DatasetInput(logged, [InputTag(key, value) for key, value in one.tags.items()])
