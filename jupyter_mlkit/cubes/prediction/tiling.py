"""Windows along one dim: where they start, and which cells each of them answers for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInputError

#: How overlapping windows are weighted; None takes each cell from the window it is most inside.
Blend = Literal["linear", "cosine"]

#: Steps of the cosine taper. Weights are whole numbers, so that sums of them are exact.
_COSINE_STEPS = 1024


@dataclass(frozen=True)
class Tiling:
    """Windows that cover every cell along a dim.

    The last window is moved back to end with the cube, so no cell is left out and no window
    reaches beyond the data. Across a break there is no window: what lies between two breaks is
    covered on its own, and where it is shorter than a window nothing answers for it.

    Attributes
    ----------
    dim : str
    size : int
        Cells along the dim.
    window : int
        Cells of a window.
    overlap : int
        Cells that neighbouring windows share.
    answers_at : int or None
        Where the model answers for one cell per window: its position, counted from the start
        of the window; it may lie beyond the window.
    breaks : tuple of int
        Cells before which steps are missing, ascending.
    """

    dim: str
    size: int
    window: int
    overlap: int = 0
    answers_at: int | None = None
    breaks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check the window against the cube."""
        if not 1 <= self.window <= self.size:
            raise InvalidInputError(
                f"The window has {self.window} cells along '{self.dim}', the cube {self.size}.",
                hint="Choose a window of at least one cell that fits into the cube.",
                code="window_too_large" if self.window > self.size else None,
                field=f"input_dims.{self.dim}",
            )
        if not 0 <= self.overlap < self.window:
            raise InvalidInputError(
                f"Windows of {self.window} cells along '{self.dim}' cannot overlap by "
                f"{self.overlap}.",
                hint="The overlap is at least 0 and smaller than the window.",
                field=f"input_overlap.{self.dim}",
            )

    @property
    def starts(self) -> NDArray[np.int64]:
        """First cell of each window."""
        found = [self._starts(first, stop) for first, stop in self._stretches]
        return np.concatenate([np.empty(0, np.int64), *found])

    @property
    def _stretches(self) -> list[tuple[int, int]]:
        """Cells [first, last) without a break in which a window and its answer find room."""
        needed = max(self.window, 0 if self.answers_at is None else self.answers_at + 1)
        edges = itertools.pairwise([0, *self.breaks, self.size])
        return [(first, stop) for first, stop in edges if stop - first >= needed]

    def _starts(self, first: int, stop: int) -> NDArray[np.int64]:
        if self.answers_at is not None:
            needed = max(self.window, self.answers_at + 1)
            return np.arange(first, stop - needed + 1, dtype=np.int64)
        last = stop - self.window
        starts = np.arange(first, last + 1, self.window - self.overlap, dtype=np.int64)
        return starts if starts[-1] == last else np.append(starts, last)

    def kept(self) -> NDArray[np.int64]:
        """Return the cells [first, last) that each window answers for, shape (n_windows, 2).

        Without blending they are disjoint: two windows meet in the middle of what they share.
        """
        if self.answers_at is not None:
            at = self.starts + self.answers_at
            return np.stack([at, at + 1], axis=1)
        found = [np.empty((0, 2), np.int64)]
        for first, stop in self._stretches:
            starts = self._starts(first, stop)
            inner = (starts[1:] + starts[:-1] + self.window) // 2
            edges = np.concatenate([[first], inner, [stop]])
            found.append(np.stack([edges[:-1], edges[1:]], axis=1))
        return np.concatenate(found)

    def reach(self, blend: Blend | None) -> NDArray[np.int64]:
        """Return the cells [first, last) that each window writes to, shape (n_windows, 2)."""
        if blend is None or self.answers_at is not None:
            return self.kept()
        reach: NDArray[np.int64] = np.stack([self.starts, self.starts + self.window], axis=1)
        return reach

    def touching(self, first: int, last: int, blend: Blend | None) -> NDArray[np.intp]:
        """Return which windows write to any of the cells [first, last)."""
        reach = self.reach(blend)
        return np.flatnonzero((reach[:, 0] < last) & (reach[:, 1] > first))

    def weights(self, blend: Blend | None) -> NDArray[np.int64]:
        """Return the weight of each cell of a window: whole numbers from 1, highest inside."""
        if blend is None or self.answers_at is not None:
            return np.ones(1 if self.answers_at is not None else self.window, np.int64)
        cells = np.arange(self.window)
        depth = np.minimum(np.minimum(cells, cells[::-1]) + 1, self.overlap + 1)
        if blend == "linear":
            return np.asarray(depth, dtype=np.int64)
        rise = np.sin(0.5 * np.pi * depth / (self.overlap + 1)) ** 2
        whole: NDArray[np.int64] = np.maximum(1, np.rint(rise * _COSINE_STEPS)).astype(np.int64)
        return whole
