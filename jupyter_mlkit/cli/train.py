"""``jupyter mlkit train`` and ``predict``: what a job does, in this process."""

from __future__ import annotations

from pathlib import Path

from ..errors import SpecError
from ..spec import load_spec


def train_from_file(path: Path) -> int:
    """Train what the spec in `path` says and print where the run is."""
    from ..train import run
    from ..train.store import use_store

    try:
        text = path.read_bytes()
    except OSError as error:
        raise SpecError(f"Cannot read {path}: {error.strerror}.", field="spec") from None
    spec = load_spec(text)
    use_store()
    result = run(spec)
    print(f"run {result.run_id}")
    for key in sorted(result.metrics):
        if not key.startswith(("baseline/", "n_")):
            print(f"  {key} = {result.metrics[key]:.4g}")
    return 0


def predict_to_path(model: str, cube: str, output: Path) -> int:
    """Write the predictions of `model` on `cube` to the zarr cube `output`."""
    from ..train import predict
    from ..train.store import use_store

    use_store()
    predict(model, cube, output)
    print(f"Wrote {output}.")
    return 0
