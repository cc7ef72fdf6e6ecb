"""Tags that every run gets in a notebook: which notebook, kernel, git commit, image and user.

MLflow's own providers name the launcher of the kernel instead of the notebook and find no git
state for it (mlflow/mlflow#13220); this one is loaded as an ``mlflow.run_context_provider``.
"""

from __future__ import annotations

import os

from mlflow.tracking.context.abstract_context import RunContextProvider

from .provenance.cells import note_cell_ids
from .provenance.environment import image
from .provenance.git import git_head
from .provenance.kernel import code_folder, kernel_id, kernel_name, notebook_path
from .tags import GIT_BRANCH, GIT_COMMIT, HUB_USER, IMAGE, KERNEL_ID, KERNEL_NAME, NOTEBOOK


class NotebookContext(RunContextProvider):  # type: ignore[misc]
    """Where in a notebook a run was started.

    Cheap (files of the repository are read, git is not started) and never raises: a run without
    provenance is better than no run.
    """

    def __init__(self) -> None:
        note_cell_ids()

    def in_context(self) -> bool:
        """Return whether this process is a Jupyter kernel."""
        return kernel_id() is not None or notebook_path() is not None

    def tags(self) -> dict[str, str]:
        """Return the tags of notebook, kernel, git, image and user."""
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


def git_tags() -> dict[str, str]:
    """Return MLflow's tags of the repository that holds the code; empty where there is none."""
    folder = code_folder()
    head = None if folder is None else git_head(folder)
    if head is None:
        return {}
    commit, branch = head
    return {GIT_COMMIT: commit, **({GIT_BRANCH: branch} if branch else {})}
