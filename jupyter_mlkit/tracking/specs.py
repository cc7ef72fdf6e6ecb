"""The spec that a run was trained from, read back so that it can be launched again."""

from __future__ import annotations

from jupyter_mlkit.errors import NotFoundError, SpecError
from jupyter_mlkit.models import RunSpec
from jupyter_mlkit.spec import load_spec, to_dict

from .artifacts import ArtifactReader
from .tags import ARTIFACT_SPEC

#: A spec is a page of text; a larger file is none of ours.
MAX_SPEC = 256 * 1024


def run_spec(artifacts: ArtifactReader, run_id: str) -> RunSpec:
    """Return the spec that the run has logged.

    Parameters
    ----------
    artifacts : ArtifactReader
        Reads the run's files.
    run_id : str
        The run.

    Raises
    ------
    NotFoundError
        ``spec_not_found`` where the run has none: it was logged in another way.
    ForbiddenError
        ``artifact_not_served`` where the run's files lie outside the served roots.
    TooLargeError
        The file is larger than `MAX_SPEC` bytes.
    SpecError
        The file is no spec that this version reads.
    """
    try:
        text = artifacts.read(run_id, ARTIFACT_SPEC, MAX_SPEC, "The spec of this run")
    except NotFoundError as error:
        if error.field == "run_id":
            raise
        raise NotFoundError(
            "This run has no spec to launch again.",
            code="spec_not_found",
            hint="Only runs that were trained with ML kit keep one; start from the form instead.",
        ) from None
    try:
        return RunSpec(spec=to_dict(load_spec(text)))
    except SpecError as error:
        raise SpecError(
            f"The spec that this run has logged cannot be read: {error.message}",
            hint="Another version of jupyter_mlkit may have written it.",
            field=error.field,
        ) from error
