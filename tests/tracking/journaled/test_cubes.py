"""A cube that is logged by MLflow's own call makes its run findable, and keeps the split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
from drainers import end_drainers
from stores import Place, Server, until

from jupyter_mlkit.cubes.splits.stored import split_from_dict
from jupyter_mlkit.tracking import tags
from jupyter_mlkit.tracking.backend import TrackingBackend
from jupyter_mlkit.tracking.drainer.process import start
from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.journal.home import Home

from .conftest import Runner

_LOGS = """
import json, mlflow, numpy as np, xarray as xr
from jupyter_mlkit.cubes.splits.blocks import BlockSplit

def cube(begin, end):
    time = np.arange(begin, end, dtype="M8[D]").astype("M8[ns]")[::10]
    return xr.Dataset(
        {"lst": (("time", "lat", "lon"), np.zeros((time.size, 4, 4), "f4"))},
        {"time": time, "lat": [3.0, 2, 1, 0], "lon": [10.0, 11, 12, 13]},
    )

split = BlockSplit({"lat": 2, "lon": "2 deg"})
first, second = cube("2003-01-01", "2006-01-01"), cube("2010-01-01", "2011-01-01")
with mlflow.start_run() as run:
    mlflow.log_input(mlflow.data.from_xarray(first, "a.zarr", split=split), "training")
    mlflow.log_input(mlflow.data.from_xarray(second, "b.zarr"), "validation")
    mlflow.log_input(mlflow.data.from_numpy(np.zeros(3), name="other"))
    own = mlflow.get_run(run.info.run_id).data.tags
print(json.dumps({
    "run": run.info.run_id, "tags": own, "hash": split.resolve(first).hash,
    "rule": split.resolve(first).to_dict(),
}))
"""


def _told(runner: Runner, uri: str) -> Any:
    done = runner(_LOGS, uri)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _check(found: dict[str, str], split: str) -> None:
    assert {key: found.get(key) for key in _EXPECTED} == _EXPECTED
    assert found[tags.SPLIT_HASH] == split


_EXPECTED = {
    tags.CUBE_URI: "a.zarr",
    tags.CUBE_BEGIN: "2003-01-01",
    tags.CUBE_END: "2010-12-27",
    tags.CUBE_YEARS: " 2003 2004 2005 2010 ",
}


def test_a_cube_of_plain_mlflow_is_found(
    file_store: Place, runner: Runner, home: Home, tmp_path: Path
) -> None:
    told = _told(runner, file_store.uri)
    _check(told["tags"], told["hash"])
    until(lambda: not pending(home), 60)
    run = file_store.client.get_run(told["run"])
    _check(run.data.tags, told["hash"])
    assert len(run.inputs.dataset_inputs) == 3
    profile = json.loads(run.inputs.dataset_inputs[0].dataset.profile)
    assert profile["split"] == {"hash": told["hash"], "rule": told["rule"]}
    path = file_store.client.download_artifacts(told["run"], tags.ARTIFACT_SPLIT, str(tmp_path))
    kept = json.loads(Path(path).read_text())
    assert split_from_dict(kept["rule"]).hash == kept["hash"] == told["hash"]
    search = file_store.backend.runs
    digest = run.inputs.dataset_inputs[0].dataset.digest
    for asked in ({"cube": "a.zarr"}, {"cube": digest}, {"period": "2004-02/2004-03"}):
        assert [one.run_id for one in search(**asked).items] == [told["run"]], asked  # type: ignore[arg-type]
    # The years of neither cube.
    assert search(period="2007").items == []


def test_a_cube_that_is_logged_without_a_server_is_found_later(
    empty_store: Path, runner: Runner, home: Home, tmp_path: Path
) -> None:
    (tmp_path / "server").mkdir()
    server = Server(empty_store, tmp_path / "server")
    try:
        told = _told(runner, server.uri)
        _check(told["tags"], told["hash"])
        end_drainers(home)  # which waits before it tries again
        server.start()
        start(home)
        until(lambda: not pending(home), 60)
        (run,) = TrackingBackend(server.uri).runs(cube="a.zarr", period="2010-11").items
        _check(run.tags, told["hash"])
        client = mlflow.MlflowClient(server.uri)
        files = [one.path for one in client.list_artifacts(run.run_id, "mlkit")]
        assert tags.ARTIFACT_SPLIT in files
    finally:
        server.stop()
