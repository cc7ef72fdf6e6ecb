"""The server never unpickles: every route is visited while poisoned models lie everywhere."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import urllib.error
import urllib.parse
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import mlflow
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from jupyter_mlkit.api.routes import handlers

from .live_server import LiveServer, start_server
from .routes import NAMES, well_formed

#: Writes down what is unpickled, in which process; inherited by every helper of the server.
_SITE = """
import os, sys
def write(text):
    file = os.open(os.environ["UNPICKLED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{os.getpid()} {text}\\n".encode())
    os.close(file)
def hear(event, args):
    if event == "pickle.find_class":
        write(f"{args[0]}.{args[1]}")
sys.addaudithook(hear)
write("listens")
"""


class Touch:
    """A pickle of it makes a file where it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.fixture
def server(new_store: Callable[[], Path], tmp_path: Path) -> Iterator[tuple[LiveServer, Path]]:
    store = new_store()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(_SITE)
    running = start_server(
        store,
        "--MLKitLimits.requests_per_second=1000000",
        "--MLKitLimits.requests_burst=1000000",
        PYTHONPATH=str(tmp_path / "site"),
        UNPICKLED=str(tmp_path / "unpickled"),
    )
    yield running, store
    running.close()


def poison(store: Path, canary: Path) -> dict[str, Any]:
    """Log, register and alias models whose reading makes a file; return their names."""
    uri = f"sqlite:///{store}"
    client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    experiment = client.create_experiment("poison", str(store.parent / "artifacts" / "poison"))
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    x = np.arange(6.0).reshape(3, 2)
    try:
        with mlflow.start_run(experiment_id=experiment) as run, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            info = mlflow.sklearn.log_model(
                LinearRegression().fit(x, x[:, 0]),
                name="model",
                serialization_format="pickle",
                pip_requirements=[],
                registered_model_name="poisoned",
            )
        client.set_registered_model_alias("poisoned", "champion", "1")
        location = Path(client.get_logged_model(info.model_id).artifact_location)
    finally:
        mlflow.set_tracking_uri(before)
    (path,) = location.rglob("*.pkl")
    path.write_bytes(pickle.dumps(Touch(canary)))
    (location / "MLmodel").write_text(
        f"!!python/object/apply:pathlib.Path.touch [{canary}]\n"
        + (location / "MLmodel").read_text()
    )
    folder = Path(run.info.artifact_uri)
    (folder / "mlkit").mkdir(parents=True)
    for name in ("a.pkl", "a.npy", "a.pt", "a.csv", "a.json", "a.ipynb"):
        (folder / name).write_bytes(pickle.dumps(Touch(canary)))
    joblib.dump(Touch(canary), folder / "a.joblib")
    for name in ("spec.yaml", "model.json", "cube.json", "scores.json"):
        text = f"!!python/object/apply:pathlib.Path.touch [{canary}]"
        (folder / "mlkit" / name).write_text(text)
    files = [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()]
    names = NAMES | {"run_id": run.info.run_id, "name": "poisoned"}
    return {"names": names, "files": [*files, "model/MLmodel", "model/model.pkl"], "model": info}


def test_no_route_unpickles(server: tuple[LiveServer, Path], tmp_path: Path) -> None:
    running, store = server
    canary = tmp_path / "canary"
    made = poison(store, canary)
    visited = 0
    for handler in handlers():
        if "{child_id}" in handler.path or handler.path.startswith("children"):
            continue  # a process of its own, with tests of its own
        for verb, declared in handler.endpoints.items():
            if verb == "delete" and handler.path == "runs/{run_id}":
                continue  # it would hide the run from all that follow
            body, query = well_formed(declared)
            queries = [query]
            if declared.query is not None and declared.query.__name__ == "ContentQuery":
                queries = [[("path", name)] for name in made["files"]]
            elif any(key == "run_id" for key, _ in query):
                ids = [("run_id", made["names"]["run_id"])] * 2
                queries = [[*ids, *(pair for pair in query if pair[0] != "run_id")]]
            for pairs in queries:
                path = handler.path.format(**made["names"])
                visited += _visit(running, verb, path, body, pairs)
    assert visited > 30
    assert not canary.exists()
    lines = (tmp_path / "unpickled").read_text().splitlines()
    mine = [line for line in lines if line.startswith(f"{running.process.pid} ")]
    assert mine == [f"{running.process.pid} listens"]
    assert not [line for line in lines if "touch" in line.lower()]


def _visit(
    running: LiveServer, verb: str, path: str, body: bytes | None, query: list[tuple[str, str]]
) -> bool:
    """Ask; tell whether it was let in. What is refused is refused for a reason."""
    quoted = urllib.parse.quote(path) + ("?" + urllib.parse.urlencode(query) if query else "")
    try:
        running.ask(
            verb.upper(), f"jupyter-mlkit/api/{quoted}", None if body is None else json.loads(body)
        )
    except urllib.error.HTTPError as error:
        if error.code >= 500:
            raise AssertionError((verb, path, error.read())) from error
        return False
    except ValueError:  # the bytes of a file are no JSON
        return True
    return True


def test_the_audit_hears_what_is_unpickled(tmp_path: Path) -> None:
    """Without this, the test above would pass on a deaf hook."""
    (tmp_path / "sitecustomize.py").write_text(_SITE)
    heard = tmp_path / "unpickled"
    code = "import pickle, pathlib; pickle.loads(pickle.dumps(pathlib.Path))"
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "UNPICKLED": str(heard)},
    )
    assert "pathlib.Path" in heard.read_text()
