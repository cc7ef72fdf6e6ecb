"""Plain MLflow calls gain the journal without a changed line, and read what they wrote."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
from old_stores import OLD_SCHEMAS, content, old_database, revision_of
from stores import Place, until

from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.tags import CPU_SECONDS

from .conftest import Runner

Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def script(runner: Runner, place: Place) -> Script:
    """Run a script against a store."""

    def run(code: str, journal: str = "1") -> subprocess.CompletedProcess[str]:
        return runner(code, place.uri, journal)

    return run


def _told(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


_LOGS = """
import json, mlflow
from mlflow.tracking._tracking_service import utils
with mlflow.start_run(experiment_id="{experiment}", run_name="first") as run:
    mlflow.log_params({{"lr": 0.1, "depth": 3}})
    mlflow.set_tag("note", "läuft")
    for step in range(500):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({{"rmse": 2.5, "r2": float("nan")}}, step=7)
    seen = mlflow.get_run(run.info.run_id)
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
ended = mlflow.get_run(run.info.run_id).info
print(json.dumps({{
    "run": run.info.run_id, "loss": seen.data.metrics["loss"], "params": seen.data.params,
    "note": seen.data.tags["note"], "points": len(history), "status": ended.status,
    "end": ended.end_time, "store": type(utils._get_store()).__name__,
}}))
"""


def test_what_is_logged_is_seen_at_once_and_reaches_the_store(
    place: Place, script: Script, home: Home
) -> None:
    told = _told(script(_LOGS.format(experiment=place.experiment())))
    assert told["store"] == "JournaledStore"
    assert (told["loss"], told["points"], told["note"]) == (1 / 500, 500, "läuft")
    assert told["params"] == {"lr": "0.1", "depth": "3"}
    assert told["status"] == "FINISHED"
    until(lambda: not pending(home), 60)
    run = place.client.get_run(told["run"])
    assert (run.info.status, run.info.end_time) == ("FINISHED", told["end"])
    assert run.info.run_name == "first"
    assert run.data.params == told["params"]
    assert run.data.metrics["rmse"] == 2.5
    history = place.client.get_metric_history(told["run"], "loss")
    assert sorted((one.step, one.value) for one in history) == [
        (step, 1 / (step + 1)) for step in range(500)
    ]
    # With what packages it was made is kept without being asked.
    assert "mlkit/environment.txt" in {
        one.path for one in place.client.list_artifacts(told["run"], "mlkit")
    }
    assert run.data.metrics[CPU_SECONDS] > 0
    until(lambda: not [*home.journals()], 30)


def test_without_the_variable_it_is_mlflows_own(place: Place, script: Script, home: Home) -> None:
    told = _told(script(_LOGS.format(experiment=place.experiment()), journal="0"))
    assert told["store"] in ("SqlAlchemyStore", "RestStore")
    assert not home.root.exists()
    assert len(place.client.get_metric_history(told["run"], "loss")) == 500


def test_where_no_journal_can_be_written_the_store_is_told_at_once(
    place: Place, script: Script, home: Home
) -> None:
    home.root.parent.mkdir(parents=True)
    home.root.write_text("no folder")
    done = script(_LOGS.format(experiment=place.experiment()).replace("range(500)", "range(5)"))
    told = _told(done)
    assert done.stderr.count("goes straight to the store") == 1
    run = place.client.get_run(told["run"])
    assert (run.info.status, run.data.params) == ("FINISHED", told["params"])
    assert len(place.client.get_metric_history(told["run"], "loss")) == 5


def test_what_mlflows_own_commands_do_with_a_store_works(
    file_store: Place, runner: Runner, home: Home
) -> None:
    run = file_store.client.create_run(file_store.experiment()).info.run_id
    file_store.client.delete_run(run)
    done = runner(
        f"""
import subprocess, sys
command = [sys.executable, "-m", "mlflow", "gc", "--backend-store-uri", {file_store.uri!r}]
subprocess.run([*command, "--run-ids", "{run}"], check=True)
""",
        file_store.uri,
    )
    assert done.returncode == 0, done.stderr
    with pytest.raises(mlflow.MlflowException, match="not found"):
        file_store.client.get_run(run)


def test_nothing_is_lost_when_the_process_is_killed(
    place: Place, script: Script, home: Home
) -> None:
    done = script(
        f"""
import mlflow, os, signal
run = mlflow.start_run(experiment_id="{place.experiment()}")
print(run.info.run_id, flush=True)
for step in range(3000):
    mlflow.log_metric("loss", step / 7, step=step)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    assert done.returncode == -signal.SIGKILL
    run = done.stdout.strip()
    until(lambda: not pending(home), 60)
    assert sorted(one.step for one in place.client.get_metric_history(run, "loss")) == [
        *range(3000)
    ]


def test_mistakes_are_told_at_the_call_as_by_mlflow(place: Place, script: Script) -> None:
    told = _told(
        script(
            f"""
import json, mlflow
errors = []
with mlflow.start_run(experiment_id="{place.experiment()}") as run:
    mlflow.log_param("lr", 0.1)
    for call in (
        lambda: mlflow.log_param("lr", 0.2),
        lambda: mlflow.log_metric("../etc", 1.0),
        lambda: mlflow.log_metric("loss", "much"),
        lambda: mlflow.log_param("x" * 300, 1),
        lambda: mlflow.set_tag("", "1"),
    ):
        try:
            call()
            errors.append(None)
        except mlflow.MlflowException as error:
            errors.append(error.error_code)
print(json.dumps(errors))
"""
        )
    )
    assert told == ["INVALID_PARAMETER_VALUE"] * 5


def test_tags_and_runs_can_be_deleted_and_found(place: Place, script: Script, home: Home) -> None:
    experiment = place.experiment()
    told = _told(
        script(
            f"""
import json, mlflow
client = mlflow.MlflowClient()
with mlflow.start_run(experiment_id="{experiment}") as run:
    mlflow.set_tags({{"a": "1", "b": "2"}})
    mlflow.delete_tag("a")
    mlflow.log_metric("loss", 0.5)
(found,) = mlflow.search_runs(["{experiment}"], output_format="list")
client.update_run(run.info.run_id, name="renamed")
print(json.dumps([
    run.info.run_id, {{k: v for k, v in found.data.tags.items() if k in "ab"}},
    found.data.metrics["loss"], client.get_run(run.info.run_id).info.run_name,
]))
"""
        )
    )
    assert told[1:] == [{"b": "2"}, 0.5, "renamed"]
    until(lambda: not pending(home), 60)
    run = place.client.get_run(told[0])
    assert "a" not in run.data.tags
    assert run.info.run_name == "renamed"
    assert run.data.tags["b"] == "2"


def test_a_store_that_nobody_has_opened_yet_is_made_as_the_panel_makes_it(
    runner: Runner, tmp_path: Path, home: Home
) -> None:
    path = tmp_path / "new" / "mlflow.db"
    done = runner('import mlflow\nmlflow.set_experiment("first")', f"sqlite:///{path}")
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("SELECT count(*) FROM sqlite_stat1").fetchone()[0] > 0
    connection.close()


_MEETS_AN_OLDER_STORE = """
import json, mlflow
from jupyter_mlkit.errors import BackendError
from jupyter_mlkit.tracking.journaled.plugin import model_registry_store
uri = mlflow.get_tracking_uri()
with mlflow.start_run(experiment_id="1") as run:
    mlflow.log_metric("loss", 1.5)
refused = []
for call in (
    lambda: mlflow.search_runs(experiment_ids=["1"]),
    lambda: model_registry_store(uri, uri).search_registered_models(),
):
    try:
        call()
    except Exception as error:
        refused.append(str(error))
print(json.dumps({"run": run.info.run_id, "refused": refused}))
"""


def test_a_store_of_an_older_mlflow_is_not_upgraded_by_a_kernel(
    runner: Runner, tmp_path: Path, home: Home
) -> None:
    """MLflow itself would do so at once, in place and without a backup; what is logged waits."""
    path = old_database(tmp_path / "old" / "mlflow.db")
    before = content(path)
    told = _told(runner(_MEETS_AN_OLDER_STORE, f"sqlite:///{path}"))
    assert len(told["refused"]) == 2
    assert all("made by an older MLflow" in one for one in told["refused"])
    assert (content(path), revision_of(path)) == (before, OLD_SCHEMAS[1])
    assert pending(home)


def test_what_shall_survive_the_machine_is_on_the_disk_soon(
    file_store: Place, runner: Runner, home: Home
) -> None:
    done = runner(
        f"""
import mlflow, threading
from jupyter_mlkit.tracking.journal import flusher
real, synced = flusher._sync, threading.Event()
flusher._sync = lambda file: (real(file), synced.set())
with mlflow.start_run(experiment_id="{file_store.experiment()}"):
    mlflow.log_metric("loss", 1)
    assert synced.wait(30)
""",
        file_store.uri,
        "machine",
    )
    assert done.returncode == 0, done.stderr
