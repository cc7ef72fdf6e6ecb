"""Runs that start in the same moment log the same cube without getting in each other's way."""

from __future__ import annotations

import subprocess
import sys

import mlflow
import pytest
from stores import Place

_LOG = """
import sys, threading
import mlflow
from jupyter_mlkit.train.record import _log_input
from jupyter_mlkit.tracking.dataset import CubeDataset, CubeDatasetSource
import numpy as np, xarray as xr

uri, experiment, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
mlflow.set_tracking_uri(uri)
cube = xr.Dataset({"x": ("lat", np.zeros(3))}, coords={"lat": [1.0, 2.0, 3.0]})
print("ready", flush=True)
sys.stdin.readline()
for number in range(rounds):
    with mlflow.start_run(experiment_id=experiment):
        source = CubeDatasetSource("cube.zarr")
        _log_input(CubeDataset(cube, source, digest=f"stored:{number}"))
"""


@pytest.mark.slow
def test_two_runs_log_the_same_new_dataset_at_once(file_store: Place) -> None:
    experiment = file_store.experiment()
    rounds = 8
    command = [sys.executable, "-W", "ignore", "-c", _LOG, file_store.uri, experiment, str(rounds)]
    pair = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in pair:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in pair:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in pair:
        process.communicate(timeout=120)
        assert process.returncode == 0
    runs = file_store.client.search_runs([experiment])
    assert len(runs) == 2 * rounds
    assert all(len(run.inputs.dataset_inputs) == 1 for run in runs)
    assert mlflow.active_run() is None
