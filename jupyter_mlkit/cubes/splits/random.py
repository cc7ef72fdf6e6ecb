"""Single cells go to a role, whatever their neighbours do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..grids.grid import Grid, grid_of
from ..identity.digest import mix64
from .axes import CutAxis, axis_of, in_order_of, without_placeless
from .base import Split
from .roles import ROLES, Shares, check_shares, role_array, roles_of_hashes

#: Steps by which coordinates are told apart: 1e-4 deg, 1 s, 1 cm, and what float32 knows.
_STEPS = {"angle": 1e4, "time": 86_400.0, "length": 100.0}


@dataclass(frozen=True)
class RandomSplit(Split):
    """Draw single cells by a hash of their coordinates.

    Neighbours fall to different roles, and where the target is autocorrelated they know each
    other's values: the scores flatter. For comparison with such scores, and for white noise.

    Parameters
    ----------
    shares : sequence of float
        Shares of train, validation and test, in cells.
    seed : int
    """

    shares: Shares = (0.7, 0.1, 0.2)
    seed: int = 42

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", check_shares(self.shares))

    def resolve(self, ds: xr.Dataset) -> RandomSplit:
        """Return this split; every cell of `ds` needs coordinates."""
        self.block_ids(ds.isel({dim: slice(0, 1) for dim in ds.dims}))
        return self

    def assign(self, frame: xr.Dataset) -> xr.DataArray:
        """Return the role of each cell, see :meth:`Split.assign`."""
        ids = self.block_ids(frame)
        roles = role_array(roles_of_hashes(ids.values, self.shares), ids.dims, ids.coords)
        return without_placeless(roles, cell_axes(frame, grid_of(frame)))

    def block_ids(self, frame: xr.Dataset) -> xr.DataArray:
        """Return a number of its own for each cell."""
        axes = cell_axes(frame, grid_of(frame))
        dims = list(dict.fromkeys(dim for axis in axes for dim in axis.dims))
        hashes = mix64(np.array([self.seed], np.uint64)).reshape([1] * len(dims))
        for axis in axes:
            shape = [frame.sizes[dim] if dim in axis.dims else 1 for dim in dims]
            hashes = mix64(hashes ^ _key(axis).reshape(shape))
        return in_order_of(frame, hashes.view(np.int64), dims, "block")

    def to_dict(self) -> dict[str, Any]:
        """Return kind, shares and seed."""
        return {
            "kind": "random",
            "shares": dict(zip(ROLES, self.shares, strict=True)),
            "seed": self.seed,
        }

    @classmethod
    def from_dict(cls, rule: Mapping[str, Any]) -> RandomSplit:
        """Read what :meth:`to_dict` returned."""
        shares = rule["shares"]
        return cls((shares["train"], shares["validation"], shares["test"]), rule["seed"])


def cell_axes(frame: xr.Dataset, grid: Grid) -> list[CutAxis]:
    """Return the axes that tell cells apart, in canonical order.

    Raises
    ------
    CubeError
        ``unsupported_grid`` where a dim has no coordinate.
    """
    names = [str(dim) for dim in frame.dims]
    if grid.kind in ("curvilinear", "unstructured"):
        names = [name for name in names if name not in grid.horizontal] + ["lat", "lon"]
        names += [grid.cell_time] if grid.cell_time is not None else []
    axes = [axis_of(frame, grid, name, field="split.kind") for name in names]
    return sorted(axes, key=lambda axis: axis.rank)


def _key(axis: CutAxis) -> NDArray[np.uint64]:
    step = _STEPS.get(axis.kind)
    if step is None:
        return axis.values.astype(np.float32).astype(np.float64).view(np.uint64)
    placed = np.where(np.isfinite(axis.values), axis.values, 0)
    return np.round(placed * step).astype(np.int64).view(np.uint64)
