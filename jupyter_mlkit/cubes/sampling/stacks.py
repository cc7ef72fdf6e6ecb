"""Batches of all samples that lie in one box of the cube, as xbatcher's are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..splits.roles import ROLES
from .batch import Batch, Layout
from .chance import shuffled
from .missing import Filler
from .mixing import Piece, pieces
from .parts import Part
from .recipe import Recipe

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Stacked:
    """The samples of one role from one box of chunks, by batch.

    Attributes
    ----------
    part : Part
        The samples.
    order : ndarray of int32
        Rows of its records, batch by batch, in a batch in the order of their cells.
    edges : ndarray of int64
        Where each batch starts in `order`, and the end.
    """

    part: Part
    order: NDArray[np.int32]
    edges: Ints

    def __len__(self) -> int:
        """Return the number of batches."""
        return self.edges.size - 1

    def rows(self, number: int) -> NDArray[np.int32]:
        """Return which records are a batch."""
        return self.order[self.edges[number] : self.edges[number + 1]]


@dataclass(frozen=True)
class Stacking:
    """Which samples come together.

    Attributes
    ----------
    recipe : Recipe
    sizes : tuple of int
        Cells of the cube.
    """

    recipe: Recipe
    sizes: tuple[int, ...]

    @property
    def most(self) -> int:
        """Samples of a batch at most."""
        return math.prod(
            min(self.recipe.spans[dim], size)
            for dim, size in zip(self.recipe.dims, self.sizes, strict=True)
        )

    def stacked(self, part: Part) -> Stacked:
        """Return the samples of a box by batch."""
        if not len(part):
            return Stacked(part, np.empty(0, np.int32), np.zeros(1, np.int64))
        rows = part.places()
        cells = part.cells(rows, self.recipe)
        places = np.unravel_index(cells, self.sizes)
        spans = [self.recipe.spans[dim] for dim in self.recipe.dims]
        counts = tuple(-(-size // span) for size, span in zip(self.sizes, spans, strict=True))
        batch = np.ravel_multi_index(
            tuple(place // span for place, span in zip(places, spans, strict=True)), counts
        )
        order = np.lexsort((cells, batch))
        edges = np.flatnonzero(np.diff(batch[order], prepend=-1, append=-1))
        return Stacked(part, rows[order], edges.astype(np.int64))


@dataclass(frozen=True)
class StackStream:
    """Assembles batches of whole places.

    Attributes
    ----------
    stacking : Stacking
    layout : Layout
    filler : Filler or None
    key : tuple of int
        Seed, epoch and shard.
    shuffle : bool
    """

    stacking: Stacking
    layout: Layout
    filler: Filler | None
    key: tuple[int, ...]
    shuffle: bool

    def batches(
        self,
        boxes: Iterator[tuple[int, tuple[int, ...], list[Stacked]]],
        room: Callable[[Sequence[int]], bool],
        skipped: int = 0,
    ) -> Iterator[Batch]:
        """Yield all batches after `skipped` ones; of boxes that those need nothing is held."""
        seen = 0
        for piece in pieces(boxes, unit=1, room=room, shuffle=self.shuffle):
            turns = self._turns(piece)
            left = max(0, skipped - seen)
            seen += len(turns)
            for held, role, number in turns[left:]:
                yield self._batch(held[role], role, number)

    def _turns(self, piece: Piece[list[Stacked]]) -> list[tuple[list[Stacked], int, int]]:
        """Return which batches of which role a piece gives, in their order."""
        found = [
            (box.held, role, number)
            for box, rows in piece.takes
            for role, (a, b) in enumerate(rows)
            for number in range(a, b)
        ]
        if not self.shuffle:
            return found
        return [found[i] for i in shuffled(len(found), *self.key, 4, piece.number)]

    def _batch(self, held: Stacked, role: int, number: int) -> Batch:
        recipe, n = self.stacking.recipe, len(held.rows(number))
        found, marks, cells = held.part.values(held.rows(number), recipe)
        x = np.ascontiguousarray(found)
        if self.filler is not None:
            self.filler.fill(x.reshape(n, len(recipe.columns), recipe.window_cells), cells)
        if recipe.window:
            x = x.reshape(n, len(recipe.columns), *recipe.window_shape)
        marks = marks.reshape(n, *recipe.window_shape)
        y = None if recipe.target is None else marks
        return Batch(x, y, ROLES[recipe.roles[role]], self.layout, cells, marks)


def boxes_after(found: Iterator[Piece[None]], skipped: int) -> set[int]:
    """Return the places of the boxes from which batches after `skipped` ones come."""
    seen, places = 0, set()
    for piece in found:
        seen += sum(b - a for _, rows in piece.takes for a, b in rows)
        if seen > skipped:
            places |= {box.place for box, rows in piece.takes if any(a < b for a, b in rows)}
    return places
