"""A search finds what this process has begun offline, beside the runs of the store."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from stores import Server, until

from jupyter_mlkit.tracking.drainer.process import start
from jupyter_mlkit.tracking.drainer.service import alone
from jupyter_mlkit.tracking.journal.home import Home

from .conftest import Runner

_BEGIN = """
import json, mlflow, pathlib, time
mlflow.set_experiment("sea")
client = mlflow.MlflowClient()
def train(name, loss):
    with mlflow.start_run(run_name=name) as run:
        mlflow.log_metric("loss", loss)
        mlflow.log_param("lr", loss / 10)
    return run
first = train("own 1", 1.0)
train("own 3", 3.0)
here = [first.info.experiment_id]
def names(**more):
    found, token = [], None
    while True:
        page = client.search_runs(here, page_token=token, **more)
        assert len(page) <= more.get("max_results", 1000)
        found += page
        token = page.token
        if not token:
            return [run.info.run_name for run in found]
def wait(name):
    while not pathlib.Path(name).exists():
        time.sleep(0.01)
"""


@pytest.fixture
def server(empty_store: Path, tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "server"
    folder.mkdir()
    server = Server(empty_store, folder)
    yield server
    server.stop()


def _told(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_without_the_store_what_only_this_process_knows_is_found(
    server: Server, runner: Runner, home: Home
) -> None:
    told = _told(
        runner(
            f"""{_BEGIN}
def error(call):
    try:
        call()
    except mlflow.MlflowException as failed:
        return failed.error_code
print(json.dumps({{
    "all": names(),
    "filtered": names(filter_string="metrics.loss > 2 and params.lr LIKE '0.%'"),
    "named": names(filter_string="attributes.run_name = 'own 1'"),
    "dataset": names(filter_string="dataset.name = 'x'"),
    "ordered": names(order_by=["metrics.loss ASC"]),
    "paged": names(order_by=["metrics.loss DESC"], max_results=1),
    "deleted": names(run_view_type=mlflow.entities.ViewType.DELETED_ONLY),
    "table": mlflow.search_runs()["metrics.loss"].tolist(),
    "best": mlflow.search_runs(experiment_names=["sea"], max_results=1,
                               order_by=["metrics.loss"])["tags.mlflow.runName"].tolist(),
    "away": error(lambda: client.search_runs(["0"])),
    "both": error(lambda: client.search_runs(["0", *here])),
    "wrong": error(lambda: names(filter_string="nonsense ~ 1")),
}}))
""",
            server.uri,
        )
    )
    assert told == {
        "all": ["own 3", "own 1"],
        "filtered": ["own 3"],
        "named": ["own 1"],
        "dataset": [],
        "ordered": ["own 1", "own 3"],
        "paged": ["own 3", "own 1"],
        "deleted": [],
        "table": [3.0, 1.0],
        "best": ["own 1"],
        "away": "TEMPORARILY_UNAVAILABLE",
        "both": "TEMPORARILY_UNAVAILABLE",
        "wrong": "INVALID_PARAMETER_VALUE",
    }


def test_own_runs_take_their_place_among_those_of_the_store(
    server: Server, runner: Runner, home: Home, tmp_path: Path
) -> None:
    code = f"""{_BEGIN}
pathlib.Path("begun").touch()
wait("up")
while len(names()) < 5:
    time.sleep(0.05)  # for some seconds it is not asked again
told = {{
    "ordered": names(order_by=["metrics.loss ASC"]),
    **{{str(n): names(order_by=["metrics.loss DESC"], max_results=n) for n in range(1, 7)}},
    "filtered": names(filter_string="metrics.loss < 2.5", max_results=2),
}}
pathlib.Path("told").touch()
wait("drained")
told["after"] = names(order_by=["metrics.loss ASC"])
told["first"] = [run.info.run_id for run in client.search_runs(here, "metrics.loss = 1")]
print(json.dumps(told))
"""
    found: list[subprocess.CompletedProcess[str]] = []
    with alone(home) as first:  # nothing is drained
        assert first
        thread = threading.Thread(target=lambda: found.append(runner(code, server.uri)))
        thread.start()
        until(lambda: (tmp_path / "begun").exists(), 60)
        server.start()
        client = mlflow.MlflowClient(server.uri)
        experiment = client.create_experiment("sea")
        for loss in (0.0, 2.0, 4.0):
            run = client.create_run(experiment, run_name=f"theirs {loss:.0f}")
            client.log_metric(run.info.run_id, "loss", loss)
        (tmp_path / "up").touch()
        until(lambda: (tmp_path / "told").exists() or found, 90)
    start(home)

    def arrived() -> bool:
        return len(client.search_runs([experiment], "attributes.status = 'FINISHED'")) == 2

    until(lambda: arrived() or (found and found[0].returncode), 60)
    (tmp_path / "drained").touch()
    thread.join(60)
    told = _told(found[0])
    rising = ["theirs 0", "own 1", "theirs 2", "own 3", "theirs 4"]
    assert told["ordered"] == told["after"] == rising
    assert all(told[str(n)] == rising[::-1] for n in range(1, 7))
    assert {*told["filtered"]} == {"theirs 0", "own 1", "theirs 2"}
    (first_run,) = client.search_runs([experiment], "metrics.loss = 1")
    assert told["first"] == [first_run.info.run_id]
