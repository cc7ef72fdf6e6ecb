"""Whether predicted probabilities come true: reliability bins and calibration error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from ...errors import InvalidInputError
from .alignment import Weights
from .arguments import require_array
from .cube_pass import CubePass, Piece
from .groups import By
from .sums import Floats


def calibration(
    probability: xr.DataArray,
    truth: xr.DataArray,
    bins: int = 15,
    class_dim: str = "class",
    ignore_index: float | None = None,
    dim: str | Sequence[str] | None = None,
    by: By | Sequence[By] = (),
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
    dim, by, weights
        As in :func:`.score.score`: ``dim="time"`` gives maps, ``by`` regions or seasons.
    **which
        ``split`` and ``role``, as in :func:`.score.score`.

    Returns
    -------
    xarray.Dataset
        Over the dims that are kept and the groups. By ``bin`` (its middle): ``confidence`` (mean
        probability), ``frequency`` (share that came true), ``weight``, ``n``, NaN where a bin is
        empty; ``ece``: the expected calibration error sum w |frequency - confidence| / sum w
        (Guo et al., ICML 2017); ``brier``: mean squared difference of probability and outcome
        of what was judged.

    Raises
    ------
    InvalidInputError
        ``invalid_probability`` outside [0, 1]; ``unknown_class`` where the truth of one
        probability is neither 0 nor 1.
    """
    if bins < 1:
        raise InvalidInputError("There must be a bin.", field="bins")
    require_array("probability", probability)
    many = class_dim in probability.dims
    numbers = (
        np.asarray(probability[class_dim].values, dtype=np.float64) if many else np.array([1.0])
    )
    arrays = {"probability": probability.drop_vars(class_dim, errors="ignore")}
    whole = (class_dim,) if many else ()
    cubes = CubePass(arrays, truth, dim=dim, by=by, weights=weights, whole=whole, **which)

    def judge(piece: Piece) -> tuple[tuple[slice, ...], Floats]:
        group = cubes.group_of(piece)
        p, t = piece.values["probability"], piece.values["truth"]
        there = ~np.isnan(p).any(axis=0) if many else ~np.isnan(p)
        counts = there & np.isfinite(t) & (piece.weight > 0) & (group >= 0)
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
        where, shape = cubes.part_of(piece)
        place = group[counts] * bins + np.minimum((sure * bins).astype(np.int64), bins - 1)
        columns = (np.ones_like(w), w, w * sure, w * right, w * (sure - right) ** 2)
        length = math.prod(shape) * bins
        found = np.stack([np.bincount(place, column, length) for column in columns])
        return where, found.astype(np.float64).reshape(len(columns), *shape, bins)

    sums = np.zeros((5, *cubes.shape, bins))
    for where, part in cubes.walk(judge):
        sums[(slice(None), *where)] += part
    n, weight, sure, right, squared = sums
    total = weight.sum(axis=-1)
    in_bin, in_all = (np.where(part > 0, part, np.nan) for part in (weight, total))
    return cubes.dataset(
        {
            "confidence": (("bin",), sure / in_bin),
            "frequency": (("bin",), right / in_bin),
            "weight": (("bin",), weight),
            "n": (("bin",), np.rint(n).astype(np.int64)),
            "ece": ((), np.abs(right - sure).sum(axis=-1) / in_all),
            "brier": ((), squared.sum(axis=-1) / in_all),
        }
    ).assign_coords(bin=(np.arange(bins) + 0.5) / bins)
