"""``jupyter mlkit notebook``: the notebook as it was for a run."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConflictError, InvalidInputError
from ..tracking.provenance.restoring import Restored, restore
from ..tracking.tags import ARTIFACT_NOTEBOOK, PARENT

if TYPE_CHECKING:
    from mlflow import MlflowClient


def write_notebook(run_id: str, output: Path | None) -> int:
    """Write the notebook of a run to `output`, by default into the current folder."""
    found = _restored(run_id)
    path = output or Path(found.name)
    text = json.dumps(found.content, indent=1, ensure_ascii=False) + "\n"
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
    print(f"Wrote {path} with {found.executed} executed cells, without their outputs.")
    return 0


def _restored(run_id: str) -> Restored:
    from mlflow import MlflowClient

    from ..train.store import require_store, tracking_errors, use_store

    require_store()
    use_store()
    with tracking_errors():
        client = MlflowClient()
        return restore(
            run_id,
            lambda one: _packed(client, one),
            lambda one: client.get_run(one).data.tags.get(PARENT),
        )


def _packed(client: MlflowClient, run_id: str) -> bytes | None:
    folder = ARTIFACT_NOTEBOOK.rpartition("/")[0]
    if all(one.path != ARTIFACT_NOTEBOOK for one in client.list_artifacts(run_id, folder)):
        return None
    with tempfile.TemporaryDirectory(prefix="mlkit-notebook-") as copy:
        return Path(client.download_artifacts(run_id, ARTIFACT_NOTEBOOK, copy)).read_bytes()
