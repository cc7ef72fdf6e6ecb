"""Scores of forecasts by lead time, with skill against persistence and climatology."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import InvalidInputError
from ..grids.coordinates import days_since_1970
from ..grids.grid import is_time
from .alignment import Weights, truth_grid
from .arguments import require_array
from .groups import By
from .persistence import positions_of
from .score import error_sums, scores_dataset, skill

_METRICS = ("rmse", "mae", "bias", "r2", "mse")
_UNITS = {
    **dict.fromkeys(("d", "day", "days"), 1.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 1 / 24),
    **dict.fromkeys(("min", "minute", "minutes"), 1 / 1440),
    **dict.fromkeys(("s", "second", "seconds"), 1 / 86400),
}


def forecast_scores(
    prediction: xr.DataArray,
    truth: xr.DataArray,
    climatology: xr.DataArray | None = None,
    *,
    init: str = "init_time",
    lead: str = "lead_time",
    dim: str | Sequence[str] | None = None,
    by: By | Sequence[By] = (),
    weights: Weights = None,
) -> xr.Dataset:
    """Score forecasts by lead time, chunk by chunk, on the cells that all references have.

    Parameters
    ----------
    prediction : xarray.DataArray
        With dims of the initial and of the lead time and, but for time, those of `truth`. Lead
        times are timedeltas, or numbers with ``units`` of days, hours, minutes or seconds.
    truth : xarray.DataArray
        By valid time, which is initial plus lead time.
    climatology : xarray.DataArray, optional
        With a dim ``month``, ``season`` or ``dayofyear`` in place of time, of train cells alone
        (see :func:`.monthly.monthly_climatology`).
    init, lead : str
        Names of the two dims.
    dim, by, weights
        As in :func:`.score.score`; time is the valid time.

    Returns
    -------
    xarray.Dataset
        By lead time: rmse, mae, bias, r2, mse, ``n``, ``weight``, ``mse_persistence`` and
        ``skill_persistence`` (1 - mse / mse of the value at the initial time) and, with a
        climatology, ``mse_climatology`` and ``skill_climatology``.

    Raises
    ------
    InvalidInputError
        ``no_forecast`` where a dim is missing, or no forecast is valid at a time of the truth.
    """
    for name, array in (("prediction", prediction), ("truth", truth)):
        require_array(name, array)
    time = truth_grid(truth).time
    if time is None or init not in prediction.dims or lead not in prediction.dims:
        raise InvalidInputError(
            f"Forecasts have dims '{init}' and '{lead}', and the truth one of time.",
            hint="Name yours: init=..., lead=...",
            code="no_forecast",
        )
    days = days_since_1970(truth[time])
    starts = days_since_1970(prediction[init])
    begin = positions_of(starts, days)
    found = []
    for number, ahead in enumerate(_days(prediction[lead])):
        valid = positions_of(starts + ahead, days)
        both = np.flatnonzero((begin >= 0) & (valid >= 0))
        if both.size == 0:
            continue
        at = truth.isel({time: valid[both]})
        arrays = {
            "prediction": _renamed(
                prediction.isel({init: both, lead: number}, drop=True), init, time, at
            ),
            "persistence": _renamed(truth.isel({time: begin[both]}), time, time, at),
        }
        if climatology is not None:
            arrays["climatology"] = climatology
        scores = _of_lead(arrays, at, dim=dim, by=by, weights=weights)
        found.append(scores.expand_dims({lead: prediction[lead].values[number : number + 1]}))
    if not found:
        raise InvalidInputError(
            "No forecast starts and is valid at times of the truth.", code="no_forecast"
        )
    joined = xr.concat(found, lead, join="outer")
    joined[lead].attrs.update(prediction[lead].attrs)
    return joined


def _of_lead(arrays: dict[str, xr.DataArray], truth: xr.DataArray, **options: Any) -> xr.Dataset:
    cubes, sums = error_sums(arrays, truth, **options)
    scores = scores_dataset(cubes, sums["prediction"], _METRICS)
    for name in arrays:
        if name != "prediction":
            of_name = scores_dataset(cubes, sums[name], ["mse"])["mse"]
            scores[f"mse_{name}"] = of_name
            scores[f"skill_{name}"] = skill(scores["mse"], of_name)
    return scores


def _renamed(array: xr.DataArray, dim: str, time: str, at: xr.DataArray) -> xr.DataArray:
    """Give `array` the valid times of `at` along `dim`."""
    dropped = array.drop_vars([name for name in array.coords if dim in array[name].dims])
    return dropped.rename({dim: time} if dim != time else {}).assign_coords({time: at[time]})


def _days(lead: xr.DataArray) -> NDArray[np.float64]:
    if lead.dtype.kind == "m":
        return np.asarray(lead.values / np.timedelta64(1, "D"), dtype=np.float64)
    units = str(lead.attrs.get("units", "")).lower()
    if is_time(lead) or units not in _UNITS or lead.dtype.kind not in "iuf":
        raise InvalidInputError(
            f"'{lead.name}' holds no lead times.",
            hint="Use timedeltas, or numbers with units such as 'days' or 'hours'.",
            code="no_forecast",
        )
    return np.asarray(lead.values, dtype=np.float64) * _UNITS[units]
