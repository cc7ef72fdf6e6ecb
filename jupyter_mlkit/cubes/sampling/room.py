"""Room for the records of one box, and the order in which they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from .dealing import Dealer
from .memory import Arena, Lease
from .parts import Part
from .recipe import Recipe


class Room:
    """Takes the records of a box, piece by piece.

    Small records lie where they are drawn. Large ones are kept in the order of their cells, once
    for all roles, and only their rows are dealt.

    Parameters
    ----------
    kernels : module
    recipe : Recipe
    arena : Arena
    expected : sequence of int
        About how many samples of each wanted role there will be.
    unit, key
        As :class:`.dealing.Dealer` has them.

    Attributes
    ----------
    records : ndarray of float32, shape (rows of the arena, recipe.record)
    take : callable
        Returns the first of as many rows.
    """

    def __init__(
        self,
        kernels: ModuleType,
        recipe: Recipe,
        arena: Arena,
        expected: Sequence[int],
        unit: int,
        key: tuple[int, ...],
    ) -> None:
        self.records = arena.rows(recipe.record)
        self._shared = recipe.shared
        self._lease = Lease(arena)
        # What the dealer holds must not hold the room: its memory is free when the parts are.
        self.take = partial(self._lease.rows, width=recipe.record)
        self._places = _Places()
        take = self._places if recipe.shared else self.take
        self._dealer = Dealer(kernels, take, expected, unit, key)
        self._rows: list[NDArray[np.int32]] = []

    def deal(self, slots: NDArray[np.uint8], sizes: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the rows of the records of a piece, by their wanted roles."""
        return self._dealer.places(slots, sizes)

    def keep(
        self, rows: NDArray[np.int32], slots: NDArray[np.uint8], sizes: NDArray[np.int64]
    ) -> None:
        """Deal records that are in `rows`, by their wanted roles."""
        first = self._places.n
        dealt = np.empty(rows.size, np.int32)
        dealt[self._dealer.places(slots, sizes) - first] = rows
        self._rows.append(dealt)

    def parts(self, bits: Sequence[int]) -> list[Part]:
        """Return what was dealt, by wanted role."""
        drawn = self._dealer.drawn()
        if not self._shared:
            return [Part(self.records, order, lease=self._lease) for order in drawn]
        rows = np.concatenate(self._rows or [np.empty(0, np.int32)])
        return [
            Part(self.records, order, rows, bit, self._lease)
            for order, bit in zip(drawn, bits, strict=True)
        ]


class _Places:
    """Numbers places one after the other."""

    def __init__(self) -> None:
        self.n = 0

    def __call__(self, n: int) -> int:
        self.n += n
        return self.n - n
