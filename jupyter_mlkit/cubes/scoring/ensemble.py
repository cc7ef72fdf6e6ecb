"""Scores of ensembles: CRPS, spread against error, rank histogram; chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from ...errors import InvalidInputError
from .alignment import Weights
from .arguments import require_array
from .cube_pass import CubePass, Values
from .groups import By
from .sums import Floats, refuse_infinite

#: Rows of the sums: n, weight, CRPS, fair CRPS, squared error of the mean, error, variance.
_N, _W, _CRPS, _FAIR, _EE, _E, _VARIANCE, _RANKS = range(8)


def ensemble_scores(
    prediction: xr.DataArray,
    truth: xr.DataArray,
    member: str = "member",
    dim: str | Sequence[str] | None = None,
    by: By | Sequence[By] = (),
    weights: Weights = None,
    **which: Any,
) -> xr.Dataset:
    """Score an ensemble.

    Parameters
    ----------
    prediction : xarray.DataArray
        With a dim `member` and those of `truth`. A cell counts where all members are there.
    truth : xarray.DataArray
    member : str
    dim, by, weights
        As in :func:`.score.score`.
    **which
        ``split`` and ``role``, as in :func:`.score.score`.

    Returns
    -------
    xarray.Dataset
        ``crps``: mean |x - y| - sum |x_i - x_j| / (2 M^2), in the truth's units; ``crps_fair``:
        with M (M - 1) in place of M^2, which does not favour large ensembles (Ferro, Q. J. R.
        Meteorol. Soc. 140, 1917, 2014), NaN of one member. ``spread``: root of the mean variance
        (with M - 1); ``rmse`` and ``bias`` of the ensemble mean; ``spread_error``:
        sqrt((M + 1) / M) spread / rmse, which is 1 where members and truth cannot be told apart
        (Fortin et al., J. Hydrometeorol. 15, 1708, 2014). ``rank_histogram`` over ``rank``: share
        of the weight of the cells whose truth exceeds that many members, ties in equal parts.
        ``n``, ``weight``.

    Raises
    ------
    InvalidInputError
        ``no_members``, and as for :func:`.score.score`.
    """
    for name, array in (("prediction", prediction), ("truth", truth)):
        require_array(name, array)
    if member not in prediction.dims or prediction.sizes[member] == 0:
        raise InvalidInputError(
            f"The prediction has no members along '{member}'.",
            hint="Name their dim: member=...",
            code="no_members",
            field="member",
        )
    m = int(prediction.sizes[member])
    arrays = {"prediction": prediction.drop_vars(member, errors="ignore")}
    cubes = CubePass(arrays, truth, dim=dim, by=by, weights=weights, whole=(member,), **which)
    total = np.zeros((_RANKS + m + 1, *cubes.shape))
    for part in cubes.sums(_terms):
        total[(slice(None), *part.where)] += part.values
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / np.where(total[_W] > 0, total[_W], np.nan)
        rmse, spread = np.sqrt(mean[_EE]), np.sqrt(mean[_VARIANCE])
        ratio = np.sqrt((m + 1) / m) * spread / np.where(rmse > 0, rmse, np.nan)
    if m == 1:
        # One member has no spread.
        mean[_FAIR], spread, ratio = np.nan, spread * np.nan, ratio * np.nan
    found = cubes.dataset(
        {
            "crps": ((), mean[_CRPS]),
            "crps_fair": ((), mean[_FAIR]),
            "spread": ((), spread),
            "rmse": ((), rmse),
            "bias": ((), mean[_E]),
            "spread_error": ((), ratio),
            "rank_histogram": (("rank",), np.moveaxis(mean[_RANKS:], 0, -1)),
            "n": ((), np.rint(total[_N]).astype(np.int64)),
            "weight": ((), total[_W]),
        }
    ).assign_coords(rank=np.arange(m + 1))
    units = str(truth.attrs.get("units", ""))
    for name in ("crps", "crps_fair", "spread", "rmse", "bias"):
        if units:
            found[name].attrs["units"] = units
    return found


def _terms(values: Values, weight: Floats, _: float) -> list[Floats]:
    members, truth = values["prediction"], values["truth"]
    m = len(members)
    known = np.isfinite(truth) & ~np.isnan(members).any(axis=0) & (weight > 0)
    refuse_infinite(members, np.broadcast_to(known, members.shape))
    w, y = weight[known], truth[known]
    x = np.sort(members[:, known], axis=0)
    distance = np.abs(x - y).mean(axis=0)
    # sum over i, j of |x_i - x_j| from the sorted members: each counts as often as it is larger.
    order = 2.0 * np.arange(m) - (m - 1)
    pairs = 2 * np.tensordot(order, x - y, axes=1)
    error = x.mean(axis=0) - y
    variance = x.var(axis=0, ddof=1) if m > 1 else np.zeros_like(y)
    fair = distance - pairs / (2 * m * (m - 1)) if m > 1 else distance
    below, up_to = (x < y).sum(axis=0), (x <= y).sum(axis=0)
    share = w / (up_to - below + 1)
    ranks = [np.where((below <= r) & (r <= up_to), share, 0.0) for r in range(m + 1)]
    columns = [
        np.ones_like(w), w, w * (distance - pairs / (2 * m * m)), w * fair,
        w * error**2, w * error, w * variance, *ranks,
    ]  # fmt: skip
    terms = []
    for column in columns:
        spread = np.zeros(truth.shape)
        spread[known] = column
        terms.append(spread)
    return terms
