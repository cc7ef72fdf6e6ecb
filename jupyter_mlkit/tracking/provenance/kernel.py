"""Which kernel this process is, and which notebook is open on it."""

from __future__ import annotations

import functools
import json
import os
import sys
from pathlib import Path
from typing import Any


def shell() -> Any:
    """Return the IPython shell of this kernel, or None outside of one."""
    # Imported ones only: importing IPython into a plain script would cost and prove nothing.
    module = sys.modules.get("IPython")
    found = module.get_ipython() if module is not None and hasattr(module, "get_ipython") else None
    return found if getattr(found, "kernel", None) is not None else None


def kernel_id() -> str | None:
    """Return the id of the kernel that this process is, or None."""
    file = _connection_file()
    return None if file is None else file.stem.removeprefix("kernel-") or None


def kernel_name() -> str | None:
    """Return the name of the kernelspec, as whoever has started the kernel has noted it."""
    file = _connection_file()
    return None if file is None else _name_in(file)


def notebook_path() -> Path | None:
    """Return the notebook of this kernel: Jupyter's session name, or what an editor set."""
    # Jupyter Server sets JPY_SESSION_NAME to the notebook's path; VS Code has its own variable.
    for name in ("JPY_SESSION_NAME", "__vsc_ipynb_file__", "IPYNB_FILE"):
        value = os.environ.get(name)
        if value and value.endswith(".ipynb"):
            path = Path(value)
            return path if path.is_absolute() else _absolute(path)
    return None


def code_folder() -> Path | None:
    """Return the folder whose repository holds the code: the notebook's, else the current one."""
    notebook = notebook_path()
    if notebook is not None and notebook.is_absolute():
        return notebook.parent
    return _working_directory()


def _connection_file() -> Path | None:
    application = sys.modules.get("ipykernel.kernelapp")
    if application is None or not application.IPKernelApp.initialized():
        return None
    app = application.IPKernelApp.instance()
    return Path(str(getattr(app, "abs_connection_file", "") or app.connection_file))


@functools.cache
def _name_in(file: Path) -> str | None:
    try:
        name = json.loads(file.read_bytes()).get("kernel_name")
    except (OSError, ValueError, AttributeError):
        return None
    return name if isinstance(name, str) and name else None


def _absolute(path: Path) -> Path:
    # The session name is relative to the server's root, which a kernel does not know: Jupyter
    # starts kernels in the notebook's folder, so the name alone is found there.
    here = _working_directory()
    if here is not None:
        for candidate in (here / path, here / path.name):
            if _exists(candidate):
                return candidate
    return path


def _working_directory() -> Path | None:
    try:
        return Path.cwd()
    except OSError:
        return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
