"""Files of a run are kept here before they go over the network, and are seen all the time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from stores import Place, Server, until

from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.journal.home import Home

from .conftest import Runner


@pytest.fixture
def server(empty_store: Path, tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "server"
    folder.mkdir()
    server = Server(empty_store, folder)
    server.start()
    yield server
    server.stop()


_LOGS_FILES = """
import json, mlflow, numpy as np, pathlib, time
from sklearn.linear_model import LinearRegression
def wait(name):
    pathlib.Path(name).touch()
    while not pathlib.Path(name + ".go").exists():
        time.sleep(0.01)
client = mlflow.MlflowClient()
x = np.arange(20.0).reshape(-1, 2)
with mlflow.start_run() as run:
    mlflow.log_text("first", "a/plot.txt")
    wait("logged")
    begin = time.monotonic()
    mlflow.log_text("second", "a/plot.txt")
    mlflow.log_text("away", "b.txt")
    seconds = time.monotonic() - begin
    paths = sorted(one.path for one in client.list_artifacts(run.info.run_id))
    inside = [one.path for one in client.list_artifacts(run.info.run_id, "a")]
    text = pathlib.Path(client.download_artifacts(run.info.run_id, "a/plot.txt")).read_text()
    wait("away")
    model = mlflow.sklearn.log_model(
        LinearRegression().fit(x, x.sum(axis=1)), name="linear",
        pip_requirements=["scikit-learn"],
    )
    value = mlflow.sklearn.load_model(model.model_uri).predict(x[:1]).tolist()
    mlflow.log_metric("rmse", 1.0, model_id=model.model_id)
    mlflow.register_model(model.model_uri, "of-files")
print(json.dumps([run.info.run_id, paths, inside, text, seconds, model.model_id, value]))
"""


def test_files_wait_while_the_server_is_away(
    server: Server, runner: Runner, home: Home, tmp_path: Path
) -> None:
    client = mlflow.MlflowClient(server.uri)
    found = []
    thread = threading.Thread(target=lambda: found.append(runner(_LOGS_FILES, server.uri)))
    thread.start()
    until(lambda: (tmp_path / "logged").exists(), 60)
    (run,) = client.search_runs(["0"])

    def there(folder: str | None = None) -> set[str]:
        return {one.path for one in client.list_artifacts(run.info.run_id, folder)}

    # It is seen while the run goes on.
    until(lambda: "a/plot.txt" in there("a"), 60)
    server.stop()
    (tmp_path / "logged.go").touch()
    until(lambda: (tmp_path / "away").exists() or found, 120)
    server.start()
    (tmp_path / "away.go").touch()
    thread.join(120)
    assert found[0].returncode == 0, found[0].stderr
    run_id, paths, inside, text, seconds, model_id, value = json.loads(found[0].stdout)
    assert run_id == run.info.run_id
    assert {"a", "b.txt"} <= {*paths}
    assert (inside, text) == (["a/plot.txt"], "second")
    assert seconds < 60  # MLflow alone tries for four minutes
    assert value == [pytest.approx(1.0)]
    until(lambda: not pending(home), 60)
    assert {"a", "b.txt"} <= there()
    path = client.download_artifacts(run_id, "a/plot.txt", str(tmp_path))
    assert Path(path).read_text() == "second"
    assert client.get_run(run_id).info.status == "FINISHED"
    # Begun soon after the outage, it may have been given an id of here.
    model_id = home.ids(server.uri).in_store(model_id) or model_id
    model = client.get_logged_model(model_id)
    assert model.status.name == "READY"
    assert "MLmodel" in {one.path for one in client.list_logged_model_artifacts(model_id)}
    assert [one.key for one in model.metrics] == ["rmse"]
    version = client.get_model_version("of-files", "1")
    assert (version.source, version.run_id) == (f"models:/{model_id}", run_id)
    until(lambda: not [*home.journals()], 30)


def test_files_on_a_disk_of_here_go_there_at_once(
    file_store: Place, runner: Runner, home: Home
) -> None:
    done = runner(
        f"""
import mlflow
with mlflow.start_run(experiment_id="{file_store.experiment()}"):
    mlflow.log_text("x", "x.txt")
    print(mlflow.get_artifact_uri())
""",
        file_store.uri,
    )
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "x.txt").read_text() == "x"
