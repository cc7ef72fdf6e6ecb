"""Robust variograms and the range at which they level off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Share of the sill that defines the practical range.
_OF_SILL = 0.95
#: A partial sill below this share of the total is noise.
_NO_STRUCTURE = 0.05
#: Ranges that are tried, from 0 (half the smallest lag) to 1 (three times the largest), and then
#: about the best of them: powers, as np.geomspace for each of some thousand fits takes as long.
_RANGES = np.linspace(0, 1, 80)
_FINER = 1.15 ** np.linspace(-1, 1, 80)
_ROUNDS = 4
#: Lags beyond this many ranges say nothing about the range.
_BEYOND = 2.5
_FEWEST_LAGS = 5


def _gaussian(h: Floats) -> Floats:
    found: Floats = 1 - np.exp(h**2 * np.log(1 - _OF_SILL))
    return found


def _exponential(h: Floats) -> Floats:
    found: Floats = 1 - np.exp(h * np.log(1 - _OF_SILL))
    return found


def _spherical(h: Floats) -> Floats:
    # It reaches 95 % of its sill at 0.811 of its range.
    u = np.minimum(h * 0.8110, 1.0)
    return 1.5 * u - 0.5 * u**3


Shape = Callable[[Floats], Floats]
#: Shapes of h over the practical range (Webster & Oliver 2007, chapter 5).
_SHAPES: tuple[Shape, ...] = (_gaussian, _exponential, _spherical)


@dataclass(frozen=True)
class Range:
    """What a fitted variogram says.

    Attributes
    ----------
    length : float
        Practical range: where the partial sill is reached to 95 %; infinite where the
        variogram still rises at the largest lag, the smallest lag where there is only noise.
    nugget, sill : float
        Variance at lag zero, and of the whole.
    """

    length: float
    nugget: float
    sill: float


def semivariance(roots: Floats, counts: Floats) -> Floats:
    """Return the robust semivariance of Cressie & Hawkins (1980).

    Parameters
    ----------
    roots : ndarray, shape (..., n_lags)
        Sums of the square roots of absolute differences.
    counts : ndarray, shape (..., n_lags)
        Numbers of pairs.

    Returns
    -------
    ndarray, shape (..., n_lags)
        NaN where there is no pair.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = (roots / counts) ** 4 / (0.457 + 0.494 / counts) / 2
    return found


def fit_range(lags: Floats, gamma: Floats, counts: Floats) -> Range:
    """Fit nugget and partial sill of the best of three shapes by weighted least squares.

    The weights are ``n / gamma**2`` of the fit before (Cressie 1985). Lags far beyond the range
    are left out of the next round, as what rises there is a trend.

    Parameters
    ----------
    lags, gamma, counts : ndarray, shape (n_lags,)
        Distances in rising order, semivariances, numbers of pairs.
    """
    there = np.isfinite(gamma) & (counts > 0) & (lags > 0)
    lags, gamma, counts = lags[there], gamma[there], counts[there]
    if lags.size < _FEWEST_LAGS:
        return Range(np.inf, np.nan, np.nan)
    last = float(lags[-1])
    keep, fitted = np.ones(lags.size, dtype=bool), gamma
    found = Range(np.inf, np.nan, np.nan)
    for _ in range(_ROUNDS):
        weights = counts[keep] / np.maximum(fitted[keep], 1e-12) ** 2
        length, nugget, partial, shape = _best(lags[keep], gamma[keep], weights, last)
        found = Range(length, nugget, nugget + partial)
        fitted = nugget + partial * shape(lags / length)
        reduced = lags <= max(_BEYOND * length, lags[min(_FEWEST_LAGS, lags.size - 1)])
        if np.array_equal(reduced, keep):
            break
        keep = reduced
    if found.sill - found.nugget < _NO_STRUCTURE * found.sill:
        return Range(float(lags[0]), found.nugget, found.sill)
    return found if found.length < last else Range(np.inf, found.nugget, found.sill)


def _best(
    lags: Floats, gamma: Floats, weights: Floats, last: float
) -> tuple[float, float, float, Shape]:
    """Search the practical range on a grid, twice; nugget and partial sill follow linearly."""
    found: list[tuple[float, float, float, float, Shape]] = []
    for shape in _SHAPES:
        ranges = lags[0] / 2 * (6 * last / lags[0]) ** _RANGES
        for _ in range(2):
            nugget, partial, error = _linear(shape(lags / ranges[:, None]), gamma, weights)
            i = int(np.argmin(error))
            fit = (float(error[i]), float(ranges[i]), float(nugget[i]), float(partial[i]), shape)
            found.append(fit)
            ranges = ranges[i] * _FINER
    return min(found, key=lambda fit: fit[0])[1:]


def _linear(basis: Floats, gamma: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Solve ``gamma = nugget + partial * basis`` for each row, neither of them negative."""
    w = weights / weights.sum()
    mean_b, mean_g = basis @ w, float(gamma @ w)
    spread = ((basis - mean_b[:, None]) ** 2) @ w
    cross = ((basis - mean_b[:, None]) * (gamma - mean_g)) @ w
    partial = np.maximum(0.0, cross / np.maximum(spread, 1e-30))
    nugget = mean_g - partial * mean_b
    # No nugget below zero: then the line goes through the origin.
    through = (basis * gamma) @ w / np.maximum((basis**2) @ w, 1e-30)
    partial = np.where(nugget < 0, through, partial)
    nugget = np.maximum(0.0, nugget)
    error = ((nugget[:, None] + partial[:, None] * basis - gamma) ** 2) @ w
    return nugget, partial, error
