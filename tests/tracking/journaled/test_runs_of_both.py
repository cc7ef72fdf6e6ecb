"""Runs that are begun without MLflow, as MLflow's own calls of the same process know them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import mlflow
import pytest
from mlflow.entities import Dataset, DatasetInput, RunTag
from mlflow.entities import Metric as Logged
from stores import Place

from jupyter_mlkit.paths import ENV_JOURNAL
from jupyter_mlkit.tracking import run as runs
from jupyter_mlkit.tracking.drainer.service import Drainer
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journaled import artifacts
from jupyter_mlkit.tracking.journaled.store import JournaledStore
from jupyter_mlkit.tracking.tags import CUBE_BEGIN, CUBE_END, CUBE_URI, PARENT

AWAY = "http://127.0.0.1:9"
Begin = Callable[..., runs.Run]


@pytest.fixture
def begin(home: Home, monkeypatch: pytest.MonkeyPatch) -> Begin:
    """Begin a run of a store; nothing is drained by itself."""

    def begin(uri: str, name: str, **more: Any) -> runs.Run:
        with monkeypatch.context() as patched:
            patched.setattr(runs, "_uri", lambda: uri)
            patched.setattr(runs, "_have_drained", lambda _: None)
            patched.setattr(runs, "journal_dir", lambda: home.root)
            patched.setenv(ENV_JOURNAL, "0")
            return runs.start_run(name, **more)

    return begin


@pytest.fixture
def journaled(home: Home, monkeypatch: pytest.MonkeyPatch) -> Callable[..., JournaledStore]:
    """Return MLflow's store as a process has it that has the journal on."""

    def store(uri: str) -> JournaledStore:
        monkeypatch.setattr("jupyter_mlkit.tracking.journaled.own.journal_dir", lambda: home.root)
        monkeypatch.setattr(JournaledStore, "_start_drainer", lambda _: None)
        client = mlflow.MlflowClient(uri)
        return JournaledStore(uri, lambda: client._tracking_client.store)

    return store


def _point(key: str, value: float) -> Logged:
    return Logged(key, value, 1_700_000_000_000, 0)


@pytest.mark.parametrize("is_resumed_before", [True, False])
def test_a_run_that_has_arrived_is_known_while_the_store_is_away(
    home: Home, begin: Begin, journaled: Any, is_resumed_before: bool
) -> None:
    store, run = journaled(AWAY), begin(AWAY, "forest", params={"trees": 3})
    if is_resumed_before:
        store.log_metric(run.id, _point("loss", 0.25))
    home.ids(AWAY).keep(run.id, "a" * 32)
    store.log_metric(run.id, _point("loss", 0.5))
    run.log(rmse=2.0)
    found = store.get_run(run.id)
    assert (found.info.run_id, found.info.run_name) == (run.id, "forest")
    assert found.data.metrics == {"loss": 0.5, "rmse": 2.0}
    assert found.data.params == {"trees": "3"}
    # Files go where the drainer looks for them.
    assert found.info.artifact_uri == home.find(AWAY, run.id).loose.as_uri()
    assert [one.run for one in home.journals()] == [run.id]
    run.end()


def test_its_files_wait_in_its_journal_once_it_has_arrived(
    home: Home, file_store: Place, begin: Begin, journaled: Any
) -> None:
    uri = file_store.uri
    experiment = file_store.client.create_experiment("far", "mlflow-artifacts:/far")
    there = file_store.client.create_run(experiment).info
    store, run = journaled(uri), begin(uri, "forest")
    store.log_metric(run.id, _point("loss", 1.0))
    home.ids(uri).keep(run.id, there.run_id)
    found = store.get_run(run.id)
    assert found.info.artifact_uri == there.artifact_uri
    place = artifacts._places[there.artifact_uri]
    assert place.folders[0] == home.find(uri, run.id).files
    run.end()


def test_a_second_cube_adds_to_the_first_while_the_store_is_away(
    home: Home, journaled: Any
) -> None:
    store, run = journaled(AWAY), "b" * 32  # of the store, and begun elsewhere

    def cube(uri: str, begun: str, end: str) -> DatasetInput:
        schema = json.dumps({"cube": {"period": [begun, end]}})
        source = json.dumps({"uri": uri})
        return DatasetInput(Dataset(uri, "1", "cube", source, schema), [])

    store.log_inputs(run, [cube("a.zarr", "2003-01-01", "2005-12-31")])
    store.log_inputs(run, [cube("b.zarr", "2010-01-01", "2010-12-31")])
    tags = store._kept[run].tags
    assert (tags[CUBE_URI], tags[CUBE_BEGIN], tags[CUBE_END]) == (
        "a.zarr", "2003-01-01", "2010-12-31",
    )  # fmt: skip


def test_a_search_finds_them_with_all_that_was_logged(
    file_store: Place, home: Home, begin: Begin, journaled: Any
) -> None:
    uri = file_store.uri
    store = journaled(uri)
    new, other = begin(uri, "new", experiment="light"), begin(uri, "other")
    new.log(loss=0.5)
    store.log_metric(new.id, _point("bias", 1.0))
    (light,) = {home.ids(uri).experiment("light")}

    def seen() -> list[tuple[str, dict[str, float]]]:
        found = store.search_runs([light], "metrics.loss < 1")
        return [(run.info.run_name, run.data.metrics) for run in found]

    assert seen() == [("new", {"loss": 0.5, "bias": 1.0})]
    assert [run.info.run_id for run in store.search_runs(["0"])] == [other.id]
    drainer = Drainer(home)
    drainer.round()
    assert seen() == [("new", {"loss": 0.5, "bias": 1.0})]
    new.log(loss=0.25)
    assert seen() == [("new", {"loss": 0.25, "bias": 1.0})]
    for run in (other, new):
        run.end()


def test_a_child_of_mlflows_has_its_parent_by_the_id_of_the_store(
    file_store: Place, home: Home, begin: Begin, journaled: Any
) -> None:
    uri = file_store.uri
    store, parent = journaled(uri), begin(uri, "parent")

    def child() -> str:
        made = store.create_run("0", "me", 1_700_000_000_000, [RunTag(PARENT, parent.id)], "child")
        assert made.data.tags[PARENT] in (parent.id, home.ids(uri).in_store(parent.id))
        return str(made.info.run_id)

    children = [child()]
    drainer = Drainer(home)
    while home.ids(uri).in_store(parent.id) is None:
        drainer.round()
    children.append(child())
    drainer.round()
    there = home.ids(uri).in_store(parent.id)
    found = [file_store.client.get_run(one).data.tags[PARENT] for one in children]
    assert found == [there, there]
    parent.end()
