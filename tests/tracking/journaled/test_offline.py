"""A run begins, is logged and ends with no server at all, and is in it later: once."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from drainers import end_drainers
from stores import Server, until

from jupyter_mlkit.tracking.client import StoreClient
from jupyter_mlkit.tracking.drainer.creation import discard_doubles, run_in_store
from jupyter_mlkit.tracking.drainer.process import start
from jupyter_mlkit.tracking.drainer.service import Drainer
from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.journal.entries import Created, Metric
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.ids import new_id
from jupyter_mlkit.tracking.journal.opening import open_recorder
from jupyter_mlkit.tracking.tags import RUN_KEY

from .conftest import Runner


@pytest.fixture
def server(empty_store: Path, tmp_path: Path) -> Iterator[Server]:
    """A server that does not run yet."""
    folder = tmp_path / "server"
    folder.mkdir()
    server = Server(empty_store, folder)
    yield server
    server.stop()


def _told(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


_TRAINS = """
import json, mlflow, pathlib
mlflow.set_experiment("sea surface")
with mlflow.start_run(run_name="offline", tags={"who": "me"}) as run:
    mlflow.log_param("lr", 0.1)
    for step in range(300):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_text("hello", "notes/a.txt")
    mlflow.log_dict({"b": 1}, "b.json")
    seen = mlflow.get_run(run.info.run_id)
    files = [one.path for one in mlflow.MlflowClient().list_artifacts(run.info.run_id)]
    with mlflow.start_run(nested=True, run_name="child"):
        pass
after = mlflow.get_run(run.info.run_id)
print(json.dumps({
    "run": run.info.run_id, "experiment": seen.info.experiment_id, "files": sorted(files),
    "loss": seen.data.metrics["loss"], "params": seen.data.params, "who": seen.data.tags["who"],
    "name": seen.info.run_name, "status": after.info.status, "end": after.info.end_time,
    "start": after.info.start_time,
}))
"""


def test_a_run_without_a_server_is_in_it_later(
    server: Server, runner: Runner, home: Home, tmp_path: Path
) -> None:
    done = runner(_TRAINS, server.uri)
    told = _told(done)
    assert done.stderr.count("waits in the journal") == 1
    assert told["run"].startswith("local-")
    assert (told["loss"], told["params"], told["who"]) == (1 / 300, {"lr": "0.1"}, "me")
    assert (told["name"], told["status"]) == ("offline", "FINISHED")
    assert {"b.json", "notes"} <= {*told["files"]}
    assert sum(one.entries for one in pending(home)) > 300

    end_drainers(home)  # which waits before it tries again
    server.start()
    start(home)
    until(lambda: not pending(home), 60)
    client = mlflow.MlflowClient(server.uri)
    experiment = client.get_experiment_by_name("sea surface")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "attributes.run_name = 'offline'")
    (run,) = runs
    assert run.info.run_id == home.ids(server.uri).in_store(told["run"])
    assert (run.info.status, run.info.end_time) == ("FINISHED", told["end"])
    assert run.info.start_time == told["start"]
    assert (run.data.params, run.data.tags["who"]) == ({"lr": "0.1"}, "me")
    assert len(client.get_metric_history(run.info.run_id, "loss")) == 300
    assert {one.path for one in client.list_artifacts(run.info.run_id)} == {
        *("b.json", "notes", "mlkit")
    }
    text = client.download_artifacts(run.info.run_id, "notes/a.txt", str(tmp_path))
    assert Path(text).read_text() == "hello"
    until(lambda: not [*home.journals()], 30)
    # A child knows its parent by the id of the store.
    (child,) = client.search_runs(
        [experiment.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'"
    )
    assert child.info.status == "FINISHED"

    # The id that the script has told is accepted for ever.
    again = _told(
        runner(
            f"""
import json, mlflow
with mlflow.start_run(run_id="{told["run"]}"):
    mlflow.log_metric("loss", 7.0, step=300)
found = mlflow.get_run("{told["run"]}")
print(json.dumps([found.data.metrics["loss"], found.data.params]))
""",
            server.uri,
        )
    )
    assert again == [7.0, {"lr": "0.1"}]
    until(lambda: not pending(home), 60)
    assert len(client.get_metric_history(run.info.run_id, "loss")) == 301
    assert client.get_run(run.info.run_id).info.status == "FINISHED"


def test_a_server_that_comes_back_in_between_has_one_run(
    server: Server, runner: Runner, home: Home, tmp_path: Path
) -> None:
    flag = tmp_path / "up"
    code = f"""
import json, mlflow, pathlib, time
mlflow.set_experiment("between")
with mlflow.start_run() as run:
    mlflow.log_metric("loss", 1.0, step=0)
    pathlib.Path({str(tmp_path / "begun")!r}).touch()
    while not pathlib.Path({str(flag)!r}).exists():
        time.sleep(0.01)
    mlflow.log_metric("loss", 2.0, step=1)
    mlflow.log_text("late", "late.txt")
print(json.dumps(run.info.run_id))
"""
    found: list[subprocess.CompletedProcess[str]] = []
    thread = threading.Thread(target=lambda: found.append(runner(code, server.uri)))
    thread.start()
    until(lambda: (tmp_path / "begun").exists(), 60)
    server.start()
    client = mlflow.MlflowClient(server.uri)
    until(lambda: client.get_experiment_by_name("between"), 90)
    flag.touch()
    thread.join(60)
    told = _told(found[0])
    until(lambda: not pending(home), 60)
    (run,) = client.search_runs([client.get_experiment_by_name("between").experiment_id])
    assert run.info.run_id == home.ids(server.uri).in_store(told)
    assert [one.value for one in client.get_metric_history(run.info.run_id, "loss")] == [1.0, 2.0]
    assert run.info.status == "FINISHED"
    assert "late.txt" in {one.path for one in client.list_artifacts(run.info.run_id)}


_LOGS_A_MODEL = """
import json, mlflow, numpy as np
from sklearn.linear_model import LinearRegression
x = np.arange(20.0).reshape(-1, 2)
model = LinearRegression().fit(x, x.sum(axis=1))
mlflow.set_experiment("models")
with mlflow.start_run() as run:
    data = mlflow.data.from_numpy(x, name="cells")
    mlflow.log_input(data, context="training", tags={"region": "north"})
    logged = mlflow.sklearn.log_model(
        model, name="linear", pip_requirements=["scikit-learn"],
        tags={"kind": "linear"}, params={"lr": "1"},
    )
    mlflow.log_metric("rmse", 0.5, model_id=logged.model_id, dataset=data)
    mlflow.set_logged_model_tags(logged.model_id, {"good": "yes"})
    loaded = mlflow.sklearn.load_model(logged.model_uri).predict(x[:1]).tolist()
try:
    mlflow.register_model(logged.model_uri, "linear")
except mlflow.MlflowException as error:
    refused = error.error_code
print(json.dumps({"model": logged.model_id, "loaded": loaded, "refused": refused}))
"""


def test_data_and_models_of_a_run_without_a_server(
    server: Server, runner: Runner, home: Home
) -> None:
    told = _told(runner(_LOGS_A_MODEL, server.uri))
    assert told["loaded"] == [pytest.approx(1.0)]
    assert told["refused"] == "TEMPORARILY_UNAVAILABLE"
    end_drainers(home)  # which waits before it tries again
    server.start()
    start(home)
    until(lambda: not pending(home), 60)
    client = mlflow.MlflowClient(server.uri)
    experiment = client.get_experiment_by_name("models").experiment_id
    (run,) = client.search_runs([experiment])
    (used,) = run.inputs.dataset_inputs
    assert used.dataset.name == "cells"
    assert {tag.key: tag.value for tag in used.tags} == {
        "mlflow.data.context": "training", "region": "north",
    }  # fmt: skip
    (output,) = run.outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert output.model_id == home.ids(server.uri).in_store(told["model"])
    assert (model.name, model.status.name, model.source_run_id) == (
        "linear", "READY", run.info.run_id,
    )  # fmt: skip
    assert (model.params["lr"], model.tags["kind"], model.tags["good"]) == ("1", "linear", "yes")
    assert [(one.key, one.value) for one in model.metrics] == [("rmse", 0.5)]
    paths = {one.path for one in client.list_logged_model_artifacts(model.model_id)}
    assert "MLmodel" in paths
    # In another process the model is found by the id that was told, as by that of the server.
    again = runner(
        f"""
import json, mlflow
version = mlflow.register_model("models:/{told["model"]}", "linear")
found = mlflow.sklearn.load_model("models:/{told["model"]}").predict([[1, 2]]).tolist()
print(json.dumps([found, str(version.version), version.source]))
""",
        server.uri,
    )
    assert _told(again) == [[pytest.approx(3.0)], "1", f"models:/{model.model_id}"]
    registered = client.get_model_version("linear", "1")
    assert registered.run_id == run.info.run_id
    until(lambda: not [*home.journals()], 30)


def _begun(home: Home, uri: str, experiment: str) -> str:
    """Leave the journal of a run that no store knows."""
    key = new_id()
    recorder = open_recorder(uri, key, home=home)
    recorder.record(Created(experiment, "lost", "me", 1_700_000_000_000, "", {"a": "1"}))
    recorder.record(Metric("loss", 1.0, 1_700_000_000_001, 0))
    recorder.close()
    return key


def test_a_run_of_which_the_reply_was_lost_is_not_made_again(server: Server, home: Home) -> None:
    server.start()
    client = mlflow.MlflowClient(server.uri)
    key = _begun(home, server.uri, "0")
    # The server has made it twice, and nobody has heard of it.
    made = sorted(client.create_run("0", tags={RUN_KEY: key}).info.run_id for _ in range(2))
    store = StoreClient(server.uri)
    journal = home.find(server.uri, key)
    assert run_in_store(home, journal, store) == made[0]
    assert run_in_store(home, journal, store) == made[0]
    discard_doubles(journal, store, made[0])
    assert [client.get_run(one).info.lifecycle_stage for one in made] == ["active", "deleted"]
    Drainer(home).round()
    assert client.get_run(made[0]).data.metrics == {"loss": 1.0}
    end_drainers(home)


def test_what_needs_the_store_says_so(server: Server, runner: Runner) -> None:
    told = _told(
        runner(
            """
import json, mlflow
errors = []
client = mlflow.MlflowClient()
for call in (
    lambda: mlflow.get_run("0" * 32),
    lambda: mlflow.set_experiment(experiment_id="7"),
    lambda: client.create_experiment("there", artifact_location="s3://bucket/x"),
    lambda: client.get_run("local-" + "0" * 32),
    lambda: client.delete_run("local-" + "0" * 32),
):
    try:
        call()
        errors.append(None)
    except mlflow.MlflowException as error:
        errors.append(error.error_code)
print(json.dumps(errors))
""",
            server.uri,
        )
    )
    assert told == ["TEMPORARILY_UNAVAILABLE"] * 5
