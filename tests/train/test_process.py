"""Job and probe as real processes: what they leave behind however they end."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest

from jupyter_mlkit.spec import dump_yaml, load_spec
from jupyter_mlkit.tracking import tags

from .conftest import FEATURE, TARGET, make_spec

_LONG = {
    "class": "sklearn.ensemble.GradientBoostingRegressor",
    "params": {"n_estimators": 5000, "max_depth": 6},
}


def start(folder: Path, spec: dict[str, Any]) -> subprocess.Popen[bytes]:
    (folder / "spec.yaml").write_text(dump_yaml(load_spec(spec)))
    with (folder / "output.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlkit.train", "job", str(folder)],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "JUPYTER_MLKIT_JOB_ID": "job-1"},
            cwd=folder,
        )


def wait_for_phase(process: subprocess.Popen[bytes], folder: Path, phase: str) -> dict[str, Any]:
    """Wait until the job says that it is in `phase` and has come somewhere with it."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        path = folder / "state.json"
        if path.exists():
            # Replaced whole: whatever is read is whole.
            state: dict[str, Any] = json.loads(path.read_text())
            if state["phase"] == phase and state["progress"]:
                return state
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"the job has ended: {(folder / 'output.log').read_text()[-2000:]}")
    pytest.fail("the job did not get there")


def ended(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    return found


def test_job_done(store: str, small_cube: Path, tmp_path: Path) -> None:
    process = start(tmp_path, make_spec(small_cube))
    assert process.wait(120) == 0, (tmp_path / "output.log").read_text()
    result = ended(tmp_path)
    assert result["state"] == "DONE"
    assert result["error"] is None
    state = json.loads((tmp_path / "state.json").read_text())
    assert state == {
        "phase": "done",
        "progress": 1.0,
        "run_id": result["run_id"],
        "experiment_id": state["experiment_id"],
        "fit": None,
    }
    said = re.findall(r"^\d\d:\d\d:\d\d (.*)$", (tmp_path / "output.log").read_text(), re.M)
    assert said[0] == "importing libraries"
    assert said[-1] == "done"
    logged = mlflow.get_run(result["run_id"])
    assert logged.info.status == "FINISHED"
    assert logged.data.tags[tags.JOB_ID] == "job-1"
    assert logged.data.tags["mlflow.source.type"] == "JOB"


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_job_stopped_while_it_fits(
    store: str, small_cube: Path, tmp_path: Path, signum: int, code: int
) -> None:
    process = start(tmp_path, make_spec(small_cube, model=_LONG))
    state = wait_for_phase(process, tmp_path, "fitting")
    fit = state["fit"]
    assert (fit["unit"], fit["total"], fit["done"]) == ("member", 5000, 5000 * state["progress"])
    assert fit["eta_seconds"] > 0
    assert set(fit["metrics"]) == {"train_rmse", "val_rmse"}
    process.send_signal(signum)
    assert process.wait(60) == code
    said = (tmp_path / "output.log").read_text()
    assert re.search(r"^[\d:]+ member \d+ of 5000: train_rmse [\d.]+, val_rmse [\d.]+$", said, re.M)
    result = ended(tmp_path)
    assert (result["state"], result["code"]) == ("STOPPED", code)
    assert result["run_id"] == state["run_id"]
    logged = mlflow.get_run(result["run_id"])
    assert logged.info.status == "KILLED"
    assert logged.data.tags[tags.END_REASON] == "stopped"
    # What was logged before stays.
    assert logged.data.metrics["val_rmse"] > 0


def test_job_fails_while_it_fits(store: str, small_cube: Path, tmp_path: Path) -> None:
    model = {
        "class": "sklearn.ensemble.HistGradientBoostingRegressor",
        "params": {"loss": "gamma"},
    }
    process = start(tmp_path, make_spec(small_cube, model=model))
    assert process.wait(120) == 1
    result = ended(tmp_path)
    assert result["state"] == "FAILED"
    assert "gamma" in result["error"]["message"]
    assert "Traceback" in (tmp_path / "output.log").read_text()
    assert mlflow.get_run(result["run_id"]).info.status == "FAILED"


def test_job_with_a_wrong_spec_leaves_no_run(store: str, small_cube: Path, tmp_path: Path) -> None:
    before = len(mlflow.search_runs(search_all_experiments=True))
    process = start(tmp_path, make_spec(small_cube, target="temprature"))
    assert process.wait(120) == 1
    result = ended(tmp_path)
    assert result["state"] == "FAILED"
    assert result["run_id"] is None
    assert result["error"]["code"] == "unknown_variable"
    assert result["error"]["field"] == "target"
    assert len(mlflow.search_runs(search_all_experiments=True)) == before


def test_job_without_its_store(small_cube: Path, tmp_path: Path) -> None:
    gone = {
        **os.environ,
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/nowhere/mlflow.db",
    }
    (tmp_path / "spec.yaml").write_text(dump_yaml(load_spec(make_spec(small_cube))))
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_mlkit.train", "job", str(tmp_path)],
        env=gone,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    error = ended(tmp_path)["error"]
    assert error["code"].startswith("store_")
    assert error["hint"]
    assert not (tmp_path / "nowhere").exists()


class Probe:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlkit.train", "probe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._id = 0

    def send(self, line: bytes) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def ask(self, op: str, **args: Any) -> dict[str, Any]:
        self._id += 1
        answer = self.send(json.dumps({"id": self._id, "op": op, "args": args}).encode())
        assert answer["id"] == self._id
        return answer


@pytest.fixture(scope="module")
def probe() -> Iterator[Probe]:
    probe = Probe()
    yield probe
    assert probe.process.stdin is not None
    probe.process.stdin.close()
    assert probe.process.wait(20) == 0
    assert probe.process.stdout is not None
    assert probe.process.stdout.read() == b""
    probe.process.stdout.close()


def test_probe_checks(probe: Probe) -> None:
    result = probe.ask("check")["result"]
    assert set(result) == {"jupyter_mlkit", "spec_version", "mlflow", "mlflow_schema", "python"}
    assert result["mlflow"] == mlflow.__version__
    assert len(result["mlflow_schema"]) == 12


def test_probe_describes(probe: Probe, small_cube: Path) -> None:
    answer = probe.ask("describe", uri=str(small_cube), options={})
    assert answer["ok"], answer
    names = {variable["name"] for variable in answer["result"]["variables"]}
    assert {TARGET, FEATURE} <= names


def test_probe_lists_estimators(probe: Probe) -> None:
    items = probe.ask("estimators")["result"]["items"]
    fields = {"class", "name", "kind", "summary", "params_schema", "fit", "problem"}
    assert all(set(item) == fields for item in items)
    assert "MLP (PyTorch)" in {item["name"] for item in items}


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"sources": [{"uri": "/no/such.zarr"}]}, "cube_not_found", "sources.0.uri"),
        ({"sources": [{"uri": __file__}]}, "not_a_cube", "sources.0.uri"),
        ({"target": "temprature"}, "unknown_variable", "target"),
        ({"features": ["air"]}, "unknown_variable", "features"),
        ({"target": "nothing"}, "all_missing", "target"),
        ({"split": {"kind": "block", "sizes": {"lat": "90 deg"}}}, "empty_split", "split"),
        ({"model": {"class": "sklearn.linear_model.Rige"}}, "unknown_estimator", "model.class"),
        (
            {"model": {"class": "sklearn.linear_model.Ridge", "params": {"alfa": 1}}},
            "unknown_parameter",
            "model.params.alfa",
        ),
        (
            {"model": {"class": "sklearn.linear_model.Ridge", "params": {"alpha": "x"}}},
            "wrong_parameter",
            "model.params.alpha",
        ),
        (
            {"model": {"class": "sklearn.neighbors.KNeighborsClassifier"}},
            "target_not_classes",
            "model.class",
        ),
        ({"fit": {"seed": "one"}}, "invalid_spec", "fit.seed"),
    ],
)
def test_probe_validates(
    probe: Probe, small_cube: Path, changes: dict[str, Any], code: str, field: str
) -> None:
    answer = probe.ask("validate", spec=make_spec(small_cube, **changes))
    assert answer["ok"], answer
    assert not answer["result"]["ok"]
    error = answer["result"]["errors"][0]
    assert error["code"] == code, error
    assert error["field"] == field or error["field"].startswith(f"{field}."), error


def test_probe_finds_all_that_is_wrong(probe: Probe, small_cube: Path) -> None:
    wrong = make_spec(
        small_cube,
        target="nothing",
        model={"class": "sklearn.linear_model.Ridge", "params": {"alfa": 1, "tol": "x"}},
    )
    errors = probe.ask("validate", spec=wrong)["result"]["errors"]
    assert [error["code"] for error in errors] == [
        "unknown_parameter",
        "wrong_parameter",
        "all_missing",
    ]


def test_probe_previews(probe: Probe, small_cube: Path) -> None:
    assert probe.ask("validate", spec=make_spec(small_cube))["result"]["ok"]
    result = probe.ask("preview", spec=make_spec(small_cube))["result"]
    assert [count["role"] for count in result["roles"]] == ["train", "validation", "test"]
    assert all(count["cells"] > 0 for count in result["roles"])
    assert 0.1 < result["valid_share"] < 0.4
    assert result["memory_bytes"] > result["decoded_bytes"] > 0
    assert base64.b64decode(result["map_png"])[:4] == b"\x89PNG"
    slow = make_spec(small_cube, model={"class": "sklearn.svm.SVR"})
    warnings = probe.ask("preview", spec=slow)["result"]["warnings"]
    assert "slow_estimator" in {warning["code"] for warning in warnings}


def test_probe_survives_nonsense(probe: Probe) -> None:
    assert probe.send(b"nonsense")["error"]["code"] == "invalid_input"
    assert probe.send(b"[]")["error"]["code"] == "invalid_input"
    assert probe.ask("dance")["error"]["field"] == "op"
    assert not probe.ask("describe")["ok"]
    assert probe.ask("check")["ok"]


def test_usage() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_mlkit.train", "dance"], capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"usage" in done.stderr
