"""Real kernelspecs, good and broken, and the environments they point to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

#: A package of our name in another version, with a probe that answers for it.
_PACKAGE = """__version__ = {version!r}
"""
_PROBE = """import json, sys
for line in sys.stdin:
    answer = {{"id": json.loads(line)["id"], "ok": True, "result": {facts!r}}}
    print(json.dumps(answer), flush=True)
"""


def install(
    folder: Path,
    name: str,
    argv: list[str],
    *,
    language: str = "python",
    env: dict[str, str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Write a kernelspec below ``<folder>/kernels``."""
    target = folder / "kernels" / name
    target.mkdir(parents=True)
    content = {
        "argv": argv,
        "display_name": f"The {name}",
        "language": language,
        "env": env or {},
        "metadata": metadata or {},
    }
    (target / "kernel.json").write_text(json.dumps(content))


def kernel_argv(python: str) -> list[str]:
    return [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]


def bare_environment(folder: Path) -> str:
    """Make a virtual environment in which nothing is installed; return its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return str(folder / "bin" / "python")


def other_package(folder: Path, version: str, facts: dict[str, Any] | None = None) -> str:
    """Write a package ``jupyter_mlkit`` of another version; return what to put on the path.

    Without `facts` it is from before there were probes.
    """
    package = folder / "jupyter_mlkit"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(_PACKAGE.format(version=version))
    if facts is not None:
        (package / "train").mkdir()
        (package / "train" / "__init__.py").touch()
        (package / "train" / "__main__.py").write_text(_PROBE.format(facts=facts))
    return str(folder)
