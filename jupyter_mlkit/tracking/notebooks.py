"""The notebook as it was for a run, built again from the run's artifacts."""

from __future__ import annotations

from jupyter_mlkit.errors import NotFoundError
from jupyter_mlkit.models import RestoredNotebook, RestoredNotebooks

from .artifacts import ArtifactReader
from .provenance.restoring import restore_all
from .runs import get_run
from .tags import ARTIFACT_NOTEBOOK, ARTIFACT_RESUMED, PARENT

#: Packed; cells are texts that people type.
MAX_NOTEBOOK = 8 * 1024 * 1024
#: Notebooks of one run.
_MOST_RESUMED = 20


def run_notebooks(artifacts: ArtifactReader, run_id: str) -> RestoredNotebooks:
    """Return the notebooks of a run; see :func:`.provenance.restoring.restore_all`.

    Parameters
    ----------
    artifacts : ArtifactReader
        Reads the run's files.
    run_id : str
        The run.

    Raises
    ------
    NotFoundError
        ``notebook_not_found`` where nothing is stored, with this run or one it is a part of.
    ForbiddenError
        ``artifact_not_served`` where the run's files lie outside the served roots.
    InvalidInputError, TooLargeError
        What is stored is no notebook of ours.
    """

    def packed(one: str, name: str = ARTIFACT_NOTEBOOK) -> bytes | None:
        try:
            return artifacts.read(one, name, MAX_NOTEBOOK, "The notebook of this run")
        except NotFoundError as error:
            if error.field == "run_id" and one == run_id:
                raise
            return None

    def parent(one: str) -> str | None:
        try:
            return get_run(artifacts.store, one).tags.get(PARENT)
        except NotFoundError:  # the parent of a run may be gone for good
            return None

    file = ARTIFACT_NOTEBOOK.rpartition("/")[2]
    parts = [packed(run_id, f"{part}/{file}") for part in _resumed(artifacts, run_id)]
    found = restore_all(run_id, packed, parent, [one for one in parts if one is not None])
    return RestoredNotebooks(
        items=[RestoredNotebook(name=one.name, content=one.content) for one in found]
    )


def _resumed(artifacts: ArtifactReader, run_id: str) -> list[str]:
    """Return the folders of the processes that have resumed a run, in their order."""
    try:
        page = artifacts.page(run_id, ARTIFACT_RESUMED, _MOST_RESUMED, None)
    except NotFoundError as error:
        if error.field == "run_id":
            raise
        return []
    return sorted(entry.path for entry in page.items if entry.is_dir)
