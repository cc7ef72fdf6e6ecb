"""Boxes whose samples keep off gaps in time, and come together in batches of one place."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import xarray as xr

from .boxes import Boxes
from .checks import Checked
from .order import BoxGrid
from .places import Places


class SampleBoxes(Boxes):
    """Boxes of whole chunks, with the samples that the arguments of a sampler leave.

    Parameters
    ----------
    found : Checked
    places : Places
    buffer_bytes : int
    """

    def __init__(self, found: Checked, places: Places, *, buffer_bytes: int) -> None:
        ds: xr.Dataset = found.ds
        super().__init__(ds, found.recipe, places, found.steps, buffer_bytes=buffer_bytes)
        self._runs = found.runs

    @cached_property
    def grid(self) -> BoxGrid:
        """What each box holds and needs."""
        whole = super().grid
        axes = []
        for dim, axis in zip(self._recipe.dims, whole.axes, strict=True):
            if self._runs is not None and dim == self._runs.dim:
                axis = replace(axis, starts=axis.starts[self._runs.kept(axis)])
            axes.append(replace(axis, span=self._recipe.spans.get(dim, 1)))
        return BoxGrid(tuple(axes), whole.cell_bytes)
