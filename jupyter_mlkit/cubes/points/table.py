"""A table of measurements, whatever it calls its columns."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import InvalidInputError
from ..grids.cf import AXIS_NAMES, Axis, is_latitude, is_longitude, is_time

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Points:
    """Where and when something was measured, and what."""

    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    time: NDArray[np.datetime64] | None
    measured: dict[str, NDArray[Any]]


def points_of(table: pd.DataFrame | xr.Dataset, *, needs_time: bool) -> Points:
    """Return the measurements in `table`.

    Raises
    ------
    InvalidInputError
        ``no_coordinates`` where it lacks latitude, longitude or a time that is needed.
    """
    columns, axes = _of_dataset(table) if isinstance(table, xr.Dataset) else _of_frame(table)
    for axis, word in (("y", "latitude"), ("x", "longitude"), ("time", "time")):
        if axis not in axes and (axis != "time" or needs_time):
            raise InvalidInputError(
                f"The table has no {word}.",
                hint="Call its columns lat, lon and time; it has " + ", ".join(columns) + ".",
                code="no_coordinates",
            )
    time = columns.get(axes.get("time", ""))
    return Points(
        lat=np.asarray(columns[axes["y"]], dtype=np.float64),
        lon=np.asarray(columns[axes["x"]], dtype=np.float64),
        time=None if time is None else np.asarray(time).astype("M8[ns]"),
        measured={name: values for name, values in columns.items() if name not in axes.values()},
    )


def _of_frame(table: pd.DataFrame) -> tuple[dict[str, NDArray[Any]], dict[Axis, str]]:
    import pandas as pd

    columns: dict[str, NDArray[Any]] = {}
    axes: dict[Axis, str] = {}
    for name, column in table.reset_index(drop=table.index.name is None).items():
        axis = _axis_by_name(name)
        if axis is not None and axis not in axes:
            axes[axis] = str(name)
        if axis == "time":
            columns[str(name)] = pd.to_datetime(column, utc=True).dt.tz_localize(None).to_numpy()
        else:
            columns[str(name)] = column.to_numpy()
    return columns, axes


def _of_dataset(table: xr.Dataset) -> tuple[dict[str, NDArray[Any]], dict[Axis, str]]:
    if len(table.dims) != 1:
        raise InvalidInputError(
            f"The table has {len(table.dims)} dims; one row per measurement means one.",
            hint="Stack it: table.stack(sample=[...]).",
            code="no_coordinates",
        )
    axes: dict[Axis, str] = {}
    for name, variable in table.variables.items():
        array = table[name]
        axis: Axis | None = (
            "time" if is_time(array) else "y" if is_latitude(array)
            else "x" if is_longitude(array) else None
        )  # fmt: skip
        if axis is not None and axis not in axes and variable.ndim == 1:
            axes[axis] = str(name)
    columns = {str(name): table[name].values for name in table.variables if table[name].ndim == 1}
    return columns, axes


def _axis_by_name(name: Hashable) -> Axis | None:
    plain = str(name).strip().lower()
    return next((axis for axis, names in AXIS_NAMES.items() if plain in names), None)
