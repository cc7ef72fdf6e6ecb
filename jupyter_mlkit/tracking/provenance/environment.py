"""What a run was made with: packages, interpreter, machine, image, kernel."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path

from ..redact import redact

#: A driver that hangs must not hold up what waits for it.
_TIMEOUT_S = 3.0
#: Who has started a container tells it which image it was, in one of these.
_IMAGE_VARIABLES = (
    "JUPYTER_IMAGE_SPEC",
    "JUPYTER_IMAGE",
    "CONTAINER_IMAGE",
    "APPTAINER_CONTAINER",
    "SINGULARITY_CONTAINER",
)

_lock = threading.Lock()
_packages: tuple[object, list[str]] | None = None
_devices: list[str] | None = None


def environment_text(cuda: str | None = None) -> str:
    """Return interpreter, machine and installed distributions, as pip takes them.

    The first lines are comments, so that ``pip install -r environment.txt`` reads the rest.
    Distributions are listed once a process, and again when some are installed.

    Parameters
    ----------
    cuda : str, optional
        See :func:`cuda_version`, by default that of this process.
    """
    cuda = cuda_version() if cuda is None else cuda
    facts = {
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "platform": platform.platform(),
        "executable": sys.executable,
        "image": image(),
    }
    lines = [f"# {name} {value}" for name, value in facts.items() if value]
    return "\n".join([*lines, *_gpus(), *_cuda(cuda), *_installed_once()]) + "\n"


def image() -> str | None:
    """Return the container image that this process runs in, where somebody has told."""
    return next((redact(os.environ[one]) for one in _IMAGE_VARIABLES if os.environ.get(one)), None)


def installed() -> list[str]:
    """Return every installed distribution as pip takes it, sorted, without calling pip.

    ``name==version``, ``name @ git+https://…@commit`` for what was installed from a repository,
    and ``-e folder`` for what is installed in place.
    """
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name, version = _name_and_version(distribution)
        # A broken install leaves a folder without a name. The first on sys.path is imported.
        if name and name not in found:
            found[name] = _requirement(distribution, name, version)
    return [found[name] for name in sorted(found, key=str.lower)]


def packages_stamp() -> object:
    """Return what is another where something was installed since; cheap."""
    # An install writes into a folder of sys.path, whose time changes then.
    return tuple((folder, _mtime(folder)) for folder in searched())


def searched() -> list[str]:
    """Return where packages are looked for; Python passes over what is no text there."""
    return [one for one in sys.path if isinstance(one, str)]


def cuda_version() -> str:
    """Return the version of CUDA that torch uses in this process; empty where none."""
    torch = sys.modules.get("torch")
    return getattr(getattr(torch, "version", None), "cuda", None) or ""


def _installed_once() -> list[str]:
    global _packages
    stamp = packages_stamp()
    with _lock:
        if _packages is None or _packages[0] != stamp:
            _packages = (stamp, installed())
        return _packages[1]


def _mtime(folder: str) -> int | None:
    try:
        return Path(folder or ".").stat().st_mtime_ns
    except OSError:
        return None


def _name_and_version(distribution: metadata.Distribution) -> tuple[str | None, str]:
    # The parser for mails that importlib uses reads the long description too: five times slower.
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    name, version = None, ""
    for line in text.splitlines():
        if not line:
            break
        key, _, value = line.partition(":")
        if key == "Name":
            name = value.strip()
        elif key == "Version":
            version = value.strip()
    return name, version


def _requirement(distribution: metadata.Distribution, name: str, version: str) -> str:
    plain = f"{name}=={version}"
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        url = redact(str(origin["url"]))
        if "vcs_info" in origin:
            return f"{name} @ {origin['vcs_info']['vcs']}+{url}@{origin['vcs_info']['commit_id']}"
        if origin.get("dir_info", {}).get("editable"):
            return f"-e {url.removeprefix('file://')}  # {plain}"
    except (ValueError, KeyError, TypeError):
        return plain  # installed from an index, or a note that nobody can read
    return f"{plain}  # from {url}"


def _cuda(version: str) -> list[str]:
    return [f"# cuda {version} (torch)"] if version else []


def _gpus() -> list[str]:
    global _devices
    with _lock:
        if _devices is None:
            _devices = _ask_driver()
        return _devices


def _ask_driver() -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = "--query-gpu=name,memory.total,driver_version"
    try:
        told = subprocess.run(
            [program, query, "--format=csv,noheader"],
            capture_output=True, text=True, errors="replace",
            timeout=_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return []
    if told.returncode != 0:
        return []
    return [f"# gpu {line.strip()}" for line in told.stdout.splitlines() if line.strip()]


def _unlock() -> None:
    global _lock
    _lock = threading.Lock()


# Another thread may hold it when a worker is forked, and there is none in the worker to let go.
os.register_at_fork(after_in_child=_unlock)
