"""The models that predict: small, fitted at once, the same for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cube import CHUNK

#: A boosted forest is fed this many cells at most, for it takes 2 us for each that is valid.
_TREE_CELLS = 256 * 90 * 1440


def fitted(kind: str) -> Any:
    """Return a regression of two temperatures: ``linear``, ``mlp`` (2-32-32-1) or ``trees``."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import LinearRegression
    from sklearn.neural_network import MLPRegressor

    rng = np.random.default_rng(0)
    x = rng.uniform(250, 310, (20_000, 2)).astype(np.float32)
    y = (x[:, 0] - 0.5 * x[:, 1] + np.sin(x[:, 0]) + rng.standard_normal(len(x))).astype(np.float32)
    if kind == "linear":
        return LinearRegression().fit(x, y)
    if kind == "mlp":
        return MLPRegressor(hidden_layer_sizes=(32, 32), max_iter=2, random_state=0).fit(x, y)
    return HistGradientBoostingRegressor(max_iter=100, early_stopping=False, random_state=0).fit(
        x, y
    )


def part(ds: Any, kind: str) -> tuple[Any, float]:
    """Return the rows of chunks that a model of `kind` is tried on, and their share."""
    if kind != "trees":
        return ds, 1.0
    row = CHUNK[1] * ds.sizes["lon"] * ds.sizes["time"]
    rows = min(ds.sizes["lat"], CHUNK[1] * max(1, _TREE_CELLS // row))
    # From the middle, where there is as much land as elsewhere.
    start = (ds.sizes["lat"] - rows) // 2 // CHUNK[1] * CHUNK[1]
    return ds.isel(lat=slice(start, start + rows)), rows / ds.sizes["lat"]


def masked(model: Any, columns: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Predict the cells that have every feature; NaN elsewhere."""
    valid = np.isfinite(columns[0])
    for column in columns[1:]:
        valid &= np.isfinite(column)
    result = np.full(valid.shape, np.nan, np.float32)
    if valid.any():
        result[valid] = model.predict(np.stack([column[valid] for column in columns], axis=1))
    return result
