"""Log two runs: one that was cut off, and one with the notebook that it was started in.

``log_restorable.py KIND``
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path


def main(kind: str) -> None:
    """Log `cut-off` and `from-notebook` to the store of the server `kind`."""
    home = Path(__file__).resolve().parents[2] / ".workspace" / f"ui-{kind}"
    os.environ |= {
        "JUPYTER_DATA_DIR": str(home / "data"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    import mlflow

    from jupyter_mlkit.tracking import tags
    from jupyter_mlkit.tracking.heartbeat import LOST_AFTER, Heartbeat
    from jupyter_mlkit.tracking.provenance.cells import make_cell
    from jupyter_mlkit.tracking.provenance.stored import FORMAT, StoredNotebook, pack
    from jupyter_mlkit.train.store import use_store

    use_store()
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("provenance")
    seen = str(Heartbeat(time.time() - LOST_AFTER - 60, "node-9"))
    client.create_run(experiment, run_name="cut-off", tags={tags.HEARTBEAT: seen})

    cells = [make_cell(1, "level = 41", [], "a"), make_cell(3, "level + 1", [], "b")]
    notebook = StoredNotebook(format=FORMAT, cells=cells, notebook="sea ice.ipynb")
    run_id = client.create_run(
        experiment, run_name="from-notebook", tags={tags.CELLS: str(len(cells))}
    ).info.run_id
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / tags.ARTIFACT_NOTEBOOK.rpartition("/")[2]
        file.write_bytes(pack(notebook))
        client.log_artifact(run_id, str(file), "mlkit")
    client.log_metric(run_id, "val_rmse", 2.0)
    client.set_terminated(run_id)


if __name__ == "__main__":
    main(sys.argv[1])
