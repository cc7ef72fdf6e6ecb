"""Whether predicted probabilities come true: reliability bins and calibration error."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from ...errors import InvalidInputError
from .alignment import Weights
from .cube_pass import CubePass, Piece
from .sums import Floats


def calibration(
    probability: xr.DataArray,
    truth: xr.DataArray,
    bins: int = 15,
    class_dim: str = "class",
    ignore_index: float | None = None,
    weights: Weights = None,
    **which: Any,
) -> xr.Dataset:
    """Compare predicted probabilities with how often they come true, chunk by chunk.

    Parameters
    ----------
    probability : xarray.DataArray
        Either the probability that `truth` is 1, on its cells; or with a dim `class_dim` more,
        whose coordinate holds the numbers of the classes: then the class with the largest
        probability is judged (the first of equal ones), by that probability.
    truth : xarray.DataArray
        Numbers of classes; 0 and 1 for one probability.
    bins : int
        Of equal width in [0, 1].
    class_dim : str
    ignore_index : number, optional
        Cells with this truth do not count.
    weights
        As in :func:`.score.score`.
    **which
        ``split`` and ``role``, as in :func:`.score.score`.

    Returns
    -------
    xarray.Dataset
        By ``bin`` (its middle): ``confidence`` (mean probability), ``frequency`` (share that came
        true), ``weight``, ``n``, NaN where a bin is empty; ``ece``: the expected calibration
        error sum w |frequency - confidence| / sum w (Guo et al., ICML 2017); ``brier``: mean
        squared difference of probability and outcome of what was judged.

    Raises
    ------
    InvalidInputError
        ``invalid_probability`` outside [0, 1]; ``unknown_class`` where the truth of one
        probability is neither 0 nor 1.
    """
    if bins < 1:
        raise InvalidInputError("There must be a bin.", field="bins")
    many = class_dim in probability.dims
    numbers = (
        np.asarray(probability[class_dim].values, dtype=np.float64) if many else np.array([1.0])
    )
    arrays = {"probability": probability.drop_vars(class_dim, errors="ignore")}
    whole = (class_dim,) if many else ()
    cubes = CubePass(arrays, truth, weights=weights, whole=whole, **which)

    def judge(piece: Piece) -> Floats:
        p, t = piece.values["probability"], piece.values["truth"]
        there = ~np.isnan(p).any(axis=0) if many else ~np.isnan(p)
        counts = there & np.isfinite(t) & (piece.weight > 0)
        if ignore_index is not None:
            counts &= t != ignore_index
        w, own, outcome = piece.weight[counts], p[..., counts], t[counts]
        if own.size and (own.min() < 0 or own.max() > 1):
            raise InvalidInputError(
                "A probability is not between 0 and 1.", code="invalid_probability"
            )
        if not many and not np.isin(outcome, (0, 1)).all():
            raise InvalidInputError(
                "The truth of a probability is 0 or 1.",
                hint="With more classes, give a probability of each along a dim.",
                code="unknown_class",
            )
        best = own.argmax(axis=0) if many else np.zeros(outcome.size, np.int64)
        sure = own.max(axis=0) if many and own.size else own.reshape(-1)
        right = (numbers[best] == outcome).astype(np.float64)
        place = np.minimum((sure * bins).astype(np.int64), bins - 1)
        columns = (np.ones_like(w), w, w * sure, w * right, w * (sure - right) ** 2)
        return np.stack([np.bincount(place, column, bins) for column in columns])

    sums = np.zeros((5, bins))
    for part in cubes.walk(judge):
        sums += part
    n, weight, sure, right, squared = sums
    total = weight.sum()
    safe = np.where(weight > 0, weight, np.nan)
    with np.errstate(invalid="ignore"):
        gap = np.abs(right - sure).sum() / total if total > 0 else np.nan
        brier = squared.sum() / total if total > 0 else np.nan
    return xr.Dataset(
        {
            "confidence": ("bin", sure / safe),
            "frequency": ("bin", right / safe),
            "weight": ("bin", weight),
            "n": ("bin", np.rint(n).astype(np.int64)),
            "ece": ((), gap),
            "brier": ((), brier),
        },
        coords={"bin": (np.arange(bins) + 0.5) / bins},
    )
