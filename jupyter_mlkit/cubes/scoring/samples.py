"""Scores of a regression in the target's own units, weighted by the area of the cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInputError
from ..view.samples import Samples
from .baseline import Baseline
from .baseline_fit import baselines, least_squares
from .evaluation import evaluation
from .sums import ErrorSums, Floats, error_terms

__all__ = ["Baseline", "Score", "baselines", "evaluation", "least_squares", "score_samples"]

#: rmse, mae, bias, r2 as floats; ``n`` and ``weight`` (sum) say what they rest on.
Score = dict[str, float]
_METRICS = ("rmse", "mae", "bias", "r2")


class ScoreSums:
    """Weighted sums from which the score of rows follows, added piece by piece."""

    def __init__(self) -> None:
        self._sums = ErrorSums.zeros()

    def add(
        self,
        prediction: NDArray[np.floating[Any]],
        truth: NDArray[np.floating[Any]],
        weight: NDArray[np.floating[Any]],
    ) -> None:
        """Add cells; the weight is zero where prediction or truth is NaN.

        Raises
        ------
        InvalidInputError
            The shapes differ, or a prediction is infinite.
        """
        predicted, y = checked_rows(prediction, truth)
        known = np.isfinite(y)
        about = float(y[known].mean()) if known.any() else 0.0
        terms = error_terms(predicted, y, np.asarray(weight, np.float64).reshape(-1), about)
        self._sums = self._sums + ErrorSums(np.array([term.sum() for term in terms]), about)

    def score(self) -> Score:
        """Return rmse, mae, bias (prediction - truth), r2, n and weight; NaN of no cells.

        RMSE is sqrt(sum w e^2 / sum w); R2 is about the weighted mean of the same cells.
        """
        scores = {metric: float(self._sums.score(metric)) for metric in _METRICS}
        return {**scores, "n": float(self._sums.n), "weight": float(self._sums.weight)}


def checked_rows(
    prediction: NDArray[np.generic], truth: NDArray[np.generic]
) -> tuple[Floats, Floats]:
    """Return one predicted and one true value per cell as flat float64 arrays.

    Raises
    ------
    InvalidInputError
        There are not as many of one as of the other.
    """
    predicted = np.asarray(prediction, dtype=np.float64).reshape(-1)
    y = np.asarray(truth, dtype=np.float64).reshape(-1)
    if predicted.shape != y.shape:
        raise InvalidInputError(
            f"{predicted.size} predictions for {y.size} cells.",
            hint="A model returns one number per row.",
        )
    return predicted, y


def score_samples(prediction: NDArray[np.floating[Any]], samples: Samples) -> Score:
    """Score predictions against the truth of `samples`, weighted by cell area.

    Parameters
    ----------
    prediction : ndarray, shape (n,) or (n, 1)
        In the target's own units; NaN where the model has no answer.
    samples : Samples

    Returns
    -------
    dict
        ``rmse``, ``mae``, ``bias`` (prediction - truth), ``r2``, ``n`` (cells scored) and
        ``weight`` (sum of weights).
    """
    sums = ScoreSums()
    sums.add(prediction, samples.y, samples.weight)
    return sums.score()
