"""Runs and models that are logged without MLflow in the process, and are MLflow's all the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow.entities import LoggedModelStatus
from stores import Place, until

from jupyter_mlkit.paths import ENV_ARTIFACT_ROOT
from jupyter_mlkit.tracking import tags
from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.drainer.wake import wake
from jupyter_mlkit.tracking.journal.home import Home

from .conftest import Runner

Script = Callable[[str], Any]


@pytest.fixture
def script(runner: Runner, place: Place) -> Script:
    """Run a script, and return what it tells in JSON."""

    def run(code: str) -> Any:
        done: subprocess.CompletedProcess[str] = runner(code, place.uri)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def _run_of(place: Place, key: str) -> Any:
    experiments = [one.experiment_id for one in place.client.search_experiments()]
    found = place.client.search_runs(experiments, f"tags.`{tags.RUN_KEY}` = '{key}'")
    assert len(found) == 1
    return found[0]


_LOGS = """
import json, sys
import jupyter_mlkit as mlkit
with mlkit.start_run("forest", experiment="light", params={"trees": 3}, tags={"who": "me"}) as run:
    for n in range(300):
        run.log(loss=1 / (n + 1))
    run.log({"val/rmse": 0.5}, step=7, bias=-1)
    with mlkit.start_run("child") as child:
        child.log_params({"depth": 2})
print(json.dumps({"run": run.id, "child": child.id, "mlflow": "mlflow" in sys.modules}))
"""


def test_is_mlflows_in_the_end(place: Place, script: Script, home: Home) -> None:
    told = script(_LOGS)
    assert not told["mlflow"]
    until(lambda: not pending(home), 60)
    run, child = _run_of(place, told["run"]), _run_of(place, told["child"])
    assert (run.info.run_name, run.info.status) == ("forest", "FINISHED")
    assert run.data.params == {"trees": "3"}
    assert run.data.tags["who"] == "me"
    assert run.data.tags["mlflow.source.type"] == "LOCAL"
    assert (run.data.metrics["val/rmse"], run.data.metrics["bias"]) == (0.5, -1)
    history = place.client.get_metric_history(run.info.run_id, "loss")
    assert sorted((one.step, one.value) for one in history) == [
        (n, 1 / (n + 1)) for n in range(300)
    ]
    assert run.data.metrics[tags.CPU_SECONDS] > 0
    files = [one.path for one in place.client.list_artifacts(run.info.run_id, "mlkit")]
    assert "mlkit/environment.txt" in files
    assert child.data.tags[tags.PARENT] == run.info.run_id
    assert child.info.experiment_id != run.info.experiment_id


_MODEL = """
import json, sys
import jupyter_mlkit as mlkit, numpy as np
from sklearn.linear_model import LinearRegression

class Doubled(LinearRegression):
    '''Of no module that another process can import.'''
    def predict(self, X):
        return 2 * super().predict(X)

X = np.arange(30.0).reshape(10, 3) ** 1.5
with mlkit.start_run() as run:
    run.log_model(Doubled().fit(X, X.sum(axis=1)), "doubled", example=X)
print(json.dumps({"run": run.id, "mlflow": "mlflow" in sys.modules}))
"""


def test_a_model_is_logged_after_the_script_is_over(
    place: Place, script: Script, home: Home
) -> None:
    told = script(_MODEL)
    assert not told["mlflow"]
    assert sum(one.entries for one in pending(home)) > 0
    until(lambda: not pending(home), 120)
    run = _run_of(place, told["run"])
    (made,) = run.outputs.model_outputs
    model = place.client.get_logged_model(made.model_id)
    assert (model.name, model.status) == ("doubled", LoggedModelStatus.READY)
    assert model.tags["mlflow.source.name"] == run.data.tags["mlflow.source.name"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_TRACKING_URI", place.uri)
        loaded = mlflow.pyfunc.load_model(f"models:/{made.model_id}")
    rows = np.arange(30.0).reshape(10, 3) ** 1.5
    np.testing.assert_allclose(loaded.predict(rows), 2 * rows.sum(axis=1))
    assert loaded.metadata.signature is not None


_NETWORKS = {
    "pytorch": """
import torch
model, rows = torch.nn.Sequential(torch.nn.Linear(3, 1)), torch.ones(2, 3)
""",
    "keras": """
import os
os.environ["KERAS_BACKEND"] = "torch"
import keras, torch
model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
rows = torch.ones(2, 3)
""",
}


@pytest.mark.parametrize("framework", _NETWORKS)
def test_networks_are_known_and_come_back_as_they_were(
    runner: Runner, home: Home, framework: str
) -> None:
    done = runner(
        f"""
import pathlib
{_NETWORKS[framework]}
from jupyter_mlkit.tracking import making
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.unmade import hand_over, taken, unmade
journal = Home(pathlib.Path("home")).journal("sqlite:///store.db", "run")
hand_over(journal, "net", model, rows)
((folder, note),) = unmade(journal)
again, seen, _ = taken(folder)
assert note.name == "net" and torch.equal(seen, rows)
assert torch.equal(again(seen), model(rows))
flavor, given = making.flavor_of(again)
print(flavor.__name__)
""",
        "",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == f"mlflow.{framework}"


def test_a_model_that_cannot_be_logged_is_kept_and_told_of(
    file_store: Place, runner: Runner, home: Home
) -> None:
    done = runner(
        """
import sys, types
import jupyter_mlkit as mlkit
module = types.ModuleType("gone")
exec("class Model:\\n    def predict(self, X): return X", module.__dict__)
sys.modules["gone"] = module
with mlkit.start_run() as run:
    run.log_model(module.Model())
""",
        file_store.uri,
    )
    assert done.returncode == 0, done.stderr
    (one,) = until(lambda: [one for one in pending(home) if one.refused], 120)
    letters = (one.folder / "dead-letters.jsonl").read_text()
    assert "No module named 'gone'" in letters
    # Written down before it is put aside.
    until(lambda: [*one.folder.glob("refused-models/*/model.pickle")], 10)


@pytest.mark.parametrize(
    ("ends", "status", "reason"),
    [
        ("raise ValueError", "FAILED", None),
        ("raise KeyboardInterrupt", "KILLED", "stopped"),
        ("import os; os.kill(os.getpid(), 9)", "FAILED", "lost"),
        ("mlkit.start_run(); raise SystemExit(0)", "FINISHED", None),
    ],
)
def test_ends_as_the_block_does(
    file_store: Place, runner: Runner, home: Home, ends: str, status: str, reason: str | None
) -> None:
    done = runner(
        f"""
import jupyter_mlkit as mlkit
run = mlkit.start_run()
print(run.id, flush=True)
if "SystemExit" in {ends!r}:
    {ends}
with run:
    {ends}
""",
        file_store.uri,
    )
    key = done.stdout.strip()
    # Killed before it could start a drainer: a server that looks does.
    wake(home)
    until(lambda: not pending(home), 60)
    run = until(lambda: next((r for r in [_run_of(file_store, key)] if r.info.end_time), None), 60)
    assert run.info.status == status
    assert run.data.tags.get(tags.END_REASON) == reason


def test_mlflow_takes_its_id_at_once(place: Place, script: Script, home: Home) -> None:
    told = script(
        """
import json
import jupyter_mlkit as mlkit
with mlkit.start_run("both") as run:
    run.log(loss=1)
    import mlflow
    client = mlflow.MlflowClient()
    client.log_metric(run.id, "more", 2)
    seen = client.get_run(run.id)
print(json.dumps({"run": run.id, "name": seen.info.run_name}))
"""
    )
    assert told["name"] == "both"
    until(lambda: not pending(home), 60)
    assert _run_of(place, told["run"]).data.metrics.items() >= {"loss": 1, "more": 2}.items()


@pytest.mark.parametrize("before", ["import mlflow", "pass"])
def test_what_mlflow_logs_meanwhile_is_of_it(
    place: Place, script: Script, home: Home, before: str
) -> None:
    told = script(
        f"""
import json
import jupyter_mlkit as mlkit
{before}
with mlkit.start_run("outer", experiment="with {before}") as run:
    import mlflow
    mlflow.log_metric("more", 2)
    with mlkit.start_run("inner") as inner:
        mlflow.log_metric("less", 1)
    mlflow.log_param("depth", 3)
print(json.dumps({{"run": run.id, "inner": inner.id, "left": mlflow.active_run() is None}}))
"""
    )
    assert told["left"]
    until(lambda: not pending(home), 60)
    run, inner = _run_of(place, told["run"]), _run_of(place, told["inner"])
    assert (run.data.metrics["more"], run.data.params) == (2, {"depth": "3"})
    assert "less" not in run.data.metrics
    assert inner.data.metrics["less"] == 1
    assert (run.info.status, inner.info.status) == ("FINISHED", "FINISHED")
    experiment = place.client.get_experiment_by_name(f"with {before}")
    assert experiment is not None
    assert len(place.client.search_runs([experiment.experiment_id])) == 1


def test_our_own_store_is_made_where_nobody_was_before(runner: Runner, home: Home) -> None:
    done = runner(
        f"""
import os
import jupyter_mlkit as mlkit
del os.environ["{ENV_ARTIFACT_ROOT}"]
with mlkit.start_run("first", experiment="light") as run:
    run.log(loss=1)
""",
        "",
    )
    assert done.returncode == 0, done.stderr
    until(lambda: not pending(home), 60)
    uri = f"sqlite:///{home.root.parent / 'mlflow.db'}"
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("light")
    assert experiment is not None
    assert [run.info.run_name for run in client.search_runs([experiment.experiment_id])] == [
        "first"
    ]
    assert experiment.artifact_location.startswith(str(home.root.parent / "artifacts"))


def test_a_fork_logs_and_does_not_end_it(file_store: Place, runner: Runner, home: Home) -> None:
    done = runner(
        """
import atexit, os
import jupyter_mlkit as mlkit
with mlkit.start_run() as run:
    pid = os.fork()
    run.log({"child" if not pid else "parent": 1})
    if not pid:
        atexit._run_exitfuncs()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    run.log(after=1)
print(run.id)
""",
        file_store.uri,
    )
    assert done.returncode == 0, done.stderr
    until(lambda: not pending(home), 60)
    run = _run_of(file_store, done.stdout.strip())
    assert run.data.metrics.items() >= {"child": 1, "parent": 1, "after": 1}.items()
    assert run.info.status == "FINISHED"


def test_what_is_no_number_is_refused_whole(file_store: Place, runner: Runner, home: Home) -> None:
    done = runner(
        """
import jupyter_mlkit as mlkit
with mlkit.start_run() as run:
    try:
        run.log(loss=1, name="ridge")
    except Exception as error:
        print(error.code, error.message)
    run.log(loss=2)
print(run.id)
""",
        file_store.uri,
    )
    said, key = done.stdout.splitlines()
    assert said == "not_a_metric name is str 'ridge', not a number."
    until(lambda: not pending(home), 60)
    history = file_store.client.get_metric_history(_run_of(file_store, key).info.run_id, "loss")
    assert [(one.step, one.value) for one in history] == [(0, 2)]
