"""What every split can do: give roles and blocks, be stored, and cut for scikit-learn."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .roles import ROLES

if TYPE_CHECKING:
    from .combined import CombinedSplit

#: Parts of a stored rule that help to count blocks and take no part in the roles.
_NOT_IN_HASH = ("tiles",)


class Split(ABC):
    """A rule that gives every cell of a cube a role and a block.

    Roles follow from coordinates (and, for gaps, from the recorded masks) alone: the role of a
    cell is the same under any crop, extension, re-chunking, re-ordering, float width, process.
    """

    @abstractmethod
    def resolve(self, ds: xr.Dataset) -> Split:
        """Return this split with everything physical, as it is stored with a run.

        Raises
        ------
        SpecError
            The rule does not fit the cube; ``field`` names which part.
        """

    @abstractmethod
    def assign(self, frame: xr.Dataset) -> xr.DataArray:
        """Return the role of each cell.

        Parameters
        ----------
        frame : xarray.Dataset
            The cube, a crop of it, or only its coordinates.

        Returns
        -------
        xarray.DataArray
            int8 (0 train, 1 validation, 2 test, 3 buffer) with flag attributes, over those dims
            that the split depends on, in the order of `frame`; it broadcasts to the others.
        """

    @abstractmethod
    def block_ids(self, frame: xr.Dataset) -> xr.DataArray:
        """Return the block of each cell, int64: the same number in every crop of the cube."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the rule as JSON-ready builtins; ``split_from_dict`` reads it."""

    def to_json(self) -> str:
        """Return the rule as JSON; ``split_from_json`` reads it."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @property
    def hash(self) -> str:
        """Digest of the rule, 16 hex digits."""
        rule = {key: value for key, value in self.to_dict().items() if key not in _NOT_IN_HASH}
        text = json.dumps(rule, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def split(
        self, ds: xr.Dataset | xr.DataArray, cells: NDArray[np.integer[Any]] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield (train, test) rows, as scikit-learn's ``cv=`` takes them.

        Parameters
        ----------
        ds : xarray.Dataset or DataArray
            The cube; of a Dataset, the variable with most dims gives their order.
        cells : ndarray of int, optional
            Flat cell number (C order) of each row that was kept, such as ``Samples.cell``;
            every cell is a row where not given.

        Yields
        ------
        train, test : ndarray of int64
            Rows; those of validation and buffer are in neither.
        """
        frame, _ = frame_of(ds)
        roles = rows_of(
            self.resolve(ds if isinstance(ds, xr.Dataset) else frame).assign(frame), ds, cells
        )
        yield np.flatnonzero(roles == 0), np.flatnonzero(roles == ROLES.index("test"))

    def get_n_splits(self) -> int:
        """Return how many pairs :meth:`split` yields."""
        return 1

    def save_mask(self, ds: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the roles of `ds` as a small zarr, see :func:`.mask.save_mask`."""
        from .mask import save_mask

        return save_mask(self, ds, path, overwrite=overwrite)

    def __and__(self, other: Split) -> CombinedSplit:
        """Return the split whose cells have a role where both agree; the others are removed."""
        from .combined import CombinedSplit

        return CombinedSplit((self, other))


def rows_of(
    found: xr.DataArray, ds: xr.Dataset | xr.DataArray, cells: NDArray[np.integer[Any]] | None
) -> NDArray[np.int8]:
    """Return the role of each row: of all cells of `ds` in C order, or of those in `cells`."""
    _, dims = frame_of(ds)
    held = [dim for dim in dims if dim in found.dims]
    shape = [ds.sizes[dim] if dim in held else 1 for dim in dims]
    full = np.broadcast_to(
        found.transpose(*held).values.reshape(shape), [ds.sizes[dim] for dim in dims]
    )
    flat: NDArray[np.int8] = full.reshape(-1)
    return flat if cells is None else flat[np.asarray(cells)]


def frame_of(ds: xr.Dataset | xr.DataArray) -> tuple[xr.Dataset, list[str]]:
    """Return the coordinates of `ds` without its data, and its dims in their order."""
    if isinstance(ds, xr.DataArray):
        return ds.coords.to_dataset(), [str(dim) for dim in ds.dims]
    widest = max(ds.data_vars.values(), key=lambda variable: variable.ndim, default=None)
    dims = [str(dim) for dim in (ds.sizes if widest is None else widest.dims)]
    return ds.coords.to_dataset(), dims
