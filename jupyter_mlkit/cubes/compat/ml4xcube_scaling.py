"""Scaling by the names of ml4xcube 1.1.

What differs: where there is a variable ``split`` (1 train, 0 test), statistics are those of
train alone; a cube is read once, chunk by chunk, and what is lazy stays lazy; constants of a
variable that does not vary scale it to 0 and back, in all four functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..reading.moments import Moments, moments_of
from ..scaling.affine import Affine, Step
from ..scaling.statistics import statistics

Arrays = dict[str, NDArray[Any]]
Cube = TypeVar("Cube", xr.Dataset, Arrays)
Values = TypeVar("Values", xr.DataArray, NDArray[Any], float)
#: Two constants of each variable.
Pairs = dict[str, list[float]]

_SPLIT, _MASK = "split", "filter_mask"


def get_statistics(ds: xr.Dataset | Arrays, exclude_vars: Sequence[str] = ()) -> Pairs:
    """Return [mean, standard deviation] of each variable over its train values.

    Parameters
    ----------
    ds : xarray.Dataset or dict of ndarray
    exclude_vars : sequence of str
        Variables that are none of the data, such as a mask; ``split`` and ``filter_mask``
        never are.
    """
    if isinstance(ds, xr.Dataset):
        found = _of_cube(ds, exclude_vars)
        return {name: [float(one.mean), float(one.std)] for name, one in found.items()}
    parts = _of_arrays(ds, exclude_vars)
    return {name: [float(one.mean), float(one.std)] for name, one in parts.items()}


def get_range(ds: xr.Dataset | Arrays, exclude_vars: Sequence[str] = ()) -> Pairs:
    """Return [least, greatest] of each variable over its train values."""
    if isinstance(ds, xr.Dataset):
        found = _of_cube(ds, exclude_vars)
        return {name: [float(one.minimum), float(one.maximum)] for name, one in found.items()}
    parts = _of_arrays(ds, exclude_vars)
    return {name: [float(one.low), float(one.high)] for name, one in parts.items()}


def standardize(
    ds: Cube, stats_dict: Mapping[str, Sequence[float]], filter_var: str | None = None
) -> Cube:
    """Return `ds` with ``(value - mean) / std`` of the variables in `stats_dict`."""
    return _scaled(ds, {name: (mean, std) for name, (mean, std) in stats_dict.items()}, filter_var)


def normalize(
    ds: Cube, range_dict: Mapping[str, Sequence[float]], filter_var: str | None = None
) -> Cube:
    """Return `ds` with ``(value - least) / (greatest - least)`` of those in `range_dict`."""
    pairs = {name: (low, high - low) for name, (low, high) in range_dict.items()}
    return _scaled(ds, pairs, filter_var)


def undo_standardizing(x: Values, xmean: float, xstd: float) -> Values:
    """Return standardized values in their units."""
    return x * (xstd or 1.0) + xmean


def undo_normalizing(x: Values, xmin: float, xmax: float) -> Values:
    """Return normalized values in their units."""
    return x * ((xmax - xmin) or 1.0) + xmin


def _of_cube(ds: xr.Dataset, exclude: Sequence[str]) -> dict[str, Any]:
    names = [
        name
        for name, data in ds.data_vars.items()
        if name not in (_SPLIT, _MASK, *exclude) and data.dtype.kind in "iuf"
    ]
    return dict(statistics(ds, map(str, names), mask=_SPLIT if _SPLIT in ds else None))


def _of_arrays(ds: Arrays, exclude: Sequence[str]) -> dict[str, Moments]:
    found = {}
    for name, values in ds.items():
        if name in (_SPLIT, _MASK, *exclude):
            continue
        keep = np.asarray(ds[_SPLIT]) == 1 if _SPLIT in ds else np.ones([1] * values.ndim, bool)
        found[name] = moments_of(values, keep)
    return found


def _scaled(ds: Cube, pairs: Mapping[str, tuple[float, float]], without: str | None) -> Cube:
    chosen = {
        name: pair for name, pair in pairs.items() if name in ds and name not in (_SPLIT, without)
    }
    if isinstance(ds, xr.Dataset):
        return ds.assign(
            {
                name: Affine(xr.DataArray(offset), xr.DataArray(scale or 1.0)).apply(
                    ds[name], inverse=False
                )
                for name, (offset, scale) in chosen.items()
            }
        )
    scaled = {
        name: Step(offset, scale or 1.0, np.result_type(ds[name], np.float32).str, inverse=False)(
            ds[name]
        )
        for name, (offset, scale) in chosen.items()
    }
    return {**ds, **scaled}
