"""Weighted sums of errors from which every score of any group follows; pieces add up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInputError

Floats = NDArray[np.float64]

#: Rows of :class:`ErrorSums`, in their order; y is the truth, p the prediction, e = p - y, and
#: both y and p count from a shift, so that sums of squares keep their digits (kelvin: 300 +- 2).
TERMS = ("n", "w", "we", "w|e|", "wee", "wy", "wyy", "wp", "wpp", "wyp")
_N, _W, _E, _ABS, _EE, _Y, _YY, _P, _PP, _YP = range(len(TERMS))
#: A spread below this share of the mean square about the shift is rounding: float32 values that
#: vary by less are one number.
_ROUNDING = 1e-12


@dataclass
class ErrorSums:
    """Sufficient statistics of the scores of any number of groups.

    Attributes
    ----------
    values : ndarray of float64, shape (10, ...)
        Rows as ``TERMS``; the other axes are groups, blocks or draws.
    about : float
        From where y and p count.
    """

    values: Floats
    about: float = 0.0

    @classmethod
    def zeros(cls, shape: tuple[int, ...] = ()) -> ErrorSums:
        """Return the sums of no cells."""
        return cls(np.zeros((len(TERMS), *shape)))

    @property
    def n(self) -> NDArray[np.int64]:
        """Number of cells that count."""
        return np.asarray(np.rint(self.values[_N]), dtype=np.int64)

    @property
    def weight(self) -> Floats:
        """Sum of their weights."""
        return np.asarray(self.values[_W])

    @property
    def truth_mean(self) -> Floats:
        """Weighted mean of the truth, NaN of no cells."""
        return self.about + _ratio(self.values[_Y], self.values[_W])

    def moved(self, about: float) -> ErrorSums:
        """Return the same sums about another shift."""
        d = self.about - about
        if d == 0:
            return self
        found = self.values.copy()
        w, y, p = self.values[[_W, _Y, _P]]
        found[_YP] += d * (y + p) + d * d * w
        for first, second, old in ((_Y, _YY, y), (_P, _PP, p)):
            found[second] += 2 * d * old + d * d * w
            found[first] += d * w
        return ErrorSums(found, about)

    def __add__(self, other: ErrorSums) -> ErrorSums:
        """Return the sums over the cells of both, group by group."""
        if not self.values[_N].any():
            # Keeps the other's shift: about 0, the sums of squares would lose their digits.
            return other
        return ErrorSums(self.values + other.moved(self.about).values, self.about)

    def add_at(self, where: tuple[slice, ...], part: ErrorSums) -> None:
        """Add the sums of some groups in place, about the shift of these sums.

        The shift of the first part becomes that of all.
        """
        if not self.values[_N].any():
            self.about = part.about
        self.values[(slice(None), *where)] += part.moved(self.about).values

    def score(self, metric: str) -> Floats:
        """Return a score of each group; NaN of groups without cells.

        Raises
        ------
        InvalidInputError
            ``unknown_metric``.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return METRICS[known_metric(metric)](self.values)


def error_terms(
    prediction: Floats, truth: Floats, weight: Floats, about: float
) -> tuple[Floats, ...]:
    """Return the terms of each cell, zero where truth, prediction or weight is missing.

    Parameters
    ----------
    prediction, truth, weight : ndarray of float64, of one shape
    about : float

    Raises
    ------
    InvalidInputError
        ``infinite_prediction`` where the truth is known.
    """
    # A truth that is infinite is no target, as in the samples.
    known = np.isfinite(truth) & ~np.isnan(prediction) & (weight > 0)
    refuse_infinite(prediction, known)
    w = np.where(known, weight, 0.0)
    y = np.where(known, truth - about, 0.0)
    p = np.where(known, prediction - about, 0.0)
    # Not p - y: the shift would cost the last digits of small errors.
    e = np.where(known, prediction, 0.0) - np.where(known, truth, 0.0)
    we, wy, wp = w * e, w * y, w * p
    return known.astype(np.float64), w, we, np.abs(we), we * e, wy, wy * y, wp, wp * p, wy * p


def refuse_infinite(prediction: Floats, known: NDArray[np.bool_]) -> None:
    """Raise where a prediction that would be scored is infinite."""
    infinite = np.isinf(prediction)
    if infinite.any() and (infinite & known).any():
        raise InvalidInputError(
            "The model predicts infinite values.",
            hint="Scale the features, or lower the learning rate.",
            code="infinite_prediction",
        )


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> Floats:
    found = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=found, where=np.asarray(below) > 0)
    return found


def _spread(sums: Floats, first: int, second: int) -> Floats:
    """Return sum w (y - mean)^2, NaN where it is rounding."""
    total = np.asarray(sums[second])
    about_mean = total - sums[first] * _ratio(sums[first], sums[_W])
    return np.where(about_mean > _ROUNDING * total, about_mean, np.nan)


def _mse(sums: Floats) -> Floats:
    return _ratio(sums[_EE], sums[_W])


def _r2(sums: Floats) -> Floats:
    return np.asarray(1 - sums[_EE] / _spread(sums, _Y, _YY))


def _correlation(sums: Floats) -> Floats:
    shared = sums[_YP] - sums[_Y] * _ratio(sums[_P], sums[_W])
    spreads = _spread(sums, _Y, _YY) * _spread(sums, _P, _PP)
    return np.asarray(np.clip(shared / np.sqrt(spreads), -1, 1))


#: What a score is made of, by its name. RMSE = sqrt(sum w e^2 / sum w); R2 is about the weighted
#: mean of the same cells; correlation is Pearson's, weighted.
METRICS: dict[str, Callable[[Floats], Floats]] = {
    "rmse": lambda sums: np.sqrt(_mse(sums)),
    "mae": lambda sums: _ratio(sums[_ABS], sums[_W]),
    "bias": lambda sums: _ratio(sums[_E], sums[_W]),
    "r2": _r2,
    "correlation": _correlation,
    "mse": _mse,
}


def known_metric(metric: str) -> str:
    """Return `metric`, or raise ``unknown_metric`` naming those that there are."""
    if metric not in METRICS:
        raise InvalidInputError(
            f"There is no score '{metric}'.",
            hint=f"Scores are {', '.join(METRICS)}.",
            code="unknown_metric",
            field="metrics",
        )
    return metric
