"""Scores of a fitted model and of the baselines that it has to beat."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..cubes.scoring.baseline import Baseline
from ..cubes.scoring.blocks import block_statistics
from ..cubes.scoring.intervals import Interval, interval
from ..cubes.scoring.samples import ScoreSums, score_samples
from ..cubes.view.samples import Samples
from ..errors import ModelError
from ..models import Role
from ..tracking import tags

Kind = Literal["regressor", "classifier"]
_REGRESSION = ("rmse", "mae", "bias", "r2")


def primary_metric(kind: Kind) -> str:
    """Return the key of the score that leads: always one of validation."""
    return "val_rmse" if kind == "regressor" else "val_balanced_accuracy"


def role_metrics(
    kind: Kind, role: Role, prediction: NDArray[np.floating[Any]], samples: Samples
) -> dict[str, float]:
    """Return the scores of `role` under the names that a run has them.

    Parameters
    ----------
    kind : {"regressor", "classifier"}
    role : {"train", "validation", "test"}
    prediction : (n,) array
        In the target's units.
    samples : Samples

    Returns
    -------
    dict
        ``val_rmse`` and the like; a score that is not defined (R2 of a constant) is left out.
    """
    return _named(role, _scores(kind, prediction, samples))


def _named(role: Role, scores: dict[str, float]) -> dict[str, float]:
    prefix = tags.ROLE_PREFIX[role]
    return {prefix + name: value for name, value in scores.items() if math.isfinite(value)}


def streamed_metrics(
    role: Role,
    predict: Callable[[NDArray[np.float32]], NDArray[np.floating[Any]]],
    pieces: Iterable[Samples],
) -> dict[str, float]:
    """Return as :func:`role_metrics` of a regressor, of samples that come piece by piece."""
    sums = ScoreSums()
    for samples in pieces:
        sums.add(predict(samples.X), samples.y, samples.weight)
    return _named(role, {name: sums.score()[name] for name in _REGRESSION})


def role_intervals(
    kind: Kind, prediction: NDArray[np.floating[Any]], samples: Samples
) -> dict[str, Interval | None]:
    """Return the interval of each score by a bootstrap of the blocks that were scored.

    None where there are fewer than 20 blocks; empty for a classifier.
    """
    if kind == "classifier":
        return {}
    stats = block_statistics(prediction, samples)
    return {name: interval(stats, name) for name in _REGRESSION}


def scored_cells(prediction: NDArray[np.floating[Any]]) -> int:
    """Return on how many cells the scores rest: a model may have no answer (NaN) for some."""
    return int(np.count_nonzero(~np.isnan(prediction)))


def _scores(
    kind: Kind, prediction: NDArray[np.floating[Any]], samples: Samples
) -> dict[str, float]:
    if kind == "regressor":
        found = score_samples(prediction, samples)
        return {name: found[name] for name in _REGRESSION}
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

    truth, weight = _classes(samples.y), samples.weight
    predicted = _classes(prediction)
    return {
        "accuracy": float(accuracy_score(truth, predicted, sample_weight=weight)),
        "balanced_accuracy": float(balanced_accuracy_score(truth, predicted, sample_weight=weight)),
        "f1_macro": float(
            f1_score(truth, predicted, sample_weight=weight, average="macro", zero_division=0)
        ),
    }


def baseline_metrics(
    kind: Kind,
    found: dict[str, Baseline],
    train: Samples,
    validation: Samples,
    primary: float,
) -> dict[str, float]:
    """Return ``baseline/<name>/val_...`` of every baseline and the gain over the best one.

    All are scored on the same validation cells: where a climatology has not seen a place, it
    falls back on the mean; one that has seen none of them is left out.

    Parameters
    ----------
    kind : {"regressor", "classifier"}
    found : dict
        Fitted baselines by name.
    train, validation : Samples
    primary : float
        The model's own primary score.
    """
    if kind == "classifier":
        return _majority_metrics(train, validation, primary)
    mean = found["mean"].predict(validation)
    errors: dict[str, float] = {}
    for name, baseline in found.items():
        prediction = baseline.predict(validation)
        known = np.isfinite(prediction)
        if known.any():
            filled = np.where(known, prediction, mean)
            errors[name] = score_samples(filled, validation)["rmse"]
    best = min(errors.values())
    metrics = {f"{tags.BASELINE_PREFIX}{name}/val_rmse": rmse for name, rmse in errors.items()}
    if best > 0:
        metrics[tags.GAIN] = 1 - primary / best
    return metrics


def _majority_metrics(train: Samples, validation: Samples, primary: float) -> dict[str, float]:
    """Return the scores of always predicting the class with the largest area in train."""
    classes, place = np.unique(_classes(train.y), return_inverse=True)
    majority = classes[np.bincount(place, weights=train.weight).argmax()]
    scores = _scores("classifier", np.full(len(validation), float(majority)), validation)
    metrics = {f"{tags.BASELINE_PREFIX}majority/val_{key}": v for key, v in scores.items()}
    error = 1 - scores["balanced_accuracy"]
    if error > 0:
        metrics[f"{tags.GAIN_PREFIX}val_balanced_accuracy"] = 1 - (1 - primary) / error
    return metrics


def require_classes(samples: Samples, target: str) -> None:
    """Check that the target holds a few whole numbers, as a classifier needs.

    Raises
    ------
    ModelError
        ``target_not_classes``.
    """
    values = np.unique(samples.y)
    if values.size > 256 or not np.array_equal(values, np.round(values)):
        raise ModelError(
            f"'{target}' does not hold classes: a classifier predicts a few whole numbers.",
            hint="Choose a regressor for this target.",
            code="target_not_classes",
            field="model.class",
        )
    if values.size < 2:
        raise ModelError(
            f"The train cells hold one class only ({values[0]:g}).",
            hint="Widen region and period, or choose another split.",
            code="one_class",
            field="split",
        )


def _classes(values: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    classes: NDArray[np.int64] = np.rint(values).astype(np.int64)
    return classes
