"""The notebook as it was for a run, built again from the run's artifacts."""

from __future__ import annotations

from jupyter_mlkit.errors import NotFoundError
from jupyter_mlkit.models import RestoredNotebook

from .artifacts import ArtifactReader
from .provenance.restoring import restore
from .runs import get_run
from .tags import ARTIFACT_NOTEBOOK, PARENT

#: Packed; cells are texts that people type.
MAX_NOTEBOOK = 8 * 1024 * 1024


def run_notebook(artifacts: ArtifactReader, run_id: str) -> RestoredNotebook:
    """Return the notebook of a run; see :func:`.provenance.restoring.restore`.

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

    def packed(one: str) -> bytes | None:
        try:
            return artifacts.read(one, ARTIFACT_NOTEBOOK, MAX_NOTEBOOK, "The notebook of this run")
        except NotFoundError as error:
            if error.field == "run_id" and one == run_id:
                raise
            return None

    def parent(one: str) -> str | None:
        try:
            return get_run(artifacts.store, one).tags.get(PARENT)
        except NotFoundError:  # the parent of a run may be gone for good
            return None

    found = restore(run_id, packed, parent)
    return RestoredNotebook(name=found.name, content=found.content)
