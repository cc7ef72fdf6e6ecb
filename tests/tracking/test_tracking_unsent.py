"""Runs that no store knows yet are shown beside those of the store, and by both their ids."""

from __future__ import annotations

from pathlib import Path

import pytest
from stores import Place, Server

from jupyter_mlkit.errors import BackendError, NotFoundError
from jupyter_mlkit.paths import journal_dir
from jupyter_mlkit.tracking.backend import TrackingBackend
from jupyter_mlkit.tracking.drainer.service import Drainer
from jupyter_mlkit.tracking.journal.entries import Created, Metric, Params, Updated
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.ids import new_id
from jupyter_mlkit.tracking.journal.opening import open_recorder
from jupyter_mlkit.tracking.journal.recorder import Recorder

_BEGUN = 1_700_000_000_000


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    return Home(journal_dir())


def _begin(home: Home, uri: str, experiment: str, begun: int = _BEGUN) -> tuple[str, Recorder]:
    key = new_id()
    recorder = open_recorder(uri, key, home=home)
    recorder.record(Created(experiment, "offline", "me", begun, "", {"mlflow.user": "me"}))
    recorder.record(Params({"lr": "0.1"}))
    for step in range(50):
        recorder.record(Metric("loss", 1 / (step + 1), begun + step, step))
    return key, recorder


def test_with_no_server_the_list_has_what_waits(
    home: Home, empty_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "server").mkdir()
    uri = Server(empty_store, tmp_path / "server").uri  # nobody listens there
    backend = TrackingBackend(uri)
    with pytest.raises(BackendError):
        backend.runs()
    experiment = home.ids(uri).experiment("sea")
    key, recorder = _begin(home, uri, experiment)
    second, _ = _begin(home, uri, "0", _BEGUN + 1000)
    assert [run.run_id for run in backend.runs().items] == [second, key]
    assert [run.run_id for run in backend.runs([experiment]).items] == [key]
    (shown,) = backend.experiments().items
    assert (shown.experiment_id, shown.name) == (experiment, "sea")
    run = backend.run(key)
    assert (run.run_name, run.status, run.params) == ("offline", "RUNNING", {"lr": "0.1"})
    assert run.waiting
    assert not run.lost
    assert [(one.key, one.value, one.step) for one in run.metrics] == [("loss", 1 / 50, 49)]
    (curve,) = backend.histories([key], ["loss"], 20).items
    assert (curve.total, curve.steps[0], curve.steps[-1]) == (50, 0, 49)
    # What is logged later is seen by the next look.
    recorder.record(Metric("loss", 7.0, _BEGUN + 99, 50), Updated("FINISHED", _BEGUN + 100))
    run = backend.run(key)
    assert (run.status, run.end_time, run.metrics[0].value) == ("FINISHED", _BEGUN + 100, 7.0)
    with pytest.raises(BackendError):
        backend.runs(filter="metrics.loss > 1")
    with pytest.raises(BackendError):
        backend.run("0" * 32)


def test_once_it_is_in_the_store_both_ids_lead_to_it(home: Home, place: Place) -> None:
    backend = place.backend.__class__(place.uri, place.artifact_root if place.path else None)
    experiment = home.ids(place.uri).experiment(f"unsent-{new_id()}")
    key, recorder = _begin(home, place.uri, experiment)
    recorder.close()
    before = len(backend.runs().items)
    assert backend.runs().items[0].run_id == key
    with pytest.raises(NotFoundError):
        backend.delete_run(key)
    Drainer(home).round()
    there = home.ids(place.uri).in_store(key)
    assert there is not None
    run = backend.run(key)
    assert run.run_id == there
    assert not run.waiting
    assert [one.run_id for one in backend.runs([experiment]).items] == [there]
    assert len(backend.runs().items) == before
    assert [one.total for one in backend.histories([key], ["loss"], 20).items] == [50]
    backend.set_tag(key, "mine", "yes")
    assert backend.run(there).tags["mine"] == "yes"
    backend.delete_run(key)
    assert backend.run(there).lifecycle_stage == "deleted"


def test_a_path_is_no_id(home: Home, file_store: Place) -> None:
    assert not home.root.exists()
    for name in ("local-../../x", "local-", "../x", "local-" + "a" * 300):
        with pytest.raises(NotFoundError):
            file_store.backend.run(name)
