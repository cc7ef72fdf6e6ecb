"""What folds and seeds tell of a score: folds share train cells, seeds share everything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import InvalidInputError
from .intervals import Interval


@dataclass(frozen=True)
class TrainingSpread:
    """How much a score varies with the seed of the training, on the same data and cells.

    It says nothing of other places or times, and is no interval.

    Attributes
    ----------
    mean, std : float
        Over the seeds; the standard deviation with n - 1.
    n_seeds : int
    """

    mean: float
    std: float
    n_seeds: int


def training_spread(scores: Sequence[float]) -> TrainingSpread:
    """Return mean and standard deviation of a score over seeds.

    Parameters
    ----------
    scores : sequence of float
        Of the same training with other seeds.

    Raises
    ------
    InvalidInputError
        There are fewer than two.
    """
    values = _at_least_two(scores, "seeds")
    return TrainingSpread(float(values.mean()), float(values.std(ddof=1)), values.size)


def fold_interval(
    scores: Sequence[float], *, test_to_train: float | None = None, level: float = 0.95
) -> Interval:
    """Return the mean over folds with the corrected resampled t interval.

    Folds share most of their train cells, so that their scores are not independent: the variance
    of the mean is ``(1/k + n_test/n_train) s^2`` in place of ``s^2 / k`` (Nadeau and Bengio,
    Machine Learning 52, 239, 2003).

    Parameters
    ----------
    scores : sequence of float
        One per fold.
    test_to_train : float, optional
        Test cells per train cell; ``1 / (k - 1)`` as in k folds where not given.
    level : float

    Returns
    -------
    Interval
        ``n_blocks`` is the number of folds.
    """
    from scipy.special import stdtrit

    values = _at_least_two(scores, "folds")
    k = values.size
    ratio = 1 / (k - 1) if test_to_train is None else test_to_train
    error = math.sqrt((1 / k + ratio) * float(values.var(ddof=1)))
    half = float(stdtrit(k - 1, (1 + level) / 2)) * error
    mean = float(values.mean())
    return Interval(mean, mean - half, mean + half, level, k)


def fold_difference(
    a: Sequence[float],
    b: Sequence[float],
    *,
    test_to_train: float | None = None,
    level: float = 0.95,
) -> Interval:
    """Return the mean of a - b over the same folds with the corrected t interval.

    Raises
    ------
    InvalidInputError
        There are not as many of `a` as of `b`.
    """
    if len(a) != len(b):
        raise InvalidInputError(f"{len(a)} folds cannot be paired with {len(b)}.")
    return fold_interval(np.subtract(a, b).tolist(), test_to_train=test_to_train, level=level)


def _at_least_two(scores: Sequence[float], of: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = np.asarray(scores, dtype=np.float64).reshape(-1)
    if values.size < 2 or not np.isfinite(values).all():
        raise InvalidInputError(f"Finite scores of two or more {of} are needed.")
    return values
