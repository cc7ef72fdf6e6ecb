"""The notebooks run from end to end, each in an empty folder with a store of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_runs_headless(path: Path, tmp_path: Path, empty_store: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "mlflow.db").write_bytes(empty_store.read_bytes())
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": f"sqlite:///{store / 'mlflow.db'}",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": str(store / "artifacts"),
        # Threads that wait must not spin where other tests want the cores.
        "OMP_WAIT_POLICY": "PASSIVE",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    folder = tmp_path / "work"
    folder.mkdir()
    client = NotebookClient(
        nbformat.read(path, as_version=4),
        timeout=180,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    done = client.execute(env=environment)
    pictures = [
        output
        for cell in done.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) >= 4
    # Nothing but the cubes that it names is left in the notebook's folder.
    assert sorted(entry.name for entry in folder.iterdir()) == ["esdc-demo.zarr", "lst-filled.zarr"]


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_is_committed_without_outputs(path: Path) -> None:
    for cell in json.loads(path.read_text())["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
