"""Tags that every run gets in a notebook: which notebook, which kernel, which git commit.

MLflow's own providers name the launcher of the kernel instead of the notebook and find no git
state for it (mlflow/mlflow#13220); this one is loaded as an ``mlflow.run_context_provider``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mlflow.tracking.context.abstract_context import RunContextProvider

from .tags import KERNEL_ID, NOTEBOOK

#: A git that hangs (a dead network folder) must not hold up a training.
_GIT_TIMEOUT = 2.0


class NotebookContext(RunContextProvider):  # type: ignore[misc]
    """Where in a notebook a run was started.

    Cheap (git is asked once per folder and commit file) and never raises: a run without
    provenance is better than no run.
    """

    def __init__(self) -> None:
        self._git: dict[Path, tuple[int | None, dict[str, str]]] = {}

    def in_context(self) -> bool:
        """Return whether this process is a Jupyter kernel."""
        return kernel_id() is not None or notebook_path() is not None

    def tags(self) -> dict[str, str]:
        """Return the tags of notebook, kernel and git."""
        found: dict[str, str] = {}
        kernel = kernel_id()
        if kernel is not None:
            found[KERNEL_ID] = kernel
        notebook = notebook_path()
        if notebook is not None:
            found[NOTEBOOK] = str(notebook)
            found["mlflow.source.name"] = notebook.name
            found["mlflow.source.type"] = "NOTEBOOK"
        folder = notebook.parent if notebook is not None and notebook.is_absolute() else None
        found.update(self._git_tags(folder or _working_directory()))
        return found

    def _git_tags(self, folder: Path | None) -> dict[str, str]:
        if folder is None:
            return {}
        log = _reflog(folder)
        stamp = None if log is None else _mtime(log)
        known = self._git.get(folder)
        if known is not None and stamp is not None and known[0] == stamp:
            return known[1]
        tags = git_tags(folder)
        self._git[folder] = (stamp, tags)
        return tags


def kernel_id() -> str | None:
    """Return the id of the kernel that this process is, or None."""
    # Imported kernels only: importing ipykernel into a plain script would cost and prove nothing.
    application = sys.modules.get("ipykernel.kernelapp")
    if application is None or not application.IPKernelApp.initialized():
        return None
    stem = Path(str(application.IPKernelApp.instance().connection_file)).stem
    return stem.removeprefix("kernel-") or None


def notebook_path() -> Path | None:
    """Return the notebook of this kernel: Jupyter's session name, or what an editor set."""
    # Jupyter Server sets JPY_SESSION_NAME to the notebook's path; VS Code has its own variable.
    for name in ("JPY_SESSION_NAME", "__vsc_ipynb_file__", "IPYNB_FILE"):
        value = os.environ.get(name)
        if value and value.endswith(".ipynb"):
            path = Path(value)
            return path if path.is_absolute() else _absolute(path)
    return None


def git_tags(folder: Path) -> dict[str, str]:
    """Return MLflow's git tags for `folder`; empty where it is not in a repository.

    Parameters
    ----------
    folder : Path
        Any folder in the work tree.
    """
    head = _git(folder, "rev-parse", "HEAD", "--abbrev-ref", "HEAD")
    if head is None:
        return {}
    commit, _, branch = head.partition("\n")
    tags = {"mlflow.source.git.commit": commit}
    if branch and branch != "HEAD":
        tags["mlflow.source.git.branch"] = branch
    return tags


def _git(folder: Path, *words: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


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


def _reflog(folder: Path) -> Path | None:
    """Return git's log of HEAD, which every commit and checkout touches."""
    for parent in (folder, *folder.parents):
        git = parent / ".git"
        if _exists(git):
            return git / "logs" / "HEAD"
    return None


def _mtime(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
