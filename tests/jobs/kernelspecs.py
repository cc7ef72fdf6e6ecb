"""Real kernelspecs, good and broken, and the environments they point to."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import jupyter_mlkit

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


def environment_without(folder: Path, *left_out: str) -> str:
    """Make a virtual environment with all that is installed here but for what begins so."""
    python = bare_environment(folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(left_out) and entry.suffix != ".pth":
            (packages / entry.name).symlink_to(entry)
    (packages / "checkout.pth").write_text(str(Path(jupyter_mlkit.__file__).parents[1]))
    return python


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
