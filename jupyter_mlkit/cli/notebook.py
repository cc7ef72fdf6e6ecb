"""``jupyter mlkit notebook``: the notebook as it was for a run."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConflictError, InvalidInputError
from ..tracking.provenance.restoring import Restored, restore_all
from ..tracking.tags import ARTIFACT_NOTEBOOK, ARTIFACT_RESUMED, PARENT

if TYPE_CHECKING:
    from mlflow import MlflowClient


def write_notebook(run_id: str, output: Path | None) -> int:
    """Write the notebook of a run to `output`, by default into the current folder.

    Where other notebooks have resumed the run, theirs are written beside it.
    """
    for number, found in enumerate(_restored(run_id), 1):
        path = output or Path(found.name)
        if output is not None and number > 1:
            path = output.with_stem(f"{output.stem}-{number}")
        _write(path, found)
    return 0


def _write(path: Path, found: Restored) -> None:
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


def _restored(run_id: str) -> list[Restored]:
    from mlflow import MlflowClient

    from ..train.store import require_store, tracking_errors, use_store

    require_store()
    use_store()
    with tracking_errors():
        client = MlflowClient()
        parts = sorted(one.path for one in client.list_artifacts(run_id, ARTIFACT_RESUMED))
        name = ARTIFACT_NOTEBOOK.rpartition("/")[2]
        resumed = [_packed(client, run_id, f"{part}/{name}") for part in parts]
        return restore_all(
            run_id,
            lambda one: _packed(client, one),
            lambda one: client.get_run(one).data.tags.get(PARENT),
            [one for one in resumed if one is not None],
        )


def _packed(client: MlflowClient, run_id: str, name: str = ARTIFACT_NOTEBOOK) -> bytes | None:
    folder = name.rpartition("/")[0]
    if all(one.path != name for one in client.list_artifacts(run_id, folder)):
        return None
    with tempfile.TemporaryDirectory(prefix="mlkit-notebook-") as copy:
        return Path(client.download_artifacts(run_id, name, copy)).read_bytes()
