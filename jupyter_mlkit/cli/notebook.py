"""``jupyter mlkit notebook``: the notebook as it was for a run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConflictError, InvalidInputError, NotFoundError
from ..tracking.provenance.notebook import file_name, rebuild
from ..tracking.provenance.stored import unpack
from ..tracking.tags import ARTIFACT_NOTEBOOK

if TYPE_CHECKING:
    from mlflow import MlflowClient


def restore(run_id: str, output: Path | None) -> int:
    """Write the notebook of a run to `output`, by default into the current folder."""
    stored = unpack(_packed(run_id))
    path = output or Path(file_name(stored, run_id))
    text = rebuild(stored, run_id)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConflictError(
            f"{path} is there already, and is left as it is.",
            hint="Name another file with -o.",
            code="file_exists",
        ) from None
    except OSError as error:
        raise InvalidInputError(f"Cannot write {path}: {error.strerror}.", field="output") from None
    print(f"Wrote {path} with {len(stored.cells)} executed cells, without their outputs.")
    return 0


def _packed(run_id: str) -> bytes:
    from mlflow import MlflowClient

    from ..train.store import require_store, tracking_errors, use_store

    require_store()
    use_store()
    with tracking_errors(), tempfile.TemporaryDirectory(prefix="mlkit-notebook-") as folder:
        client = MlflowClient()
        owner = _run_with_notebook(client, run_id)
        if owner is None:
            raise NotFoundError(
                f"Run {run_id} has no stored notebook.",
                hint="Runs that were started in a notebook with the kit installed have one.",
                code="notebook_not_found",
            )
        return Path(client.download_artifacts(owner, ARTIFACT_NOTEBOOK, folder)).read_bytes()


def _run_with_notebook(client: MlflowClient, run_id: str) -> str | None:
    run = client.get_run(run_id)
    folder = ARTIFACT_NOTEBOOK.rpartition("/")[0]
    if any(one.path == ARTIFACT_NOTEBOOK for one in client.list_artifacts(run_id, folder)):
        return run_id
    # A child comes from the same cells as its parent, which alone keeps them.
    parent = run.data.tags.get("mlflow.parentRunId")
    return None if parent in (None, run_id) else _run_with_notebook(client, parent)
