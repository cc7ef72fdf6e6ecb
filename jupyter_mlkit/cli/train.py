"""``jupyter mlkit train`` and ``predict``: what a job does, in this process."""

from __future__ import annotations

import os
from pathlib import Path

from .. import paths
from ..errors import SpecError
from ..spec import load_spec


def use_default_store() -> str:
    """Point MLflow in this process at the store that the Lab uses, and return its URI."""
    from ..tracking.store import environment, prepare_store

    uri = paths.default_tracking_uri()
    root = os.environ.get(paths.ENV_ARTIFACT_ROOT) or str(paths.default_artifact_root())
    os.environ.update(environment(uri, root))
    prepare_store(uri, root)
    return uri


def train_from_file(path: Path) -> int:
    """Train what the spec in `path` says and print where the run is."""
    from ..train import run

    try:
        text = path.read_bytes()
    except OSError as error:
        raise SpecError(f"Cannot read {path}: {error.strerror}.", field="spec") from None
    spec = load_spec(text)
    use_default_store()
    result = run(spec)
    print(f"run {result.run_id}")
    for key in sorted(result.metrics):
        if not key.startswith(("baseline/", "n_")):
            print(f"  {key} = {result.metrics[key]:.4g}")
    return 0


def predict_to_path(model: str, cube: str, output: Path) -> int:
    """Write the predictions of `model` on `cube` to the zarr cube `output`."""
    from ..train import predict

    use_default_store()
    predict(model, cube, output)
    print(f"Wrote {output}.")
    return 0
