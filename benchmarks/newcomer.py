"""What tracking costs a short script: open a cube, 200,000 rows, train, log metrics and a model.

The same script runs without tracking, with MLflow's own calls, with its autologging, and with the
same MLflow calls in a kernel of ours (the journal before the store), in turn, each in a process of
its own. The store is there before, as it is when a Lab runs. Seconds are medians of the whole
process; the ratio is to the script without tracking.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cube_bench.cube import FEATURE, QUICK, TARGET, make

from jupyter_mlkit.paths import ENV_ARTIFACT_ROOT, ENV_JOURNAL
from jupyter_mlkit.tracking.drainer.service import alone
from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.store import prepare_store

#: Times the seconds of the script without tracking.
LIMIT = 1.25

_SCRIPT = """
import sys, time
began = time.perf_counter()
parts = {{}}

def part(name):
    global began
    now = time.perf_counter()
    parts[name], began = now - began, now

import numpy as np, xarray as xr
from sklearn.ensemble import HistGradientBoostingRegressor
part("imports")
{before}
part("tracking before")
ds = xr.open_zarr(sys.argv[1], chunks=None)
rng = np.random.default_rng(0)
X, y = [], []
for first in (0, 90):
    block = ds.isel(time=slice(0, 256), lat=slice(0, 90), lon=slice(first, first + 90))
    x, t = (block[name].values.ravel() for name in ({feature!r}, {target!r}))
    kept = rng.permutation(np.flatnonzero(np.isfinite(x) & np.isfinite(t)))[:100_000]
    X.append(x[kept, None])
    y.append(t[kept])
X, y = np.concatenate(X), np.concatenate(y)
part("rows")
model = HistGradientBoostingRegressor(max_iter=50).fit(X, y)
rmse = float(np.sqrt(np.mean((model.predict(X) - y) ** 2)))
part("fit")
{after}
part("tracking after")
import json
print(json.dumps(parts))
"""
_EXPLICIT = (
    """
import mlflow
mlflow.set_experiment("newcomer")
run = mlflow.start_run()
mlflow.log_param("max_iter", 50)
""",
    """
mlflow.log_metric("rmse", rmse)
mlflow.sklearn.log_model(model, name="model", serialization_format="cloudpickle")
mlflow.end_run()
""",
)
_AUTOLOG = (
    """
import mlflow
mlflow.set_experiment("newcomer")
mlflow.sklearn.autolog(serialization_format="cloudpickle")
run = mlflow.start_run()
""",
    """
mlflow.log_metric("rmse", rmse)
mlflow.end_run()
""",
)
_OURS = (
    """
import jupyter_mlkit as mlkit
run = mlkit.start_run(experiment="newcomer", params={"max_iter": 50})
""",
    """
run.log(rmse=rmse)
run.log_model(model)
run.end()
""",
)
#: Name, what comes before and after, and whether the journal is on.
CASES = {
    "no tracking": ("", "", "0"),
    "MLflow": (*_EXPLICIT, "0"),
    "MLflow, autologging": (*_AUTOLOG, "0"),
    "our own calls": (*_OURS, "1"),
    "the same calls in our kernel": (*_EXPLICIT, "1"),
    "autologging in our kernel": (*_AUTOLOG, "1"),
}


def run(name: str, cube: Path, folder: Path) -> dict[str, float]:
    """Run a script, and return the seconds of its parts and of all of it."""
    before, after, journal = CASES[name]
    folder.mkdir()
    store = f"sqlite:///{folder / 'mlflow.db'}"
    prepare_store(store, folder / "artifacts")
    code = _SCRIPT.format(before=before, after=after, feature=FEATURE, target=TARGET)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, cube],
        env={
            **os.environ,
            ENV_JOURNAL: journal,
            ENV_ARTIFACT_ROOT: str(folder / "artifacts"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "MLFLOW_TRACKING_URI": store,
            "MLFLOW_DISABLE_TELEMETRY": "true",
        },
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    took = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    parts: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    _drained(folder)
    return parts | {"all": took}


def _drained(folder: Path) -> None:
    """Return when nothing runs on: it would be measured with the next."""
    home = Home(folder / "data" / "jupyter_mlkit" / "journal")
    while home.root.exists():
        with alone(home) as nobody_drains:
            if nobody_drains and not pending(home):
                return
        time.sleep(0.2)


def table(rows: dict[str, list[dict[str, float]]]) -> None:
    """Print the medians."""
    names = ["imports", "tracking before", "rows", "fit", "tracking after", "all"]
    print(f"{'':30s}" + "".join(f"{name:>17s}" for name in names) + f"{'ratio':>8s}")
    base = statistics.median(row["all"] for row in rows["no tracking"])
    for name, found in rows.items():
        medians = [statistics.median(row[part] for row in found) for part in names]
        cells = "".join(f"{value:17.2f}" for value in medians)
        print(f"{name:30s}{cells}{medians[-1] / base:8.2f}")


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    options = parser.parse_args()
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in CASES}
    with tempfile.TemporaryDirectory() as scratch:
        cube = make(QUICK, Path(scratch))
        for number in range(options.rounds):
            for name in list(CASES) if number % 2 == 0 else reversed(CASES):
                folder = Path(scratch) / f"{number}-{name.replace(' ', '-').replace(',', '')}"
                rows[name].append(run(name, cube, folder))
    table(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
