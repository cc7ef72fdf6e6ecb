"""``jupyter mlkit demo``: the main job from end to end, without a browser.

Cube, two trainings as jobs, comparison, registry, prediction, map. It is the smoke test of an
installation: it goes through the same doors that the panel uses.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from .. import paths
from ..errors import MLKitError
from ..models import Job, Run, VersionRequest
from ..spec import TrainingSpec, load_spec

EXPERIMENT = "mlkit-demo"
MODEL = "demo-lst"
ALIAS = "champion"
_MODELS: dict[str, dict[str, Any]] = {
    "linear": {"class": "sklearn.linear_model.LinearRegression"},
    "gradient-boosting": {
        "class": "sklearn.ensemble.HistGradientBoostingRegressor",
        "params": {"max_iter": 60, "early_stopping": False},
    },
}
_JOB_TIMEOUT = 300.0


class _Steps:
    """Prints what is being done and how long the whole has taken."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"[{time.monotonic() - self._start:5.1f} s] {text}", flush=True)


def run_demo(folder: Path | None) -> int:
    """Do the main job in `folder` and print a summary; 0 if every step worked."""
    from ..registry.versions import Registry
    from ..tracking.backend import TrackingBackend
    from ..tracking.store import artifact_root_for, redact
    from ..train import predict
    from ..train.store import use_store

    step = _Steps()
    folder = (folder or paths.data_dir() / "demo").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    cube = _cube(folder, step)
    uri = use_store()
    step(f"Store {redact(uri)} is ready.")

    jobs = _train(folder, cube, step)
    run_ids = [job.run_id for job in jobs if job.run_id]
    backend = TrackingBackend(uri, artifact_root_for(uri), [folder])
    comparison = backend.compare(run_ids)
    best = min(comparison.runs, key=_validation_error)
    step(f"Compared: the runs are {comparison.verdict.replace('_', ' ')}.")

    registry = Registry(uri)
    version = registry.create_version(MODEL, VersionRequest(run_id=best.run_id))
    registry.set_alias(MODEL, ALIAS, version.version)
    step(f"Registered {best.run_name} as {MODEL} version {version.version}, alias {ALIAS}.")

    prediction = folder / f"prediction-v{version.version}.zarr"
    predict(f"models:/{MODEL}@{ALIAS}", str(cube), prediction)
    step(f"Predicted the whole cube: {prediction}")
    picture = folder / f"prediction-v{version.version}.png"
    picture.write_bytes(_map(cube, prediction, best))
    step(f"Drew the map: {picture}")
    _summarise(comparison.runs, best)
    return 0


def _cube(folder: Path, step: _Steps) -> Path:
    from ..cubes.demo.cube import make_demo_cube

    cube = folder / "esdc-demo.zarr"
    if cube.exists():
        step(f"Using the demo cube {cube}.")
    else:
        make_demo_cube(cube)
        step(f"Wrote the demo cube {cube}.")
    return cube


def _specs(cube: Path) -> list[TrainingSpec]:
    from ..cubes.description.describe import describe
    from ..spec import Source

    suggestion = describe(Source(uri=str(cube))).suggestion
    return [
        load_spec(
            {
                "sources": [{"uri": str(cube)}],
                "target": suggestion["target"],
                "features": suggestion["features"],
                "use": "places",
                "split": suggestion["splits"]["places"],
                "model": model,
                "tracking": {"experiment": EXPERIMENT, "run_name": name},
            }
        )
        for name, model in _MODELS.items()
    ]


def _train(folder: Path, cube: Path, step: _Steps) -> list[Job]:
    """Run the trainings as the Lab does: each a job of its own, both at a time."""
    from ..jobs.supervisor import Supervisor, Surroundings
    from ..tracking.store import artifact_root_for, environment

    def variables() -> dict[str, str]:
        uri = paths.default_tracking_uri()
        return environment(uri, artifact_root_for(uri))

    supervisor = Supervisor(
        Surroundings(folder / "jobs", folder, scope=str(folder), environment=variables),
        limit=len(_MODELS),
    )
    try:
        submitted = [supervisor.submit(spec, [sys.executable]) for spec in _specs(cube)]
        step(f"Started {len(submitted)} training jobs.")
        ended = [supervisor.wait(job.job_id, _JOB_TIMEOUT) for job in submitted]
        for job in ended:
            if job.state != "DONE":
                raise _failure(job, supervisor.log(job.job_id).text)
            step(f"Job {job.name} is done: run {job.run_id}.")
        return ended
    finally:
        supervisor.close()


def _failure(job: Job, log: str) -> MLKitError:
    if job.error is not None:
        return MLKitError(job.error.message, hint=job.error.hint, code=job.error.code)
    last = log.strip().splitlines()[-1:] or ["its log is empty"]
    return MLKitError(
        f"The job {job.name} ended as {job.state}: {last[0]}",
        hint="jupyter mlkit doctor looks for what is missing.",
        code="demo_failed",
    )


def _validation_error(run: Run) -> float:
    value = _metric(run, "val_rmse")
    return float("inf") if value is None else value


def _metric(run: Run, key: str) -> float | None:
    for metric in run.metrics:
        if metric.key == key and isinstance(metric.value, int | float):
            return float(metric.value)
    return None


def _map(cube: Path, prediction: Path, run: Run) -> bytes:
    """Draw truth, prediction and error of the first time step."""
    import xarray as xr

    from ..cubes.grids.grid import grid_of
    from ..cubes.sources.open import open_cube
    from ..train.maps import draw_fields

    truth = open_cube(str(cube))
    target = run.tags["mlkit.target"]
    predicted = xr.open_zarr(prediction, chunks=None)
    name = next(iter(predicted.data_vars))
    return draw_fields(
        truth[target].isel(time=0).load(),
        predicted[name].isel(time=0).load(),
        grid_of(truth),
        title=f"{target}, first time step",
        subtitle=f"{run.run_name}, {MODEL}@{ALIAS}",
        units=run.units or "",
    )


def _summarise(runs: list[Run], best: Run) -> None:
    print(f"\n{'run':<20} {'val rmse':>10} {'vs baseline':>12} {'test rmse':>10}")
    for run in runs:
        val, test = _metric(run, "val_rmse"), _metric(run, "test_rmse")
        gain = "" if run.gain is None else f"{-run.gain:+.1%}" if abs(run.gain) > 5e-4 else "same"
        mark = "  ← registered" if run.run_id == best.run_id else ""
        print(
            f"{run.run_name:<20} {val or 0:>8.3f} {run.units or '':1} {gain:>12} "
            f"{test or 0:>8.3f} {run.units or '':1}{mark}"
        )
    print("\nThe installation works. `jupyter lab` shows these runs in the panel ML kit.")
