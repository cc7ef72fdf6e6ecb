"""Which cells of a box are of a role, evaluated once for the dims that the split looks at."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .boxes import BoxReader
from .fetch import Scratch

if TYPE_CHECKING:
    from ..splits.base import Split
    from .slabs import Slab

#: Roles of up to so many cells are evaluated once, one byte each; of more, box by box.
_WHOLE_CELLS = 32 * 2**20


class SlabRoles:
    """Roles of the cells of boxes of a cube.

    Parameters
    ----------
    split : Split
        Resolved.
    ds : xarray.Dataset
        The cube, of which only the coordinates are looked at.
    dims : sequence of str
        Dims of the boxes, in their order.

    Attributes
    ----------
    dims : tuple of str
        Those of `dims` that the roles depend on.
    """

    def __init__(self, split: Split, ds: xr.Dataset, dims: Sequence[str]) -> None:
        self._split = split
        self._order = tuple(dims)
        self._frame = ds.coords.to_dataset()
        missing = {dim: range(ds.sizes[dim]) for dim in dims if dim not in self._frame.sizes}
        if missing:  # a dim without coordinate has no size in a frame
            self._frame = self._frame.assign_coords(
                {dim: np.arange(len(n)) for dim, n in missing.items()}
            )
        first = split.assign(self._frame.isel({dim: slice(0, 1) for dim in self._frame.dims}))
        self.dims = tuple(dim for dim in dims if dim in first.dims)
        self._whole: NDArray[np.int8] | None = None
        if math.prod(ds.sizes[dim] for dim in self.dims) <= _WHOLE_CELLS:
            self._whole = self._assigned(self._frame)

    def __call__(self, slab: Slab) -> NDArray[np.int8]:
        """Return the role codes within `slab`, with size 1 along the dims they do not depend on."""
        box = {dim: slab.slices[dim] for dim in self.dims}
        if self._whole is not None:
            found = self._whole[tuple(box.values())]
        else:
            found = self._assigned(self._frame.isel(box))
        return found.reshape(
            [found.shape[self.dims.index(d)] if d in box else 1 for d in self._order]
        )

    def _assigned(self, frame: xr.Dataset) -> NDArray[np.int8]:
        found: NDArray[np.int8] = self._split.assign(frame).transpose(*self.dims).values
        return found


class SlabKeep:
    """Which cells of boxes count: those of a role, inside a mask.

    Parameters
    ----------
    ds : xarray.Dataset
    dims : sequence of str
        Dims of the boxes, in their order.
    split : Split, optional
        Resolved; every cell counts where not given.
    role : int
        Code of the role that counts.
    mask : xarray.DataArray, optional
        Cells where it is neither zero nor missing count; of `dims` alone.
    """

    def __init__(
        self,
        ds: xr.Dataset,
        dims: Sequence[str],
        split: Split | None,
        role: int = 0,
        mask: xr.DataArray | None = None,
    ) -> None:
        self._order = tuple(dims)
        self._role = role
        self._roles = None if split is None else SlabRoles(split, ds, dims)
        self._mask = None if mask is None else BoxReader(mask, Scratch())
        self._mask_dtype = None if mask is None else mask.dtype

    @property
    def dims(self) -> set[str]:
        """Dims that the answer depends on."""
        found = set() if self._roles is None else set(self._roles.dims)
        return found if self._mask is None else found | set(self._mask.dims)

    def __call__(self, slab: Slab) -> NDArray[np.bool_]:
        """Return what counts within `slab`, with size 1 along dims it does not depend on."""
        keep = np.ones([1] * len(self._order), bool)
        if self._roles is not None:
            keep = self._roles(slab) == self._role
        return keep if self._mask is None else keep & self._inside(slab.slices)

    def _inside(self, slices: Mapping[str, slice]) -> NDArray[np.bool_]:
        assert self._mask is not None
        box = {dim: slices[dim] for dim in self._mask.dims}
        values: NDArray[Any] = np.empty(
            [piece.stop - piece.start for piece in box.values()], self._mask_dtype
        )
        self._mask.read(box, values)
        held = [dim for dim in self._order if dim in box]
        ordered = values.transpose([self._mask.dims.index(dim) for dim in held])
        inside: NDArray[np.bool_] = (ordered != 0) & ~np.isnan(ordered)
        shape = iter(inside.shape)
        return inside.reshape([next(shape) if dim in box else 1 for dim in self._order])
