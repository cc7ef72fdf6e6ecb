"""Truths and predictions that the tests of scores share."""

from __future__ import annotations

import numpy as np
import xarray as xr

from jupyter_mlkit.cubes.view.samples import Samples

from ..made import small_cube


def pair(
    seed: int = 0, *, n_time: int = 40, gaps: float = 0.3, offset: float = 0.0
) -> tuple[xr.DataArray, xr.DataArray]:
    """A prediction and a truth with gaps of their own."""
    truth = small_cube(n_time, 10, 12, seed=seed, gaps=gaps).b
    rng = np.random.default_rng(seed + 1)
    values = truth.values + rng.normal(0.5, 2, truth.shape)
    values[rng.random(truth.shape) < 0.1] = np.nan
    prediction = truth.copy(data=values.astype("f4")) + np.float32(offset)
    return prediction, truth + np.float32(offset)


def area(truth: xr.DataArray) -> np.ndarray:
    weight = np.cos(np.radians(truth.lat)).broadcast_like(truth).transpose(*truth.dims)
    return np.asarray(weight.values)


def by_hand(p: np.ndarray, y: np.ndarray, w: np.ndarray) -> dict[str, float]:
    """Scores by their formulas, of flat arrays."""
    known = np.isfinite(p) & np.isfinite(y) & (w > 0)
    p, y, w = p[known].astype("f8"), y[known].astype("f8"), w[known]
    if not known.any():
        return {**dict.fromkeys(("rmse", "mae", "bias", "r2"), np.nan), "n": 0, "weight": 0.0}
    e, about = p - y, np.average(y, weights=w)
    return {
        "rmse": np.sqrt(np.sum(w * e**2) / np.sum(w)),
        "mae": np.sum(w * np.abs(e)) / np.sum(w),
        "bias": np.sum(w * e) / np.sum(w),
        "r2": 1 - np.sum(w * e**2) / np.sum(w * (y - about) ** 2),
        "n": int(known.sum()),
        "weight": np.sum(w),
    }


def rows(y: np.ndarray, weight: np.ndarray, block: np.ndarray) -> Samples:
    n = len(y)
    return Samples(
        np.zeros((n, 1), "f4"),
        y.astype("f4"),
        weight.astype("f8"),
        np.arange(n),
        block.astype("i8"),
    )
