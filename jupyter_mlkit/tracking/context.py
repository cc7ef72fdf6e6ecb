"""Tags that every run gets in a notebook: which notebook, kernel, git commit, image and user.

MLflow's own providers name the launcher of the kernel instead of the notebook and find no git
state for it (mlflow/mlflow#13220); this one is loaded as an ``mlflow.run_context_provider``.
"""

from __future__ import annotations

from mlflow.tracking.context.abstract_context import RunContextProvider

from .provenance.cells import note_cell_ids
from .provenance.kernel import kernel_id, notebook_path
from .provenance.source import kernel_tags


class NotebookContext(RunContextProvider):  # type: ignore[misc]
    """Where in a notebook a run was started.

    Cheap and never raises: a run without provenance is better than no run.
    """

    def __init__(self) -> None:
        note_cell_ids()

    def in_context(self) -> bool:
        """Return whether this process is a Jupyter kernel."""
        return kernel_id() is not None or notebook_path() is not None

    def tags(self) -> dict[str, str]:
        """Return the tags of notebook, kernel, git, image and user."""
        return kernel_tags()
