"""What waits is brought or told, with the reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from drainers import end_drainers
from sklearn.linear_model import LinearRegression
from stores import Place

from jupyter_mlkit.cli import main
from jupyter_mlkit.paths import journal_dir
from jupyter_mlkit.tracking.drainer.process import start
from jupyter_mlkit.tracking.drainer.refused_models import refuse
from jupyter_mlkit.tracking.drainer.summary import sync_state
from jupyter_mlkit.tracking.journal.entries import Metric
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder
from jupyter_mlkit.tracking.journal.unmade import hand_over, unmade


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    assert journal_dir().is_relative_to(tmp_path)


def _log(store: str, run: str) -> None:
    recorder = open_recorder(store, run)
    recorder.metric("loss", 0.5, 1_700_000_000_000, 1)
    recorder.record(Metric("../etc", 1.0, 7, 1))
    recorder.close()


def test_what_waits_is_brought(file_store: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sync", "--status"]) == 0
    assert capsys.readouterr().out == "Nothing waits.\n"
    run = file_store.client.create_run(file_store.experiment()).info.run_id
    _log(file_store.uri, run)
    assert main(["sync", "--status"]) == 1
    told = capsys.readouterr().out
    assert f"Run {run} at {file_store.uri}: 2 entries waiting since 20" in told
    assert main(["sync"]) == 0
    told = capsys.readouterr().out
    assert told == f"Run {run}: 1 entry refused by the store, and kept.\nNothing waits.\n"
    assert [one.step for one in file_store.client.get_metric_history(run, "loss")] == [1]


def test_what_cannot_be_brought_is_told_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    _log("http://anna:secret@127.0.0.1:9", "0" * 32)
    assert main(["sync"]) == 1
    told = capsys.readouterr().out
    assert "2 entries waiting" in told
    assert "Nobody answers at http://127.0.0.1:9" in told
    assert "Start the tracking server" in told
    assert "secret" not in told
    assert [*Home(journal_dir()).journals()]


def test_the_password_of_the_environment_is_used_for_its_store(
    server_store: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = server_store.uri.replace("://", "://anna:secret@")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    run = server_store.client.create_run(server_store.experiment()).info.run_id
    _log(uri, run)
    assert main(["sync"]) == 0
    assert [one.step for one in server_store.client.get_metric_history(run, "loss")] == [1]
    assert "secret" not in capsys.readouterr().out
    for path in journal_dir().rglob("*"):
        assert not path.is_file() or b"secret" not in path.read_bytes()
    assert os.environ["MLFLOW_TRACKING_URI"] == uri


class Unreadable:
    def __reduce__(self) -> tuple[object, ...]:
        return exec, ("raise RuntimeError('it cannot be read')",)


def _models(place: Place, run: str) -> list[str]:
    experiment = place.client.get_run(run).info.experiment_id
    return [one.name for one in place.client.search_logged_models([experiment])]


@pytest.mark.parametrize("whose", ["its own", "that of a drainer"])
def test_models_are_made_when_it_returns(
    file_store: Place, capsys: pytest.CaptureFixture[str], whose: str
) -> None:
    home = Home(journal_dir())
    run = file_store.client.create_run(file_store.experiment()).info.run_id
    journal = home.journal(file_store.uri, run)
    for name in ("first", "second"):
        hand_over(journal, name, LinearRegression().fit([[0.0]], [0.0]))
    try:
        if whose != "its own":
            assert start(home) is not None
        assert main(["sync"]) == 0
    finally:
        end_drainers(home)
    assert capsys.readouterr().out == "Nothing waits.\n"
    assert sorted(_models(file_store, run)) == ["first", "second"]


def test_a_model_that_fails_is_told_and_one_that_was_given_up_is_tried_again(
    file_store: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(journal_dir())
    run = file_store.client.create_run(file_store.experiment()).info.run_id
    journal = home.journal(file_store.uri, run)
    hand_over(journal, "line", LinearRegression().fit([[0.0]], [0.0]))
    ((folder, _),) = unmade(journal)
    refuse(journal, folder, "line", "No module named 'gone'")
    hand_over(journal, "broken", Unreadable())
    assert main(["sync", "--status"]) == 1
    assert f"Run {run}: 1 entry refused by the store, and kept." in capsys.readouterr().out
    assert main(["sync"]) == 1
    told = capsys.readouterr().out
    assert "1 model that had been given up: tried again." in told
    assert f"Run {run} at {file_store.uri}: 1 entry waiting" in told
    said = "Model 'broken' could not be logged yet: RuntimeError: it cannot be read"
    assert f"{run}: {said}\n  It is tried again by itself" in told
    assert "refused" not in told
    assert _models(file_store, run) == ["line"]
    assert main(["sync", "--status"]) == 1
    assert said in capsys.readouterr().out
    assert [one.error for one in sync_state(home).troubles] == [said]
    main(["doctor"])
    assert said in capsys.readouterr().out
