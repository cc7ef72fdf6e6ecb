"""``jupyter mlkit doctor``: what is installed, enabled and reachable; each problem with its fix."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import __version__, paths
from ..errors import MLKitError
from .doctor_children import examine_children
from .doctor_cube import examine_cube
from .doctor_security import examine_security
from .doctor_sync import examine_sync
from .finding import Finding

#: Distributions that the base install needs and those that extras bring.
_NEEDED = ("mlflow", "xarray", "zarr", "numpy", "scikit-learn", "skops", "jupyter_server")
_EXTRAS = {
    "jupyterlab": "lab",
    "s3fs": "remote",
    "aiohttp": "remote",
    "torch": "torch",
    "keras": "keras",
    "dask": "dask",
    "jupyterhub": "hub",
}
_LOW_DISK_BYTES = 2 * 1024**3


def examine(cube: str | None = None, options: Sequence[str] = (), kernel: str = "python3") -> int:
    """Print the report and return 0, or 1 if something is wrong.

    Parameters
    ----------
    cube : str, optional
        A cube that a job in the environment of `kernel` is to read.
    options : sequence of str
        Its storage options, as ``NAME=VALUE``.
    kernel : str
    """
    sections: dict[str, Callable[[], Iterator[Finding]]] = {
        "Installed": _installed,
        "Enabled in Jupyter": _enabled,
        "Tracking store": _store,
        "Journal": examine_sync,
        "Private": examine_security,
        "Programs": examine_children,
        "Kernels": _kernels,
    }
    if cube is not None:
        sections["Cube"] = partial(examine_cube, cube, options, kernel)
    problems = 0
    for title, look in sections.items():
        print(title)
        for finding in look():
            print(f"  {finding.mark} {finding.name}: {finding.state}")
            if finding.problem:
                problems += 1
                print(f"      why: {finding.problem}")
                print(f"      fix: {finding.fix}")
    print(
        f"\n{problems} problem{'' if problems == 1 else 's'} found." if problems else "\nAll well."
    )
    return 1 if problems else 0


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _installed() -> Iterator[Finding]:
    yield Finding("jupyter_mlkit", __version__)
    yield Finding("Python", f"{platform.python_version()} ({sys.executable})")
    for name in _NEEDED:
        found = _version(name)
        if found:
            yield Finding(name, found)
        else:
            yield Finding(name, "missing", "the base install needs it", f"pip install {name}")
    for name, extra in _EXTRAS.items():
        found = _version(name)
        hint = f"not installed (pip install jupyter_mlkit[{extra}])"
        yield Finding(name, found or hint, absent=found is None)


def _enabled() -> Iterator[Finding]:
    yield _server_extension()
    yield _lab_extension()


def _server_extension() -> Finding:
    from jupyter_core.paths import jupyter_config_path

    enabled = None
    # The first folder wins, as Jupyter itself merges them.
    for folder in reversed(jupyter_config_path()):
        for file in sorted(Path(folder, "jupyter_server_config.d").glob("*.json")):
            extensions = _read(file).get("ServerApp", {}).get("jpserver_extensions", {})
            enabled = extensions.get("jupyter_mlkit", enabled)
    if enabled:
        return Finding("server extension", "enabled")
    return Finding(
        "server extension",
        "disabled" if enabled is False else "not found",
        "no jupyter_server_config.d of this environment enables it",
        "jupyter server extension enable jupyter_mlkit",
    )


def _lab_extension() -> Finding:
    from jupyter_core.paths import jupyter_path

    for folder in jupyter_path("labextensions"):
        manifest = Path(folder, "jupyter-mlkit", "package.json")
        if manifest.exists():
            found = _read(manifest).get("version")
            if found == __version__:
                return Finding("panel (labextension)", f"{found} in {manifest.parent}")
            return Finding(
                "panel (labextension)",
                f"{found} in {manifest.parent}",
                f"the server part is {__version__}, so they may not understand each other",
                "pip install --force-reinstall --no-deps jupyter_mlkit, then reload the browser",
            )
    return Finding(
        "panel (labextension)",
        "not found",
        "no labextensions folder of this environment holds jupyter-mlkit",
        "pip install --force-reinstall --no-deps jupyter_mlkit",
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text())
    except (OSError, ValueError):
        # A broken file of another extension is Jupyter's to report, not ours.
        return {}
    return data if isinstance(data, dict) else {}


def _store() -> Iterator[Finding]:
    from ..tracking.mlruns import offer
    from ..tracking.store import local_path, redact
    from ..train.store import use_store

    uri = redact(paths.default_tracking_uri())
    try:
        path = local_path(paths.default_tracking_uri())
        missing = path is not None and not path.exists()
        if not missing:  # who looks for problems must not make a store
            use_store()
        offered = offer(Path.cwd(), path) if path else None
    except MLKitError as error:
        yield Finding("store", uri, error.message, error.hint or "see the message")
        return
    state = "will be made at the first use" if missing else "opens"
    yield Finding("store", f"{uri} {state}", absent=missing)
    if offered:
        yield Finding("older store", "in this folder", offered.message, offered.hint)
    folder = paths.data_dir()
    free = shutil.disk_usage(folder if folder.exists() else folder.anchor).free
    state = f"{free / 1024**3:.1f} GiB free at {folder}"
    if free < _LOW_DISK_BYTES:
        yield Finding("disk", state, "runs and models need room", "free some space there")
    else:
        yield Finding("disk", state)


def _kernels() -> Iterator[Finding]:
    """Check the kernels that trainings can run in, each from inside its own environment."""
    from jupyter_client.kernelspec import KernelSpecManager

    from ..jobs.kernels import Kernels
    from ..tracking.store import artifact_root_for, environment

    uri = paths.default_tracking_uri()
    kernels = Kernels(
        KernelSpecManager(),
        tracking_uri=uri,
        root_dir=Path.cwd(),
        environment=environment(uri, artifact_root_for(uri)),
    )
    try:
        listed = kernels.list().items
        if not listed:
            yield Finding("kernels", "none", "Jupyter finds no kernelspec", "pip install ipykernel")
        for kernel in listed:
            if kernel.language.lower() != "python":
                yield Finding(kernel.name, f"{kernel.language}: trainings need a Python kernel")
                continue
            problem = kernels.kernel(kernel.name).problem
            if problem is None:
                yield Finding(kernel.name, f"{kernel.display_name}: trainings can run in it")
            else:
                fix = problem.hint or "see the message"
                yield Finding(kernel.name, kernel.display_name, problem.message, fix)
    finally:
        kernels.close(timeout=5.0)
