"""What a sampler gives: some samples of one role, and where in the cube they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...models import Role
from ..grids.area import cell_area_weights
from .places import Places


@dataclass(frozen=True)
class Layout:
    """What all batches of one sampler have in common.

    Attributes
    ----------
    ds : xarray.Dataset
        The cube; only its coordinates are used.
    dims : tuple of str
        Dims of the cube, in the order of the target.
    sizes : tuple of int
        Cells along `dims`.
    window : dict
        Cells of a sample by dim, in the order in which X has them; empty for single cells.
    names : tuple of str
        Columns of X.
    places : Places
        Roles and blocks of cells.
    """

    ds: xr.Dataset
    dims: tuple[str, ...]
    sizes: tuple[int, ...]
    window: dict[str, int]
    names: tuple[str, ...]
    places: Places

    @cached_property
    def area(self) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """Dims along which the weight of cells differs, and the weights."""
        values = cell_area_weights(self.ds).values
        dims = tuple(str(dim) for dim in values.dims)
        return dims, np.ascontiguousarray(values.values, np.float32)

    def along(self, dim: str, origin: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the positions along `dim` of all cells of samples, 1 or window size wide."""
        first = origin[:, self.dims.index(dim)]
        if dim not in self.window:
            return first
        return first[:, None] + np.arange(self.window[dim])

    def spread(self, dim: str, values: NDArray[Any]) -> NDArray[Any]:
        """Reshape what :meth:`along` gave so that it broadcasts with the windows of samples."""
        shape = [values.shape[0], *(1 for _ in self.window)]
        if dim in self.window:
            shape[1 + list(self.window).index(dim)] = self.window[dim]
        return values.reshape(shape)


@dataclass(eq=False)
class Batch:
    """Some samples of one role.

    Attributes
    ----------
    X : ndarray of float32, shape (n, n_features) or (n, n_features, *window)
        Features in their own units; window dims in the order of ``input_dims``.
    y : ndarray of float32, shape (n,) or (n, *window), or None
        Target in its own units; NaN where ``valid`` is False, so that no value of another role
        can be learnt from. None where the sampler has no target.
    role : {"train", "validation", "test"}
    cell : ndarray of int64, shape (n,)
        Number (C order) of the first target cell of each sample in the cube.
    valid : ndarray of bool, shape like y
        Target cells that count: finite, in the mask, of this role, inside the cube.
    weight : ndarray of float32, shape like y
        Area of the cells that count, 0 elsewhere.
    origin : ndarray of int64, shape (n, n_dims)
        Positions of ``cell`` along the dims of the sampler.
    block : ndarray of int64, shape (n,)
        Block of the first target cell that counts, 0 where there is no split.
    """

    X: NDArray[np.float32]
    y: NDArray[np.float32] | None
    role: Role
    layout: Layout = field(repr=False)
    _cells: NDArray[Any] = field(repr=False)
    _marks: NDArray[np.float32] = field(repr=False)

    def __len__(self) -> int:
        """Return the number of samples."""
        return int(self._cells.size)

    @cached_property
    def cell(self) -> NDArray[np.int64]:
        """Number of the first target cell of each sample."""
        return self._cells.astype(np.int64)

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """Target cells that count."""
        return np.isfinite(self._marks)

    @cached_property
    def origin(self) -> NDArray[np.int64]:
        """Positions of the first target cell of each sample."""
        found = np.unravel_index(self.cell, self.layout.sizes)
        return np.stack(found, axis=1).astype(np.int64, copy=False)

    @cached_property
    def weight(self) -> NDArray[np.float32]:
        """Area of the cells that count, 0 elsewhere."""
        layout = self.layout
        dims, area = layout.area
        index = []
        for dim in dims:
            size = layout.sizes[layout.dims.index(dim)]
            inside = np.minimum(layout.along(dim, self.origin), size - 1)
            index.append(layout.spread(dim, inside))
        return np.where(self.valid, area[tuple(index)], np.float32(0))

    @cached_property
    def block(self) -> NDArray[np.int64]:
        """Block of the first target cell that counts."""
        layout = self.layout
        cell = self.origin
        if layout.window and len(self):
            first = self.valid.reshape(len(self), -1).argmax(axis=1)
            inside = np.unravel_index(first, tuple(layout.window.values()))
            cell = cell.copy()
            for dim, steps in zip(layout.window, inside, strict=True):
                cell[:, layout.dims.index(dim)] += steps
        return layout.places.blocks(cell)

    def coords(self) -> dict[str, NDArray[Any]]:
        """Return the coordinates of the target cells by dim.

        Returns
        -------
        dict
            Shape (n,) along dims where a sample has one cell, (n, size) along window dims;
            positions where the cube has no coordinate. Beyond the edge of the cube: NaN, NaT,
            or None; the last value where the coordinate is of whole numbers.
        """
        layout, found = self.layout, {}
        for dim, size in zip(layout.dims, layout.sizes, strict=True):
            index = layout.along(dim, self.origin)
            if dim not in layout.ds.coords:
                found[dim] = index
                continue
            values = layout.ds[dim].values[np.minimum(index, size - 1)]
            outside = index >= size
            if outside.any() and values.dtype.kind in "fmMO":
                nothing: Any = {"f": np.nan, "O": None}.get(values.dtype.kind, "NaT")
                values[outside] = np.array(nothing, dtype=values.dtype)
            found[dim] = values
        return found
