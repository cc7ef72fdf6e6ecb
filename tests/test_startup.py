"""A server that nobody uses for machine learning yet must not pay for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

#: Loads the extension into a real server and tells what has come with it.
_SERVER = """
import asyncio, json, os, sys, threading
from pathlib import Path
from jupyter_server.serverapp import ServerApp

async def main():
    app = ServerApp()
    app.initialize(
        argv=["--no-browser", "--allow-root", f"--ServerApp.root_dir={sys.argv[1]}"],
        new_httpserver=False,
    )
    await app.extension_manager.start_all_extensions()
    modules = sorted(sys.modules)
    (extension,) = app.extension_manager.extension_apps["jupyter_mlkit"]
    await asyncio.sleep(0)
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    told = {
        "modules": modules,
        "threads": [thread.name for thread in threading.enumerate()],
        "children": children.read_text().split() if children.exists() else [],
        "environment": {k: v for k, v in os.environ.items() if "MLFLOW" in k},
        "activity": extension.current_activity(),
        "files": [str(path) for path in Path(sys.argv[1]).rglob("*")],
    }
    await extension.stop_extension()
    print(json.dumps(told))

asyncio.run(main())
"""

HEAVY = {"mlflow", "xarray", "numpy", "pandas", "sklearn", "scipy", "zarr", "fsspec", "torch"}
HEAVY |= {"tensorflow", "keras", "sqlalchemy", "alembic", "matplotlib", "dask", "pydantic"}


def started(tmp_path: Path, **variables: str) -> dict[str, Any]:
    root, home = tmp_path / "root", tmp_path / "home"
    root.mkdir()
    environment = {k: v for k, v in os.environ.items() if "MLFLOW" not in k}
    for kind in ("DATA", "CONFIG", "RUNTIME"):
        environment[f"JUPYTER_{kind}_DIR"] = str(home / kind.lower())
    config = home / "config" / "jupyter_server_config.d"
    config.mkdir(parents=True)
    enabled = {"ServerApp": {"jpserver_extensions": {"jupyter_mlkit": True}}}
    (config / "jupyter_mlkit.json").write_text(json.dumps(enabled))
    told = subprocess.run(
        [sys.executable, "-c", _SERVER, root],
        env=environment | variables,
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert told.returncode == 0, told.stderr
    assert "Traceback" not in told.stderr, told.stderr
    answer: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return answer


def test_nothing_heavy_is_imported_or_started(tmp_path: Path) -> None:
    told = started(tmp_path)
    top = {name.partition(".")[0] for name in told["modules"]}
    assert "jupyter_mlkit.app" in told["modules"]
    assert not top & HEAVY
    assert told["children"] == []
    assert not [name for name in told["threads"] if "mlkit" in name]
    assert told["files"] == [], "nothing is written into the file browser's root"
    assert told["activity"] is None
    assert not (tmp_path / "home" / "data" / "jupyter_mlkit").exists(), "no store before it is used"


def test_kernels_are_told_where_the_store_is(tmp_path: Path) -> None:
    told = started(tmp_path)["environment"]
    folder = tmp_path / "home" / "data" / "jupyter_mlkit"
    assert told == {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": str(folder / "artifacts"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def test_a_tracking_server_keeps_its_own_artifacts(tmp_path: Path) -> None:
    told = started(tmp_path, MLFLOW_TRACKING_URI="http://127.0.0.1:9")["environment"]
    assert told["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:9"
    assert "_MLFLOW_SERVER_ARTIFACT_ROOT" not in told
