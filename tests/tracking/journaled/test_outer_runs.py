"""What MLflow's calls log after an inner run is of the outer one."""

from __future__ import annotations

from stores import Place

from jupyter_mlkit.tracking.drainer.service import Drainer, alone
from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.journal.home import Home

from .conftest import Runner


def test_mlflow_goes_back_to_the_outer_run(file_store: Place, runner: Runner, home: Home) -> None:
    with alone(home) as first:  # nothing is drained before it is over
        assert first
        done = runner(
            """
import os
import jupyter_mlkit as mlkit
a, b = mlkit.start_run("a"), mlkit.start_run("b")
import mlflow
with mlkit.start_run("c"):
    mlflow.log_metric("in_c", 1)
mlflow.log_metric("in_b", 1)
b.end()
mlflow.log_metric("in_a", 1)
with mlkit.start_run("d"):
    mlflow.log_metric("in_d", 1)
mlflow.log_metric("again_in_a", 1)
a.end()
assert mlflow.active_run() is None
assert "MLFLOW_RUN_ID" not in os.environ
""",
            file_store.uri,
        )
    assert done.returncode == 0, done.stderr
    drainer = Drainer(home)
    while pending(home):
        drainer.round()
    logged = {
        run.info.run_name: {key for key in run.data.metrics if "in_" in key and "." not in key}
        for run in file_store.client.search_runs(["0"])
    }
    assert logged == {"a": {"in_a", "again_in_a"}, "b": {"in_b"}, "c": {"in_c"}, "d": {"in_d"}}
