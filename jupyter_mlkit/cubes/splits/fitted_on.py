"""On which cells a scaler was fitted."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import InvalidInputError
from ..reading.slabs import SlabReader
from .base import Split, frame_of

FittedOn = Literal["train", "all", "other"]
#: Relative to the scale: what float32 sums and other orders of adding may differ by.
_SAME = 1e-3


def fitted_on(scaler: Any, split: Split, ds: xr.Dataset, names: list[str]) -> FittedOn:
    """Tell from its constants on which cells a scaler was fitted, in one pass over the cube.

    Parameters
    ----------
    scaler : object
        Its ``constants()`` return offset and scale by variable: mean and standard deviation, or
        minimum and range.
    split : Split
        Resolved.
    ds : xarray.Dataset
    names : list of str
        Target and features; a row counts where all are there, or each variable alone.

    Raises
    ------
    InvalidInputError
        The scaler has no constants.
    """
    constants = getattr(scaler, "constants", None)
    if not callable(constants):
        raise InvalidInputError(
            f"{type(scaler).__name__} has no constants() to compare.", field="scaler"
        )
    given = {name: pair for name, pair in constants().items() if name in names}
    dims = [str(dim) for dim in ds[names[0]].dims]
    tables = {key: _Moments(len(names)) for key in ("train", "train rows", "all", "all rows")}
    frame, _ = frame_of(ds)
    reader = SlabReader(ds, names, dims)
    for slab in reader:
        found = split.assign(frame.isel(slab.slices))
        held = [dim for dim in dims if dim in found.dims]
        shape = [n if dim in held else 1 for dim, n in zip(dims, slab.shape, strict=True)]
        train = np.broadcast_to(found.transpose(*held).values.reshape(shape) == 0, slab.shape)
        values = [np.broadcast_to(reader.read(name, slab), slab.shape) for name in names]
        there = [np.isfinite(column) for column in values]
        rows = np.logical_and.reduce(there)
        for i, column in enumerate(values):
            for key, cells in (
                ("train", train & there[i]),
                ("train rows", train & rows),
                ("all", there[i]),
                ("all rows", rows),
            ):
                tables[key].add(i, column[cells])
    for key, table in tables.items():
        if all(table.agrees(names.index(name), pair) for name, pair in given.items()):
            return "train" if key.startswith("train") else "all"
    return "other"


class _Moments:
    """Running count, mean, squares and extremes by variable."""

    def __init__(self, n: int) -> None:
        self._n = np.zeros(n)
        self._mean, self._squares = np.zeros(n), np.zeros(n)
        self._low, self._high = np.full(n, np.inf), np.full(n, -np.inf)

    def add(self, i: int, values: NDArray[np.generic]) -> None:
        if not values.size:
            return
        found = values.astype(np.float64)
        n, mean = self._n[i] + found.size, found.mean()
        step = mean - self._mean[i]
        # Chan, Golub & LeVeque (1983).
        self._squares[i] += ((found - mean) ** 2).sum() + step**2 * self._n[i] * found.size / n
        self._mean[i] += step * found.size / n
        self._n[i] = n
        self._low[i] = min(self._low[i], found.min())
        self._high[i] = max(self._high[i], found.max())

    def agrees(self, i: int, constants: tuple[float, float]) -> bool:
        offset, scale = constants
        std = np.sqrt(self._squares[i] / max(1.0, self._n[i]))
        tolerance = _SAME * max(std, 1e-30)
        standard = abs(offset - self._mean[i]) < tolerance and abs(scale - std) < tolerance
        span = self._high[i] - self._low[i]
        normal = abs(offset - self._low[i]) < tolerance and abs(scale - span) < tolerance
        return bool(standard or normal)
