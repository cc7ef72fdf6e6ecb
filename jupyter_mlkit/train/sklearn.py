"""Fitting a scikit-learn estimator, in stages where it can be watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Ensembles that go on fitting where they stopped, and the parameter that counts their members.
_STAGED = {
    "BaggingClassifier": "n_estimators",
    "BaggingRegressor": "n_estimators",
    "ExtraTreesClassifier": "n_estimators",
    "ExtraTreesRegressor": "n_estimators",
    "GradientBoostingClassifier": "n_estimators",
    "GradientBoostingRegressor": "n_estimators",
    "HistGradientBoostingClassifier": "max_iter",
    "HistGradientBoostingRegressor": "max_iter",
    "RandomForestClassifier": "n_estimators",
    "RandomForestRegressor": "n_estimators",
}
#: Scoring after every stage costs a prediction; 20 points draw a curve.
_MOST_STAGES = 20
#: Each stage bins or copies the samples anew, so large tables get fewer stages.
_STAGE_SAMPLES = 1_500_000


@dataclass(frozen=True)
class Stage:
    """An estimator on its way: `members` of `total` iterations or trees are fitted."""

    members: int
    total: int


def fit(
    estimator: Any,
    features: NDArray[np.float32],
    target: NDArray[np.floating[Any]],
    weight: NDArray[np.float64] | None,
    *,
    on_stage: Callable[[Stage], None] | None = None,
) -> int | None:
    """Fit `estimator` in place.

    Parameters
    ----------
    estimator : object
        Unfitted scikit-learn estimator.
    features : (n, f) array
        Scaled.
    target : (n,) array
        Scaled numbers, or class values.
    weight : (n,) array or None
        Area weights; used where the estimator takes sample weights, divided by their mean so
        that penalties keep their meaning.
    on_stage : callable, optional
        Called after each stage of an ensemble; the estimator can predict then.

    Returns
    -------
    int or None
        Members that were fitted; None for an estimator without stages.
    """
    from sklearn.utils.validation import has_fit_parameter

    extra: dict[str, Any] = {}
    if weight is not None and has_fit_parameter(estimator, "sample_weight"):
        extra["sample_weight"] = weight / weight.mean()
    counter = _STAGED.get(type(estimator).__name__)
    if counter is None or on_stage is None:
        estimator.fit(features, target, **extra)
        return None
    return _fit_in_stages(estimator, counter, features, target, extra, on_stage)


def _fit_in_stages(
    estimator: Any,
    counter: str,
    features: NDArray[np.float32],
    target: NDArray[np.floating[Any]],
    extra: dict[str, Any],
    on_stage: Callable[[Stage], None],
) -> int:
    total = int(getattr(estimator, counter))
    # Warm starts draw the same random numbers as one fit would: the result is the same model.
    estimator.set_params(warm_start=True)
    fitted = 0
    for members in stage_ends(total, len(target)):
        estimator.set_params(**{counter: members})
        estimator.fit(features, target, **extra)
        fitted = _members(estimator, counter)
        on_stage(Stage(fitted, total))
        if fitted < members:
            break  # the estimator stopped early by its own rule
    # What is logged and stored says what was asked for.
    estimator.set_params(**{counter: total, "warm_start": False})
    return fitted


def stage_ends(total: int, samples: int) -> list[int]:
    """Return after how many members each stage ends: rising, the last is `total`."""
    stages = max(1, min(_MOST_STAGES, total, _STAGE_SAMPLES // max(samples, 1)))
    return sorted({round(total * (i + 1) / stages) for i in range(stages)})


def _members(estimator: Any, counter: str) -> int:
    if counter == "max_iter":
        return int(estimator.n_iter_)
    # Gradient boosting counts what early stopping left; forests and bags always fit all.
    return int(getattr(estimator, "n_estimators_", len(estimator.estimators_)))
