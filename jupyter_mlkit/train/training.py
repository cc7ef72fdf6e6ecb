"""A training from spec to finished run: the order of things, each done elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..cubes.scaling.scalers import CubeScaler
from ..cubes.view.data import CubeData
from ..cubes.view.samples import Samples
from ..errors import MLKitError
from ..models import Role
from ..spec import TrainingSpec, load_spec
from ..tracking import tags
from ..tracking.provenance.log import log_end
from . import record
from .catalog import Choice, find_model, model_errors
from .estimators import build_estimator
from .figures import field_maps, split_map
from .fitting import fit_network
from .leakage import report_leakage
from .masking import masked
from .model import CubeModel, describe_model, log_model
from .networks.architectures import Network
from .reading import WATCHED_CELLS, Reading, read
from .report import FitPosition, Reporter, Silent
from .scores import (
    Kind,
    baseline_metrics,
    primary_metric,
    require_classes,
    role_intervals,
    role_metrics,
    scored_cells,
    streamed_metrics,
)
from .sklearn import Stage, fit
from .split_text import split_text
from .store import experiment_id, tracking_errors, use_store

__all__ = ["RunResult", "run"]

#: Tag with code and message of the error that a run failed with.
ERROR_TAG = tags.PREFIX + "error"


@dataclass(frozen=True)
class RunResult:
    """What a training has made.

    Parameters
    ----------
    run_id, experiment_id : str
    metrics : dict
        Scores per role in the target's units, baselines and counts.
    model_uri : str
        ``models:/m-...``, for ``mlflow.pyfunc.load_model`` and :func:`predict`.
    warnings : list of str
        What to know before the scores are trusted.
    """

    run_id: str
    experiment_id: str
    metrics: dict[str, float]
    model_uri: str
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Prepared:
    """All that can be wrong about a spec has been looked at; nothing is written yet."""

    data: CubeData
    choice: Choice
    estimator: Any
    reading: Reading
    identity: record.CubeIdentity

    @property
    def kind(self) -> Kind:
        """Whether numbers or classes are predicted."""
        return self.choice.kind

    @property
    def train(self) -> Samples:
        """Samples to fit on; of a network, which reads its own, some of them to look at."""
        return self.reading.samples["train"]

    @property
    def validation(self) -> Samples:
        """Samples by which runs are compared."""
        return self.reading.samples["validation"]

    @property
    def scaler(self) -> CubeScaler:
        """Constants of the train cells."""
        return self.reading.scaler


def run(
    spec: TrainingSpec | dict[str, Any] | str,
    *,
    report: Reporter | None = None,
    ds: xr.Dataset | None = None,
) -> RunResult:
    """Train what `spec` says and log it as an MLflow run.

    Parameters
    ----------
    spec : TrainingSpec, dict or str
        A spec, or its mapping or YAML text.
    report : Reporter, optional
        Told of phases and progress.
    ds : xarray.Dataset, optional
        The cube of the spec's source where it is already open.

    Returns
    -------
    RunResult

    Raises
    ------
    SpecError, CubeError, ModelError
        The spec, the cube or the estimator is wrong: no run was made.
    BackendError
        The tracking store does not answer.

    Notes
    -----
    An error after the run was made leaves it FAILED with the tag ``mlkit.error``; an interrupt
    leaves it KILLED. Test cells are scored once, at the end.
    """
    asked = spec if isinstance(spec, TrainingSpec) else load_spec(spec)
    reporter = report or Silent()
    prepared = _prepare(asked, ds, reporter)
    with tracking_errors():
        use_store()
        with _open_run(asked, reporter) as (run_id, experiment):
            return _train(prepared, run_id, experiment, reporter)


def _prepare(spec: TrainingSpec, ds: xr.Dataset | None, report: Reporter) -> _Prepared:
    errors = model_errors(spec)
    if errors:
        raise errors[0]
    choice, params, seed = find_model(spec.model.class_), spec.model.params, spec.fit.seed
    is_network = isinstance(choice, Network)
    if isinstance(choice, Network):
        estimator = choice.build(params, len(spec.features), seed)
    else:
        estimator = build_estimator(choice.path, params, seed)
    report.phase("opening the cube")
    data = CubeData.from_spec(spec, ds=ds)
    report.phase("reading samples")
    reading = read(data, train_at_most=WATCHED_CELLS if is_network else spec.fit.max_samples)
    if choice.kind == "classifier":
        require_classes(reading.samples["train"], spec.target)
    report.phase("fingerprinting the data")
    identity = record.identity_of(data)
    return _Prepared(data, choice, estimator, reading, identity)


@contextmanager
def _open_run(spec: TrainingSpec, report: Reporter) -> Iterator[tuple[str, str]]:
    """Start a run and end it as what happens inside says."""
    import mlflow

    experiment = experiment_id(spec.tracking.experiment)
    started = mlflow.start_run(
        experiment_id=experiment,
        run_name=spec.tracking.run_name,
        tags={**record.code_tags(), tags.SPEC_VERSION: str(spec.schema_version)},
        # Inside somebody's own run this one becomes its child.
        nested=mlflow.active_run() is not None,
    )
    run_id = str(started.info.run_id)
    try:
        report.started(run_id, experiment)
        yield run_id, experiment
    except BaseException as error:
        _end_badly(run_id, error)
        raise
    log_end(run_id)
    mlflow.end_run("FINISHED")


def _end_badly(run_id: str, error: BaseException) -> None:
    """End the run as FAILED or KILLED; the error that led here stays the one that is raised."""
    import mlflow
    from mlflow.exceptions import MlflowException

    stopped = not isinstance(error, Exception)
    said = f"{error.code}: {error.message}" if isinstance(error, MLKitError) else repr(error)
    try:
        if stopped:
            mlflow.set_tag(tags.END_REASON, "stopped")
        else:
            mlflow.set_tags({tags.END_REASON: "error", ERROR_TAG: masked(said)[:5000]})
        log_end(run_id)
        mlflow.end_run("KILLED" if stopped else "FAILED")
    except MlflowException as failure:
        # The store is gone, which may be the error itself: keep the cause, mention this one.
        error.add_note(f"Run {run_id} could not be ended in the store: {failure}")


def _train(prepared: _Prepared, run_id: str, experiment: str, report: Reporter) -> RunResult:
    import mlflow

    data, spec, kind = prepared.data, prepared.data.spec, prepared.kind
    primary = primary_metric(kind)
    report.phase("logging the data")
    mlflow.log_params(record.params_of(spec))
    described = record.data_tags(
        data, prepared.identity, primary=primary, validation=prepared.validation
    )
    mlflow.set_tags({**spec.tracking.tags, **described})
    record.log_dataset(data, prepared.identity)
    scaling = {tags.ARTIFACT_SCALING: json.dumps(prepared.scaler.to_dict(), indent=2)}
    record.log_files(
        {**record.data_files(data, prepared.identity), **record.code_files(), **scaling}
    )

    description = describe_model(
        data.ds,
        target=spec.target,
        features=data.features,
        scaler=prepared.scaler,
        kind=kind,
        origin={"run_id": run_id, "cube_fingerprint": prepared.identity.fingerprint},
    )
    model = CubeModel(prepared.estimator, description)
    metrics = _fit(prepared, model, report)

    report.phase("scoring")
    predicted = _score(prepared, model, metrics)
    # At the end of the curves where there are any, never before their beginning.
    last = metrics.get(tags.N_MEMBERS, metrics.get(tags.N_EPOCHS, 0))
    mlflow.log_metrics(metrics, step=int(last))
    report.phase("logging the model")
    model_uri = log_model(model, _example(prepared))
    report.phase("drawing maps")
    leakage = msgspec.json.encode(report_leakage(data))
    record.log_files({tags.ARTIFACT_LEAKAGE: leakage, **_maps(prepared, model, predicted)})
    report.phase("done", 1.0)
    return RunResult(
        run_id, experiment, metrics, model_uri, [warning.message for warning in data.warnings()]
    )


def _fit(prepared: _Prepared, model: CubeModel, report: Reporter) -> dict[str, float]:
    """Fit the estimator of `model`, logging its curves; return what it cost."""
    from mlflow.utils.autologging_utils import disable_autologging

    report.phase("fitting", None)
    started = time.perf_counter()
    # The user's own autologging would log the same fit a second time, as a run of its own.
    with disable_autologging():
        if isinstance(prepared.choice, Network):
            counted = _fit_network(prepared, model, report)
        else:
            counted = _fit_estimator(prepared, model, report)
    return {tags.FIT_SECONDS: time.perf_counter() - started, **counted}


def _fit_estimator(prepared: _Prepared, model: CubeModel, report: Reporter) -> dict[str, float]:
    train, curves_at = prepared.train, _curves(prepared, model)
    target = train.y if prepared.kind == "classifier" else model.scale_target(train.y)

    def watch(stage: Stage) -> None:
        curves = curves_at(stage.members)
        report.fitting(FitPosition("member", stage.members, stage.total, metrics=curves))

    members = fit(
        model.estimator, model.scale_features(train.X), target, train.weight, on_stage=watch
    )
    return {} if members is None else {tags.N_MEMBERS: float(members)}


def _fit_network(prepared: _Prepared, model: CubeModel, report: Reporter) -> dict[str, float]:
    import mlflow

    curves_at = _curves(prepared, model)

    def watch(epoch: int, loss: float) -> dict[str, float]:
        return curves_at(epoch, train_loss=loss)

    trained = fit_network(
        model,
        prepared.data,
        prepared.reading.train,
        primary=primary_metric(prepared.kind),
        watch=watch,
        report=report,
    )
    mlflow.set_tag(tags.DEVICE, trained.device)
    return {tags.N_EPOCHS: float(trained.epochs), tags.BEST_EPOCH: float(trained.best)}


def _curves(prepared: _Prepared, model: CubeModel) -> Callable[..., dict[str, float]]:
    """Return what scores the model as it is now, and logs a point of each curve at a step."""
    import mlflow

    watched: dict[Role, Samples] = {
        "train": _thinned(prepared.train),
        "validation": _thinned(prepared.validation),
    }
    name = primary_metric(prepared.kind).removeprefix("val_")

    def at(step: int, **more: float) -> dict[str, float]:
        scores: dict[str, float] = {}
        for role, samples in watched.items():
            scores |= role_metrics(prepared.kind, role, model.predict_array(samples.X), samples)
        curves = {key: v for key, v in scores.items() if key.endswith(f"_{name}")} | more
        mlflow.log_metrics(curves, step=step)
        return curves

    return at


def _score(prepared: _Prepared, model: CubeModel, metrics: dict[str, float]) -> NDArray[np.float64]:
    """Add the scores of all roles to `metrics` and return the prediction on validation."""
    import mlflow

    kind, data = prepared.kind, prepared.data
    if prepared.reading.train.cells > len(prepared.train) and isinstance(prepared.choice, Network):
        metrics |= streamed_metrics("train", model.predict_array, data.batches("train"))
    else:
        fitted = model.predict_array(prepared.train.X)
        metrics |= role_metrics(kind, "train", fitted, prepared.train)
    predicted: NDArray[np.float64] = model.predict_array(prepared.validation.X)
    metrics |= role_metrics(kind, "validation", predicted, prepared.validation)
    test = prepared.reading.samples["test"]
    mlflow.set_tags(record.tags_of_test(data, test))
    tested = model.predict_array(test.X)
    metrics |= role_metrics(kind, "test", tested, test)
    intervals = {
        "validation": role_intervals(kind, predicted, prepared.validation),
        "test": role_intervals(kind, tested, test),
    }
    record.log_files({tags.ARTIFACT_SCORES: msgspec.json.encode(intervals)})
    metrics |= baseline_metrics(
        kind,
        prepared.reading.baselines,
        prepared.train,
        prepared.validation,
        metrics[primary_metric(kind)],
    )
    metrics |= {
        tags.N_TRAIN: float(_fitted_cells(prepared)),
        tags.N_VALIDATION: float(scored_cells(predicted)),
        tags.N_TEST: float(scored_cells(tested)),
    }
    return predicted


def _fitted_cells(prepared: _Prepared) -> int:
    """Return how many train cells the model has seen: networks see all, in turn."""
    if isinstance(prepared.choice, Network):
        return prepared.reading.train.cells
    return len(prepared.train)


def _maps(
    prepared: _Prepared, model: CubeModel, predicted: NDArray[np.float64]
) -> dict[str, str | bytes]:
    pictures = field_maps(prepared.data, model, prepared.validation, predicted)
    split = split_map(prepared.data, title=f"Split: {split_text(prepared.data.spec.split)}")
    if split is not None:
        pictures["split"] = split
    return {f"{tags.ARTIFACT_MAPS}/{name}.png": png for name, png in pictures.items()}


def _example(prepared: _Prepared) -> Any:
    import pandas as pd

    rows = prepared.train.X[:5].astype(np.float64)
    return pd.DataFrame(rows, columns=prepared.data.features)


def _thinned(samples: Samples) -> Samples:
    """Return every k-th sample, enough for a curve."""
    step = max(1, -(-len(samples) // WATCHED_CELLS))
    return samples if step == 1 else samples.take(np.arange(0, len(samples), step))
