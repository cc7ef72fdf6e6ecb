"""Scores of a regression in the target's own units, weighted by the area of the cells."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInputError
from ..sampling.data import Samples
from .baseline import Baseline, baselines, least_squares
from .evaluation import evaluation

__all__ = ["Baseline", "Score", "baselines", "evaluation", "least_squares", "score_samples"]

#: rmse, mae, bias, r2 as floats; ``n`` and ``weight`` (sum) say what they rest on.
Score = dict[str, float]


class ScoreSums:
    """Weighted sums from which the score of any group follows; pieces add up."""

    def __init__(self) -> None:
        self._n = 0
        self._sums = np.zeros(6)
        self._about = 0.0

    def add(
        self,
        prediction: NDArray[np.floating[Any]],
        truth: NDArray[np.floating[Any]],
        weight: NDArray[np.float64],
    ) -> None:
        """Add cells; the weight is zero where prediction or truth is NaN.

        Raises
        ------
        InvalidInputError
            The shapes differ, or a prediction is infinite.
        """
        predicted = np.asarray(prediction, dtype=np.float64).reshape(-1)
        if predicted.shape != truth.shape:
            raise InvalidInputError(
                f"{predicted.size} predictions for {truth.size} cells.",
                hint="A model returns one number per row.",
            )
        if np.isinf(predicted).any():
            raise InvalidInputError(
                "The model predicts infinite values.",
                hint="Scale the features, or lower the learning rate.",
                code="infinite_prediction",
            )
        known = ~(np.isnan(predicted) | np.isnan(truth))
        w, y = weight[known], truth[known].astype(np.float64)
        error = predicted[known] - y
        if self._n == 0 and y.size:
            # Sums of squares about a value near the mean keep their digits (kelvin: 300 +- 2).
            self._about = float(y.mean())
        y = y - self._about
        self._n += int(y.size)
        self._sums += [
            w.sum(),
            (w * error).sum(),
            (w * np.abs(error)).sum(),
            (w * error**2).sum(),
            (w * y).sum(),
            (w * y**2).sum(),
        ]

    def score(self) -> Score:
        """Return rmse, mae, bias (prediction - truth), r2, n and weight; NaN of no cells.

        RMSE is sqrt(sum w e^2 / sum w); R2 is about the weighted mean of the same cells.
        """
        total, error, absolute, squared, first, second = self._sums.tolist()
        if total <= 0:
            return {
                **dict.fromkeys(("rmse", "mae", "bias", "r2"), math.nan),
                "n": float(self._n),
                "weight": 0.0,
            }
        spread = second - first**2 / total
        return {
            "rmse": math.sqrt(squared / total),
            "mae": absolute / total,
            "bias": error / total,
            "r2": 1 - squared / spread if spread > 0 else math.nan,
            "n": float(self._n),
            "weight": total,
        }


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
