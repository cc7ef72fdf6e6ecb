"""Where samples lie along one dim of a cube, and which box of chunks completes each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...errors import SpecError

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Along:
    """Samples along one dim: where they start and which cells they need.

    A sample that starts at cell ``o`` (its first target cell) needs ``o + low`` to
    ``o + high``; it is cut in the box where the last of them comes in, and with it those that
    come in the same batch.

    Attributes
    ----------
    size : int
        Cells of the cube.
    window : int
        Target cells of a sample.
    starts : ndarray of int64
        First target cell of each sample, ascending; together the samples cover all cells, but
        for those that a gap in time keeps apart.
    low, high : int
        First and last cell needed, counted from the start.
    edges : ndarray of int64, shape (n_boxes + 1,)
        Borders of the boxes of chunks.
    span : int
        Samples that start within as many cells, counted from the first, are cut in the same
        box.
    """

    size: int
    window: int
    starts: Ints
    low: int
    high: int
    edges: Ints
    span: int = 1

    @property
    def boxes(self) -> int:
        """Number of boxes along this dim."""
        return self.edges.size - 1

    @cached_property
    def box_of_start(self) -> Ints:
        """The box in which each sample is cut."""
        group = self.starts // self.span
        final = self.starts[np.searchsorted(group, group, side="right") - 1]
        last = np.clip(final + self.high, 0, self.size - 1)
        found: Ints = np.searchsorted(self.edges, last, side="right") - 1
        return found

    def starts_in(self, box: int) -> Ints:
        """Return the starts of the samples that are cut in `box`."""
        first, stop = self._ranks[box : box + 2]
        return self.starts[first:stop]

    def needed(self, box: int) -> tuple[int, int]:
        """Return the range of cells that the samples cut in `box` need, past the cube's ends."""
        return self._needed[box]

    def targets(self, box: int) -> tuple[int, int]:
        """Return the range of target cells of the samples cut in `box`, inside the cube."""
        starts = self.starts_in(box)
        if not starts.size:
            return 0, 0
        return int(starts[0]), min(int(starts[-1]) + self.window, self.size)

    def sources(self, box: int) -> range:
        """Return the boxes that hold the cells which `box` needs; none where it cuts nothing."""
        return self._sources[box]

    # Asked for every box of a cube again and again, and there may be many boxes.

    @cached_property
    def _ranks(self) -> list[int]:
        return np.searchsorted(self.box_of_start, np.arange(self.boxes + 1)).tolist()  # type: ignore[no-any-return]

    @cached_property
    def _needed(self) -> list[tuple[int, int]]:
        found = []
        for box in range(self.boxes):
            starts = self.starts_in(box)
            if starts.size:
                found.append((int(starts[0]) + self.low, int(starts[-1]) + self.high + 1))
            else:
                found.append((0, 0))
        return found

    @cached_property
    def _sources(self) -> list[range]:
        found = []
        for box, (first, stop) in enumerate(self._needed):
            first, stop = max(first, 0), min(stop, self.size)
            if stop > first:
                a, b = np.searchsorted(self.edges, [first, stop - 1], side="right") - 1
                found.append(range(int(min(a, box)), int(max(b, box)) + 1))
            else:
                found.append(range(box, box + bool(self.starts_in(box).size)))
        return found


def along(
    dim: str,
    size: int,
    edges: Ints,
    *,
    window: int = 1,
    step: int = 1,
    shifts: tuple[int, ...] = (0,),
) -> Along:
    """Tile one dim completely: no cell is left out, the last window may reach past the end.

    Parameters
    ----------
    dim : str
    size : int
        Cells along it.
    edges : ndarray of int64
        Borders of the boxes of chunks.
    window, step : int
        Size of a window and from one start to the next.
    shifts : tuple of int
        By how many cells inputs are moved against the target.

    Raises
    ------
    SpecError
        ``window_too_large`` or ``invalid_window``.
    """
    if window < 1 or step < 1:
        raise SpecError(
            f"A window of {window} cells along '{dim}' in steps of {step} is none.",
            hint="Both are at least 1; the overlap is smaller than the window.",
            code="invalid_window",
            field=f"window.{dim}",
        )
    if size and window > size:
        raise SpecError(
            f"A window of {window} cells along '{dim}' is larger than the cube, which has {size}.",
            hint=f"Choose {size} or less.",
            code="window_too_large",
            field=f"window.{dim}",
        )
    count = max(0, -(-(size - window) // step) + 1) if size else 0
    low = min(0, *shifts)
    high = max(window - 1, *(shift + window - 1 for shift in shifts))
    return Along(size, window, np.arange(count, dtype=np.int64) * step, low, high, edges)
