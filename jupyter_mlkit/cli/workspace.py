"""``jupyter mlkit workspace``: a folder with the demo cube, a notebook and Lab's layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

#: The panel's widget id, as the front end registers it.
PANEL_ID = "jupyter-mlkit-panel"
NOTEBOOK = "01_scikit_learn.ipynb"
CUBE = "esdc-demo.zarr"


def make_workspace(path: Path) -> int:
    """Make what is missing in `path`; what is there already is left as it is."""
    from ..cubes.demo.cube import make_demo_cube

    path.mkdir(parents=True, exist_ok=True)
    if not (path / CUBE).exists():
        make_demo_cube(path / CUBE)
    notebook = path / NOTEBOOK
    if not notebook.exists():
        shutil.copyfile(notebooks_dir() / NOTEBOOK, notebook)
    save_layout()
    return 0


def notebooks_dir() -> Path:
    """Return the folder of our notebooks: beside the source, or inside the installed package."""
    package = Path(__file__).resolve().parent.parent
    beside = package.parent / "notebooks"
    return beside if (beside / NOTEBOOK).exists() else package / "notebooks"


def save_layout() -> None:
    """Save a Lab workspace ``mlkit`` that has our panel open, unless there is one already."""
    from jupyterlab.commands import get_workspaces_dir
    from jupyterlab_server.workspaces_handler import WorkspacesManager

    manager = WorkspacesManager(get_workspaces_dir())
    # `load` answers an empty workspace for a name that it does not know.
    if manager.load("mlkit")["data"]:
        return
    manager.save("mlkit", json.dumps({"data": _layout(), "metadata": {"id": "mlkit"}}))


def _layout() -> dict[str, Any]:
    return {
        "layout-restorer:data": {
            "main": {"dock": None, "current": None},
            "down": {"size": 0, "widgets": []},
            "left": {
                "collapsed": False,
                "visible": True,
                "current": PANEL_ID,
                "widgets": ["filebrowser", PANEL_ID],
            },
            "right": {"collapsed": True, "visible": True, "widgets": []},
            "relativeSizes": [0.28, 0.72, 0],
        }
    }
