"""Scores of cubes, chunk by chunk: by season, region and latitude band, or as maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr

from ...errors import InvalidInputError
from ...models import Role
from ..splits.base import Split
from .alignment import Weights
from .arguments import names_of
from .cube_pass import CubePass, Values
from .groups import By
from .sums import ErrorSums, Floats, error_terms, known_metric

#: Scores that are given where none are named.
DEFAULT_METRICS = ("rmse", "mae", "bias", "r2")
_LONG_NAMES = {
    "rmse": "root mean square error",
    "mae": "mean absolute error",
    "bias": "mean of prediction - truth",
    "r2": "coefficient of determination about the weighted mean of the group",
    "correlation": "weighted Pearson correlation",
    "mse": "mean square error",
}


def score(
    prediction: xr.DataArray,
    truth: xr.DataArray,
    metrics: str | Sequence[str] | None = None,
    dim: str | Sequence[str] | None = None,
    by: By | Sequence[By] = (),
    weights: Weights = None,
    *,
    split: Split | xr.DataArray | None = None,
    role: Role | None = None,
) -> xr.Dataset:
    """Score a prediction, reading it and the truth once, a few chunks at a time.

    Parameters
    ----------
    prediction, truth : xarray.DataArray
        Lazy, dask or in memory, in the same units, on the very same cells; the order of dims may
        differ. The prediction may lack dims of the truth, or be a climatology (a dim ``month``,
        ``season`` or ``dayofyear`` in place of time). Cells without a prediction or with a truth
        that is missing or infinite do not count.
    metrics : str or sequence of str, optional
        Of rmse, mae, bias (prediction - truth), r2, correlation and mse; the first four where
        not given.
    dim : str or sequence of str, optional
        Dims that are reduced, all where not given; ``dim="time"`` gives maps.
    by : str, tuple, DataArray, regionmask.Regions, or a sequence of them
        Groups, each of which becomes a dim: ``"time.season"``, ``"time.month"``, the name of a
        coordinate such as ``"lead_time"``, ``("lat", edges)`` for bands (the last one holds its
        upper edge), an array of region numbers on the cells of the truth (named by its
        ``flag_meanings``), or regions of regionmask. Several are crossed.
    weights : xarray.DataArray or Dataset, optional
        Of the cells. Where not given, their area: from ``cell_measures``, else cos(latitude),
        else one. A cube (Dataset) gives its own areas, which knows bounds that an array cannot
        carry. NaN counts as zero.
    split : Split or xarray.DataArray, optional
        Together with `role`: only cells of that role count. An array holds role codes.
    role : {"train", "validation", "test"}, optional

    Returns
    -------
    xarray.Dataset
        The metrics in float64 over the dims that are kept and the groups, NaN for groups
        without cells; ``n`` (cells that count) and ``weight`` (the sum of their weights).

    Raises
    ------
    CubeError
        ``different_grid``, ``not_numeric``, ``unreadable_chunk``.
    InvalidInputError
        ``not_an_array`` (also a name, a cube or plain numbers), ``infinite_prediction``,
        ``unknown_metric``, ``unknown_group``, ``unknown_dim``, ``group_along_kept_dim``,
        ``invalid_weights``.

    Notes
    -----
    RMSE of a group is sqrt(sum w e^2 / sum w), never a mean of RMSEs; R2 is about the weighted
    mean of the same group. Names agree with those of xskillscore, except that bias is its
    ``me`` and ``correlation`` its ``pearson_r``; its default weights are equal.
    """
    names = [known_metric(m) for m in _listed(metrics)]
    cubes, sums = error_sums(
        {"prediction": prediction},
        truth,
        dim=dim,
        by=by,
        weights=weights,
        split=split,
        role=role,
    )
    return scores_dataset(cubes, sums["prediction"], names)


def skill_score(
    prediction: xr.DataArray,
    truth: xr.DataArray,
    reference: xr.DataArray,
    metric: Literal["mse", "mae"] = "mse",
    dim: str | Sequence[str] | None = None,
    by: By | Sequence[By] = (),
    weights: Weights = None,
    *,
    split: Split | xr.DataArray | None = None,
    role: Role | None = None,
) -> xr.Dataset:
    """Return how much better a prediction is than a reference on the cells that both have.

    The skill is ``1 - mse / mse_reference`` (Murphy, Mon. Wea. Rev. 116, 2417, 1988): 1 is
    perfect, 0 as good as the reference, negative worse.

    Parameters
    ----------
    prediction, truth : xarray.DataArray
    reference : xarray.DataArray
        Such as a climatology (see :func:`.monthly.monthly_climatology`).
    metric : {"mse", "mae"}
        Of which the skill is.
    dim, by, weights, split, role
        As in :func:`score`.

    Returns
    -------
    xarray.Dataset
        ``skill`` (NaN where the reference is perfect), the metric of both, ``n``, ``weight``.
    """
    if metric not in ("mse", "mae"):
        raise InvalidInputError(
            f"There is no skill of '{metric}'.",
            hint="Skill is of mse or mae.",
            code="unknown_metric",
            field="metric",
        )
    cubes, sums = error_sums(
        {"prediction": prediction, "reference": reference},
        truth,
        dim=dim,
        by=by,
        weights=weights,
        split=split,
        role=role,
    )
    found = scores_dataset(cubes, sums["prediction"], [metric])
    other = cubes.dataset({"other": ((), sums["reference"].score(metric))})["other"]
    found[f"{metric}_reference"] = other.assign_attrs(found[metric].attrs)
    return found.assign(skill=skill(found[metric], other))


def skill(error: xr.DataArray, reference: xr.DataArray) -> xr.DataArray:
    """Return ``1 - error / reference``, NaN where the reference is perfect."""
    ratio = error / reference.where(reference > 0)
    return (1 - ratio).assign_attrs(long_name="skill against the reference", units="1")


def error_sums(
    predictions: Mapping[str, xr.DataArray], truth: xr.DataArray, **options: Any
) -> tuple[CubePass, dict[str, ErrorSums]]:
    """Return the sums of several predictions on the cells that all of them have.

    Parameters
    ----------
    predictions : mapping of str to xarray.DataArray
    truth : xarray.DataArray
    **options
        Of :class:`CubePass`.

    Returns
    -------
    CubePass
        Which knows the shape and the coordinates of the sums.
    dict of ErrorSums
    """
    cubes = CubePass(predictions, truth, **options)
    names = list(predictions)
    found = {name: ErrorSums.zeros(cubes.shape) for name in names}

    def terms(values: Values, weight: Floats, about: float) -> list[Floats]:
        for name in names if len(names) > 1 else ():
            weight = np.where(np.isnan(values[name]), 0.0, weight)
        return [
            term
            for name in names
            for term in error_terms(values[name], values["truth"], weight, about)
        ]

    for part in cubes.sums(terms):
        for name, values in zip(names, np.split(part.values, len(names)), strict=True):
            found[name].add_at(part.where, ErrorSums(values, part.about))
    return cubes, found


def scores_dataset(cubes: CubePass, sums: ErrorSums, metrics: Sequence[str]) -> xr.Dataset:
    """Return scores with their names and units, and what they rest on."""
    found = cubes.dataset(
        {
            **{name: ((), sums.score(name)) for name in metrics},
            "n": ((), sums.n),
            "weight": ((), sums.weight),
        }
    )
    units = str(cubes.truth.attrs.get("units", ""))
    for name in metrics:
        found[name].attrs["long_name"] = _LONG_NAMES[name]
        if name in ("r2", "correlation"):
            found[name].attrs["units"] = "1"
        elif units:
            found[name].attrs["units"] = f"({units})2" if name == "mse" else units
    found["n"].attrs["long_name"] = "cells that were scored"
    found["weight"].attrs["long_name"] = "sum of the weights of these cells"
    return found


def _listed(metrics: str | Sequence[str] | None) -> Sequence[str]:
    if metrics is None:
        return DEFAULT_METRICS
    return names_of(metrics, "metrics")
