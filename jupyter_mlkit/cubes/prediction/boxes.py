"""Boxes of a cube: what is predicted in one piece, and which cells that needs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

#: One slice (step 1) for each dim of the prediction.
Box: TypeAlias = tuple[slice, ...]


def shape_of(box: Box) -> tuple[int, ...]:
    """Return the number of cells of `box` along each dim."""
    return tuple(max(0, side.stop - side.start) for side in box)


def pieces(box: Box, steps: Sequence[int]) -> Iterator[Box]:
    """Yield the parts of `box` that a grid of `steps`, which starts at 0, cuts it into."""
    spans = []
    for side, step in zip(box, steps, strict=True):
        first = side.start - side.start % step
        starts = [max(side.start, at) for at in range(first, side.stop, step)]
        spans.append([slice(a, b) for a, b in itertools.pairwise([*starts, side.stop])])
    yield from itertools.product(*spans)


def within(box: Box, outer: Box) -> Box:
    """Return `box` in positions that count from the corner of `outer`."""
    return tuple(
        slice(side.start - base.start, side.stop - base.start)
        for side, base in zip(box, outer, strict=True)
    )


def n_cells(box: Box) -> int:
    """Return the number of cells of `box`."""
    return math.prod(shape_of(box))
