"""What is left of a variable without its seasons and trend, or without what a model explains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_YEAR = 365.25
#: Valid dates per cell for which the cell gets seasons and a trend of its own.
_ENOUGH_DATES = 24
_FEWEST = 2
#: Cells that a few coefficients for the whole map are taken from.
_FITTED_CELLS = 10_000


def anomalies(values: Floats, days: Floats, points: Floats) -> Floats:
    """Return `values` minus the climatology and trend of each cell.

    Where cells have enough dates, each has its own mean, trend and annual cycle. Else each has
    its own mean, and trend and cycle vary over the map as a polynomial of second degree.

    Parameters
    ----------
    values : ndarray, shape (n_time, n_cells)
        NaN where missing.
    days : ndarray, shape (n_time,)
    points : ndarray, shape (n_cells, 2 or 3)
        Places in the plane or on the unit sphere.

    Returns
    -------
    ndarray, shape (n_time, n_cells)
    """
    valid = np.isfinite(values)
    if len(values) == 1:
        return _without(values, valid, _polynomial(points)[None])
    phase = 2 * np.pi * days / _YEAR
    scaled = (days - days.mean()) / max(np.ptp(days), 1.0)
    basis = np.stack([scaled, np.cos(phase), np.sin(phase)], axis=1)
    counts = valid.sum(axis=0)
    typical = np.median(counts[counts > 0]) if counts.any() else 0
    if typical >= _ENOUGH_DATES:
        return _per_cell(values, valid, np.column_stack([np.ones(len(days)), basis]))
    keep = valid & (counts >= _FEWEST)
    return _over_the_map(np.where(keep, values, np.nan), keep, basis, _polynomial(points))


def residuals(values: Floats, features: list[Floats]) -> Floats:
    """Return `values` minus their least squares on `features`, all shape (n_time, n_cells)."""
    columns = np.stack([np.ones(values.shape), *features], axis=-1)
    valid = np.isfinite(values) & np.isfinite(columns).all(axis=-1)
    return _without(np.where(valid, values, np.nan), valid, columns)


def _without(values: Floats, valid: NDArray[np.bool_], columns: Floats) -> Floats:
    """Subtract the least squares on `columns`, shape (..., n_columns)."""
    columns = np.broadcast_to(columns, (*values.shape, columns.shape[-1]))
    if valid.sum() <= columns.shape[-1]:
        return values
    x, y = columns[valid], values[valid]
    found = values.copy()
    # The pseudo-inverse: over a short period, trend and season are nearly the same.
    scale = np.maximum(np.sqrt((x**2).mean(axis=0)), 1e-30)
    x = x / scale
    found[valid] = y - x @ (np.linalg.pinv(x.T @ x, rcond=1e-10) @ (x.T @ y))
    return found


def _per_cell(values: Floats, valid: NDArray[np.bool_], basis: Floats) -> Floats:
    n, weights = basis.shape[1], valid.astype(np.float64)
    squares = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    normal = (squares.T @ weights).T.reshape(-1, n, n) + 1e-9 * np.eye(n)
    right = (basis.T @ np.where(valid, values, 0.0)).T
    fitted = basis @ np.linalg.solve(normal, right[..., None])[..., 0].T
    kept: Floats = np.where(valid & (valid.sum(axis=0) >= 2 * n), values - fitted, np.nan)
    return kept


def _over_the_map(
    values: Floats, valid: NDArray[np.bool_], basis: Floats, polynomial: Floats
) -> Floats:
    """Subtract the mean of each cell, and `basis` in time with coefficients that vary smoothly.

    One date at a time, as the columns of all would fill the memory.
    """
    counts = np.maximum(valid.sum(axis=0), 1)
    centred: Floats = values - np.where(valid, values, 0.0).sum(axis=0) / counts
    means = (valid.T @ basis) / counts[:, None]
    n = basis.shape[1] * polynomial.shape[1]
    squares, right = np.zeros((n, n)), np.zeros(n)
    some = slice(None, None, max(1, values.shape[1] // _FITTED_CELLS))
    for moment, there, left in zip(basis, valid[:, some], centred[:, some], strict=True):
        moved = (moment - means[some])[there]
        x = (moved[:, :, None] * polynomial[some][there][:, None, :]).reshape(-1, n)
        squares += x.T @ x
        right += x.T @ left[there]
    scale = np.sqrt(np.maximum(np.diag(squares), 1e-30))
    inverse = np.linalg.pinv(squares / np.outer(scale, scale), rcond=1e-10)
    coefficients = (inverse @ (right / scale) / scale).reshape(basis.shape[1], -1)
    amplitude = polynomial @ coefficients.T
    for moment, left in zip(basis, centred, strict=True):
        left -= ((moment - means) * amplitude).sum(axis=1)
    return centred


def _polynomial(points: Floats) -> Floats:
    centred = points - points.mean(axis=0)
    centred = centred / max(float(np.abs(centred).max(initial=0.0)), 1e-30)
    rows, columns = np.triu_indices(points.shape[1])
    return np.column_stack([np.ones(len(points)), centred, centred[:, rows] * centred[:, columns]])
