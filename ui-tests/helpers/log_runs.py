"""Log plain runs as a script in a terminal would: ``log_runs.py KIND JSON``.

JSON maps experiments to names of runs. Each run has a metric with ten steps.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(kind: str, experiments: dict[str, list[str]]) -> None:
    """Log to the store of the server `kind`; run number ``i`` ends with ``val_rmse = 2 + i``."""
    home = Path(__file__).resolve().parents[2] / ".workspace" / f"ui-{kind}"
    os.environ |= {
        "JUPYTER_DATA_DIR": str(home / "data"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    import mlflow

    from jupyter_mlkit.train.store import use_store

    use_store()
    for experiment, names in experiments.items():
        mlflow.set_experiment(experiment)
        for number, name in enumerate(names):
            with mlflow.start_run(run_name=name):
                mlflow.log_params({"model": f"ridge{number}", "seed": 0})
                for step in range(10):
                    mlflow.log_metric("val_rmse", 2 + number + (9 - step) / 2, step=step)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
