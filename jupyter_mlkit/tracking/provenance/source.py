"""Tags that tell where a run comes from: notebook, kernel, script, git commit, image and user."""

from __future__ import annotations

import getpass
import os
import sys

from ..tags import GIT_BRANCH, GIT_COMMIT, HUB_USER, IMAGE, KERNEL_ID, KERNEL_NAME, NOTEBOOK
from .environment import image
from .git import git_head
from .kernel import code_folder, kernel_id, kernel_name, notebook_path


def kernel_tags() -> dict[str, str]:
    """Return the tags of notebook, kernel, git, image and user.

    Cheap: files of the repository are read, git is not started.
    """
    found = {
        KERNEL_ID: kernel_id(),
        KERNEL_NAME: kernel_name(),
        IMAGE: image(),
        HUB_USER: os.environ.get("JUPYTERHUB_USER"),
        **git_tags(),
    }
    notebook = notebook_path()
    if notebook is not None:
        found[NOTEBOOK] = str(notebook)
        found["mlflow.source.name"] = notebook.name
        found["mlflow.source.type"] = "NOTEBOOK"
    return {key: value for key, value in found.items() if value}


def source_tags() -> dict[str, str]:
    """Return the tags that MLflow gives a run of this process, ours among them."""
    script = {"mlflow.source.name": sys.argv[0], "mlflow.source.type": "LOCAL"}
    return {"mlflow.user": user(), **script, **kernel_tags()}


def user() -> str:
    """Return the name of whoever runs this, as MLflow tells it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def git_tags() -> dict[str, str]:
    """Return MLflow's tags of the repository that holds the code; empty where there is none."""
    folder = code_folder()
    head = None if folder is None else git_head(folder)
    if head is None:
        return {}
    commit, branch = head
    return {GIT_COMMIT: commit, **({GIT_BRANCH: branch} if branch else {})}
