"""What waits is brought or told, with the reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from stores import Place

from jupyter_mlkit.cli import main
from jupyter_mlkit.paths import journal_dir
from jupyter_mlkit.tracking.journal.entries import Metric
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder


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
