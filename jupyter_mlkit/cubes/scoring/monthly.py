"""The climatology of a cube: a mean per place and calendar month, of train cells alone."""

from __future__ import annotations

import xarray as xr

from ...errors import InvalidInputError
from ...models import Role
from ..splits.base import Split
from .alignment import truth_grid
from .arguments import require_array
from .score import error_sums


def monthly_climatology(
    truth: xr.DataArray, split: Split | xr.DataArray | None = None, role: Role = "train"
) -> xr.DataArray:
    """Return the mean per place and calendar month, chunk by chunk.

    Parameters
    ----------
    truth : xarray.DataArray
        With a dim of time.
    split : Split or xarray.DataArray, optional
        Only cells of `role` count, so that nothing is learned from what is scored.
    role : {"train", "validation", "test"}

    Returns
    -------
    xarray.DataArray
        float64 with a dim ``month`` in place of time, NaN where no cell was seen;
        :func:`score`, :func:`skill_score` and :func:`forecast_scores` take it as a prediction.

    Raises
    ------
    InvalidInputError
        ``no_time``.
    """
    require_array("truth", truth)
    time = truth_grid(truth).time
    if time is None or time not in truth.dims:
        raise InvalidInputError("A climatology needs a dim of time.", code="no_time")
    cubes, sums = error_sums(
        {"prediction": truth},
        truth,
        dim=time,
        by=f"{time}.month",
        weights=xr.DataArray(1.0),
        split=split,
        role=None if split is None else role,
    )
    found = cubes.dataset({"mean": ((), sums["prediction"].truth_mean)})["mean"]
    return found.rename(truth.name).assign_attrs(truth.attrs)
