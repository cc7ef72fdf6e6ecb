"""Persistence: what was there when the forecast was made is still there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import InvalidInputError
from ..grids.coordinates import days_since_1970
from ..grids.sizes import parse_size
from ..reading.slabs import Slab, SlabReader
from ..view.samples import Samples
from .baseline import Baseline

#: Times that differ by less, in days, are one.
_SAME_DAYS = 1e-6


@dataclass(frozen=True)
class PersistenceBaseline(Baseline):
    """The value of the target when the forecast was made: at the time of the cell minus the lead.

    Attributes
    ----------
    target : xarray.DataArray
        The target of the selected cube, lazy: its chunks are read when they are needed.
    time : str
        Its dim of time.
    source : ndarray of int64
        Position of the initial time for each time, -1 where the cube lacks it.
    """

    target: xr.DataArray
    time: str
    source: NDArray[np.int64]
    name = "persistence"

    @classmethod
    def of(cls, target: xr.DataArray, time: str, lead: str) -> PersistenceBaseline:
        """Return the persistence of `target` over a lead time such as ``"8D"``.

        Raises
        ------
        InvalidInputError
            ``lead_off_grid`` where no time of the cube lies a lead after another one.
        """
        days = days_since_1970(target[time])
        source = positions_of(days - lead_days(lead), days)
        if not (source >= 0).any():
            raise InvalidInputError(
                f"No time of the cube lies {lead} after another one.",
                hint="Choose a multiple of the cube's time step.",
                code="lead_off_grid",
                field="lead",
            )
        return cls(target, time, source)

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Return the target at the initial time, NaN where it is missing or not in the cube.

        ``samples.cell`` are the cells that are forecast.
        """
        dims = tuple(map(str, self.target.dims))
        shape = tuple(int(self.target.sizes[dim]) for dim in dims)
        places = np.stack(np.unravel_index(samples.cell, shape))
        axis = dims.index(self.time)
        places[axis] = self.source[places[axis]]
        found = np.full(len(samples), np.nan)
        rows = np.flatnonzero(places[axis] >= 0)
        reader = SlabReader(xr.Dataset({"y": self.target.variable}), ["y"], dims)
        starts = [sorted({slab.slices[dim].start for slab in reader}) for dim in dims]
        numbers = tuple(len(edges) for edges in starts)
        along = [
            np.searchsorted(edges, place[rows], side="right") - 1
            for edges, place in zip(starts, places, strict=True)
        ]
        box = np.ravel_multi_index(tuple(along), numbers)
        order = np.argsort(box, kind="stable")
        present, first = np.unique(box[order], return_index=True)
        # Each box that holds wanted cells is read, once.
        wanted = dict(zip(present.tolist(), np.split(rows[order], first[1:]), strict=True))

        def pick(slab: Slab, arrays: Mapping[str, NDArray[np.generic]]) -> None:
            at = [edges.index(slab.slices[d].start) for edges, d in zip(starts, dims, strict=True)]
            own = wanted[int(np.ravel_multi_index(at, numbers))]
            inside = [places[i, own] - slab.slices[dim].start for i, dim in enumerate(dims)]
            found[own] = arrays["y"][tuple(inside)]

        for _ in reader.map(pick, order=present):
            pass
        return found


def lead_days(lead: str) -> float:
    """Return a lead time such as ``"8D"`` or ``"6h"`` in days.

    Raises
    ------
    InvalidInputError
        It is no span of time.
    """
    size = parse_size(lead, field="lead")
    if size.kind != "time":
        raise InvalidInputError(
            f"'{lead}' is not a lead time.", hint="Write '8D' or '6h'.", field="lead"
        )
    return size.value


def positions_of(wanted: NDArray[np.float64], days: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the position in `days` of each time in `wanted`, -1 where there is none."""
    order = np.argsort(days, kind="stable")
    if order.size == 0:
        return np.full(wanted.shape, -1, np.int64)
    place = np.searchsorted(days[order], wanted - _SAME_DAYS).clip(0, order.size - 1)
    found = order[place]
    return np.where(np.abs(days[found] - wanted) <= _SAME_DAYS, found, -1)
