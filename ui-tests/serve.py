"""Start the server that a Playwright project talks to, in an empty home of its own.

``python serve.py lab`` is Galata's server (no token, no XSRF); ``python serve.py hub`` is as
strict as on a hub: token and XSRF on, below ``/user/x/``; ``python serve.py hostile`` is the first
again, for a store of which nothing is to be believed. The port comes in ``MLKIT_PORT``.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(kind: str) -> None:
    """Prepare the home and become the server."""
    home = HERE.parent / ".workspace" / f"ui-{kind}"
    shutil.rmtree(home, ignore_errors=True)
    root = home / "root"
    root.mkdir(parents=True)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    os.environ |= {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "MLKIT_ROOT": str(root),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    from jupyter_mlkit.cubes.demo.cube import make_demo_cube

    make_demo_cube(root / "esdc-demo.zarr")
    config = HERE / f"jupyter_{kind}_config.py"
    os.chdir(root)
    os.execvp("jupyter", ["jupyter", "lab", f"--config={config}"])


if __name__ == "__main__":
    main(sys.argv[1])
