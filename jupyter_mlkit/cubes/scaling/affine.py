"""Apply ``(value - offset) / scale`` and its inverse, lazily to what is lazy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from ...errors import InvalidInputError
from ..grids.grid import grid_of
from ..reading.stored import then

#: How a variable is stored in chunks stays true when it is scaled; how it is packed does not.
_KEPT_ENCODING = ("chunks", "preferred_chunks", "shards")


@dataclass(frozen=True)
class Affine:
    """Offset and scale of one variable.

    Attributes
    ----------
    offset, scale : xarray.DataArray of float64
        Constants, over none, some or all dims of the variable; of a climatology, over ``month``.
        ``scale`` is nowhere zero.
    """

    offset: xr.DataArray
    scale: xr.DataArray

    @property
    def constant(self) -> bool:
        """Whether there is one offset and one scale for all cells."""
        return self.offset.ndim == 0 and self.scale.ndim == 0

    def apply(self, data: xr.DataArray, *, inverse: bool) -> xr.DataArray:
        """Return `data` scaled, or scaled back, with its coordinates and attributes.

        Raises
        ------
        InvalidInputError
            `data` has cells for which there are no constants.
        """
        dtype = np.dtype(data.dtype)
        if dtype.kind != "f":
            dtype = np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)
        if self.constant:
            step = Step(float(self.offset), float(self.scale), dtype.str, inverse)
            variable = then(data.variable, step, dtype)
            variable = _mapped(data.variable, step, dtype) if variable is None else variable
        else:
            variable = self._by_cell(data, dtype, inverse=inverse)
        found = data.copy(data=variable.data if variable._in_memory else variable._data)
        found.encoding = {key: data.encoding[key] for key in _KEPT_ENCODING if key in data.encoding}
        return found

    def _by_cell(self, data: xr.DataArray, dtype: np.dtype[Any], *, inverse: bool) -> xr.Variable:
        parts = (_fitting(self.offset, data), _fitting(self.scale, data))
        if data.chunks is not None:
            sizes = dict(data.chunksizes)
            months = _month_places(data)
            offset, scale = (
                _spread(
                    part.chunk({dim: sizes[dim] for dim in part.dims if dim in sizes}), months, {}
                )
                for part in parts
            )
            scaled = _scaled(data.variable.astype(dtype), offset, scale, inverse=inverse)
            return scaled.transpose(*data.dims).astype(dtype)
        lazy = LazyCells(data.variable, *parts, _month_places(data), dtype, inverse=inverse)
        if data.variable._in_memory:
            return lazy.piece({})
        return xr.Variable(data.dims, indexing.LazilyIndexedArray(lazy))


@dataclass(frozen=True)
class Step:
    """Scale numbers by one offset and one scale, in the precision of the result."""

    offset: float
    scale: float
    dtype: str
    inverse: bool

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return new values of the same shape."""
        kind = np.dtype(self.dtype)
        work = np.dtype(np.float32) if kind.itemsize < 4 else kind
        numbers = np.array(values, dtype=work)
        if self.inverse:
            numbers *= work.type(self.scale)
            numbers += work.type(self.offset)
        else:
            numbers -= work.type(self.offset)
            numbers /= work.type(self.scale)
        return numbers.astype(kind, copy=False)


class LazyCells(BackendArray):
    """Scales the cells that are asked for, each by its own constants."""

    def __init__(
        self,
        variable: xr.Variable,
        offset: xr.Variable,
        scale: xr.Variable,
        months: xr.Variable | None,
        dtype: np.dtype[Any],
        *,
        inverse: bool,
    ) -> None:
        self._variable = variable
        self._parts = (offset, scale)
        self._months = months
        self._inverse = inverse
        self.shape = variable.shape
        self.dtype = dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> NDArray[Any]:
        """Return scaled values as xarray asks for them."""
        found: NDArray[Any] = indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )
        return found

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        return self.piece(dict(zip(self._variable.dims, key, strict=True))).values

    def piece(self, box: Mapping[Any, Any]) -> xr.Variable:
        """Return the scaled part of the variable that `box` names by position."""
        values = self._variable.isel(box).load()
        offset, scale = (_spread(part, self._months, box) for part in self._parts)
        scaled = _scaled(values.astype(np.float64), offset, scale, inverse=self._inverse)
        return scaled.transpose(*values.dims).astype(self.dtype)


def _scaled(
    values: xr.Variable, offset: xr.Variable, scale: xr.Variable, *, inverse: bool
) -> xr.Variable:
    found: xr.Variable = values * scale + offset if inverse else (values - offset) / scale
    return found


def _mapped(variable: xr.Variable, step: Step, dtype: np.dtype[Any]) -> xr.Variable:
    if variable.chunks is not None:
        return xr.Variable(variable.dims, variable.data.map_blocks(step, dtype=dtype))
    return xr.Variable(variable.dims, step(variable.values))


def _spread(part: xr.Variable, months: xr.Variable | None, box: Mapping[Any, Any]) -> xr.Variable:
    """Return constants at the cells of `box`; those of months, at its steps."""
    if "month" in part.dims and months is not None:
        part = part.isel(month=months.isel({d: i for d, i in box.items() if d in months.dims}))
        box = {dim: kept for dim, kept in box.items() if dim not in months.dims}
    return part.isel({dim: kept for dim, kept in box.items() if dim in part.dims})


def _month_places(data: xr.DataArray) -> xr.Variable | None:
    """Return the row of a monthly climatology for each step of `data`."""
    time = grid_of(data.coords.to_dataset()).time
    if time is None or time not in data.dims:
        return None
    return xr.Variable(time, np.asarray(data[time].dt.month.values, dtype=np.int64) - 1)


def _fitting(part: xr.DataArray, data: xr.DataArray) -> xr.Variable:
    """Return constants for the cells of `data`, found by coordinate."""
    for dim in part.dims:
        if dim == "month":
            continue
        if dim not in data.dims:
            raise _other_cells(data, str(dim))
        if dim in part.coords and dim in data.coords:
            places = part.indexes[dim].get_indexer(data.indexes[dim])
            if (places < 0).any():
                raise _other_cells(data, str(dim))
            if part.sizes[dim] != places.size or (np.diff(places) != 1).any():
                part = part.isel({dim: places})
        elif part.sizes[dim] != data.sizes[dim]:
            raise _other_cells(data, str(dim))
    return part.variable


def _other_cells(data: xr.DataArray, dim: str) -> InvalidInputError:
    return InvalidInputError(
        f"The scaler of '{data.name}' was fitted on other cells along '{dim}'.",
        hint=f"Fit it on these cells, or reduce '{dim}' when fitting.",
        code="other_cells",
    )
