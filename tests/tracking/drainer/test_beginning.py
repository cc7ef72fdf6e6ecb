"""A run that is about to be begun is not taken for one of which the beginning is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stores import Place
from writing import WritingProcess

from jupyter_mlkit.paths import ENV_JOURNAL
from jupyter_mlkit.tracking import run as runs
from jupyter_mlkit.tracking.drainer.service import Drainer
from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.journal.entries import Created, Metric
from jupyter_mlkit.tracking.journal.files import stage
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.ids import new_id
from jupyter_mlkit.tracking.journal.opening import open_recorder
from jupyter_mlkit.tracking.journal.segments import UNFINISHED
from jupyter_mlkit.tracking.journal.writer import Writer
from jupyter_mlkit.tracking.tags import MORE_PARAMS, PARENT

_CREATED = Created("0", "forest", "me", 1_700_000_000_000, "", {"who": "me"})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "journal")


def _names(place: Place) -> list[str]:
    experiments = [one.experiment_id for one in place.client.search_experiments()]
    return sorted(one.info.run_name for one in place.client.search_runs(experiments))


def _opened(home: Home, place: Place, key: str) -> Any:
    """Return a recorder of which the segment is there, and nothing in it."""
    recorder = open_recorder(place.uri, key, home=home)
    recorder._writer._open()
    return recorder


def test_it_waits_for_how_it_began(home: Home, file_store: Place) -> None:
    drainer, key = Drainer(home), new_id()
    recorder = _opened(home, file_store, key)
    assert drainer.round() == 0
    assert (_names(file_store), drainer.troubles) == ([], [])
    assert home.ids(file_store.uri).in_store(key) is None
    recorder.record(_CREATED)
    recorder.close()
    drainer.round()
    assert _names(file_store) == ["forest"]
    assert [*home.journals()] == []


def test_a_child_waits_for_its_parent(home: Home, file_store: Place) -> None:
    drainer, key = Drainer(home), new_id()
    parent = _opened(home, file_store, key)
    child = open_recorder(file_store.uri, new_id(), home=home)
    child.record(Created("0", "child", "me", 1_700_000_000_000, "", {PARENT: key}))
    child.close()
    drainer.round()
    assert (_names(file_store), drainer.troubles) == ([], [])
    parent.record(_CREATED)
    parent.close()
    drainer.round()
    drainer.round()
    runs = {one.info.run_name: one for one in file_store.client.search_runs(["0"])}
    assert runs["child"].data.tags[PARENT] == runs["forest"].info.run_id


def test_a_child_of_a_run_of_another_machine_waits_for_nobody(
    home: Home, file_store: Place
) -> None:
    child = open_recorder(file_store.uri, new_id(), home=home)
    child.record(Created("0", "child", "me", 1_700_000_000_000, "", {PARENT: new_id()}))
    child.close()
    Drainer(home).round()
    assert "child" in _names(file_store)


def test_a_run_of_which_the_beginning_is_lost_is_a_run_all_the_same(
    home: Home, file_store: Place
) -> None:
    recorder = open_recorder(file_store.uri, new_id(), home=home)
    recorder.record(Metric("loss", 0.5, 1_700_000_000_000, 0))
    dead = WritingProcess(home, file_store.uri, new_id())
    dead.does("recorder._writer._open()")
    dead.kill()
    stage(home.journal(file_store.uri, new_id()).files / "a.txt", b"a")
    Drainer(home).round()
    recorder.close()
    found = file_store.client.search_runs(["0"])
    notes = [one.data.tags["mlflow.note.content"] for one in found]
    assert notes == ["How it began is lost."] * 3
    assert [one.data.metrics for one in found].count({"loss": 0.5}) == 1


def test_what_a_process_has_left_that_never_began_goes(home: Home, file_store: Place) -> None:
    folder = home.journal(file_store.uri, new_id()).folder
    (folder / f"{'0' * 32}-000001.mlkj1{UNFINISHED}").write_bytes(b"")
    drainer = Drainer(home)
    drainer.round()
    drainer.round()
    assert [*home.journals()] == []
    assert _names(file_store) == []


def test_a_drainer_may_look_whenever_a_run_is_begun(
    home: Home, file_store: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With params that are too long for MLflow, and more than it takes."""
    drainer = Drainer(home)
    looked = []

    def first(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            looked.append(real.__name__)
            drainer.round()
            return real(*given, **named)

        return call

    monkeypatch.setenv(ENV_JOURNAL, "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", file_store.uri)
    monkeypatch.setattr(runs, "_uri", lambda: file_store.uri)
    monkeypatch.setattr(runs, "journal_dir", lambda: home.root)
    monkeypatch.setattr(runs, "_have_drained", lambda _: None)
    monkeypatch.setattr(Writer, "_framed", first(Writer._framed))
    monkeypatch.setattr(Writer, "_write", first(Writer._write))
    params = {"text": "x" * 7000, **{f"p{n}": n for n in range(1001)}}
    run = runs.start_run("forest", experiment="light", params=params, tags={"who": "y" * 9000})
    run.end()
    monkeypatch.undo()
    assert len(looked) > 3
    while pending(home):
        drainer.round()
    assert _names(file_store) == ["forest"]
    there = home.ids(file_store.uri).in_store(run.id)
    assert there is not None
    found = file_store.client.get_run(there)
    assert file_store.client.get_experiment(found.info.experiment_id).name == "light"
    assert (found.info.status, len(found.data.params)) == ("FINISHED", 1000)
    files = {one.path for one in file_store.client.list_artifacts(there, "mlkit")}
    assert {"mlkit/long", found.data.tags[MORE_PARAMS]} <= files
