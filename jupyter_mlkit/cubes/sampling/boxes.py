"""The boxes of chunks in which a sampler reads a cube."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import xarray as xr

from ..reading.slabs import SlabReader
from .mixing import USUAL
from .order import BoxGrid, Plan, edges_of
from .places import Places
from .recipe import Recipe
from .tiling import along

#: Decoded bytes of a box: a small cube is cut finer, so that there is something to mix.
_LEAST, _BOXES = 1 << 10, 64
#: Boxes whose samples fill the buffer: those that are open, that are read ahead, and some room.
_BOXES_OF_BUFFER = 18
#: Share of the buffer that is taken, up to the usual number of open boxes and beyond.
_SHARE, _SHARE_OF_MANY = 0.85, 0.6
#: Boxes that are cut before they are opened.
_AHEAD = 4


class Boxes:
    """Boxes of whole chunks, and those of them that can have samples.

    Parameters
    ----------
    ds : xarray.Dataset
    recipe : Recipe
    places : Places
    steps : mapping
        Cells from one window to the next by dim.
    buffer_bytes : int
        Memory of the sampler, of which the samples of a box take a small share, unless those of
        a chunk take more.
    """

    def __init__(
        self,
        ds: xr.Dataset,
        recipe: Recipe,
        places: Places,
        steps: Mapping[str, int],
        *,
        buffer_bytes: int,
    ) -> None:
        self._ds = ds
        self._recipe = recipe
        self._places = places
        self._steps = steps
        self._buffer_bytes = buffer_bytes

    @cached_property
    def reader(self) -> SlabReader:
        """Reads the boxes."""
        names = list(dict.fromkeys(self._recipe.variables))
        cell = sum(self._ds[name].dtype.itemsize for name in names)
        total = cell * self._recipe.cells
        # Samples may take more than the cells that they are cut from: those of two variables
        # have a number too, and windows overlap.
        steps = math.prod(self._steps.get(dim, 1) for dim in self._recipe.window)
        samples = 4 * self._recipe.record / max(1, steps)
        share = self._buffer_bytes / _BOXES_OF_BUFFER * min(1.0, cell / samples)
        budget = max(_LEAST, min(total // _BOXES, int(share)))
        return SlabReader(self._ds, names, self._recipe.dims, budget=budget)

    @cached_property
    def grid(self) -> BoxGrid:
        """What each box holds and needs."""
        recipe = self._recipe
        shifts = tuple(shift for _, shift in recipe.columns)
        axes = tuple(
            along(
                dim,
                int(self._ds.sizes[dim]),
                edges,
                window=recipe.window.get(dim, 1),
                step=self._steps.get(dim, 1),
                shifts=shifts if dim == recipe.time else (0,),
            )
            for dim, edges in zip(recipe.dims, edges_of(self.reader), strict=True)
        )
        return BoxGrid(axes, 4 * len(recipe.variables))

    @property
    def samples(self) -> int:
        """How many samples a box has at most, on an average."""
        axes = self.grid.axes
        return math.prod(axis.starts.size for axis in axes) // max(
            1, math.prod(axis.boxes for axis in axes)
        )

    @cached_property
    def wanted(self) -> list[int]:
        """Boxes that can have samples, as far as coordinates say it."""
        boxes = self.grid.with_samples()
        if not self._places.cheap:
            return boxes
        spans = {
            dim: [slice(*axis.targets(row)) for row in range(axis.boxes)]
            for dim, axis in zip(self._recipe.dims, self.grid.axes, strict=True)
        }
        some = self._places.having(spans, self._recipe.roles).ravel()
        return [box for box in boxes if some[box]]

    def plan(self, key: tuple[int, int] | None, *, rank: int = 0, world: int = 1) -> Plan:
        """Return in which order one shard reads; without a key in the order of the cube."""
        return self.grid.plan(
            self.wanted, key, rank=rank, world=world, memory=self._buffer_bytes // 2
        )

    def room(self, plan: Plan) -> Callable[[Sequence[int]], bool]:
        """Return a rule that says whether boxes with so many samples may be open together."""

        def fits(samples: Sequence[int]) -> bool:
            share = _SHARE if len(samples) <= USUAL else _SHARE_OF_MANY
            held = 4 * sum(samples) * self._recipe.record
            ahead = _AHEAD * held / len(samples)
            return held + ahead + plan.front <= share * self._buffer_bytes

        return fits

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the reader; it is opened again where it is needed."""
        return {name: value for name, value in self.__dict__.items() if name != "reader"}
