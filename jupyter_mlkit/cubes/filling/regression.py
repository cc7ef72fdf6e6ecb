"""The part of a field that covariates and the season explain: one ridge regression per region."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .lowrank import Matrix, Seen

#: Ridge as a share of the number of seen values, on standardised predictors.
_RIDGE = 1e-4
_YEAR_DAYS = 365.2425


def season(days: NDArray[np.float64]) -> Matrix:
    """Return the annual cycle as cosine and sine, (2, n_times), for days since any date."""
    angle = 2 * np.pi * days / _YEAR_DAYS
    return np.stack([np.cos(angle), np.sin(angle)])


def regress(
    values: Matrix, seen: Seen, covariates: NDArray[np.floating], seasons: Matrix
) -> Matrix:
    """Return cell mean + slopes x (predictors - their mean over the dates when the cell was seen).

    The slopes are common to all cells; where a covariate is missing, it counts as at its mean.

    Parameters
    ----------
    values : (n_times, n_cells) array
        Only where `seen`.
    seen : (n_times, n_cells) array of bool
    covariates : (n_covariates, n_times, n_cells) array
    seasons : (n_terms, n_times) array

    Returns
    -------
    (n_times, n_cells) float64 array
        0 in cells that were never seen.
    """
    counts = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen, values, 0.0).sum(axis=0) / counts
    anomalies = np.where(seen, values - mean, 0.0)
    predictors = [
        *(_anomalies(np.asarray(one, np.float64), seen) for one in covariates),
        *(_anomalies(np.broadcast_to(one[:, None], values.shape), seen) for one in seasons),
    ]
    known = np.stack([one[seen] for one in predictors])
    scale = known.std(axis=1)
    used = np.flatnonzero(scale > 0)
    if not used.size:
        return np.broadcast_to(mean, values.shape).copy()
    known = known[used] / scale[used, None]
    normal = known @ known.T + _RIDGE * known.shape[1] * np.eye(len(used))
    slopes = np.linalg.solve(normal, known @ anomalies[seen]) / scale[used]
    return np.asarray(
        mean + sum(slope * predictors[k] for slope, k in zip(slopes, used, strict=True))
    )


def _anomalies(values: Matrix, seen: Seen) -> Matrix:
    finite = np.isfinite(values)
    usable = seen & finite
    mean = np.where(usable, values, 0.0).sum(axis=0) / np.maximum(usable.sum(axis=0), 1)
    # Where a covariate is known only when the target is missing, its own mean has to do.
    alone = np.where(finite, values, 0.0).sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
    mean = np.where(usable.any(axis=0), mean, alone)
    return np.where(finite, values - mean, 0.0)
