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
from .shelf import Shelf


class Room:
    """Takes the records of a box, piece by piece, and has them lie where they are drawn.

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
        self._lease = Lease(arena)
        # What the dealer holds must not hold the room: its memory is free when the parts are.
        self.take = partial(self._lease.rows, width=recipe.record)
        self._dealer = Dealer(kernels, self.take, expected, unit, key)

    def deal(self, slots: NDArray[np.uint8], sizes: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the rows of the records of a piece, by their wanted roles."""
        return self._dealer.places(slots, sizes)

    def parts(self) -> list[Part]:
        """Return what was dealt, by wanted role."""
        return [Part(self.records, drawn, lease=self._lease) for drawn in self._dealer.drawn()]


class SharedRoom:
    """Takes large records of a box, each once for all roles, and deals only their rows.

    Parameters
    ----------
    kernels : module
    shelf : Shelf
    expected : sequence of int
        About how many samples of each wanted role there will be.
    unit, key
        As :class:`.dealing.Dealer` has them.
    """

    def __init__(
        self,
        kernels: ModuleType,
        shelf: Shelf,
        expected: Sequence[int],
        unit: int,
        key: tuple[int, ...],
    ) -> None:
        self.records = shelf.records
        self._loan = shelf.loan()
        self._places = _Places()
        self._dealer = Dealer(kernels, self._places, expected, unit, key)
        self._rows: list[NDArray[np.int32]] = []

    def keep(
        self, records: NDArray[np.intp], slots: NDArray[np.uint8], sizes: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        """Deal the samples of a piece; return the rows of its records.

        Parameters
        ----------
        records : ndarray of int, shape (n,)
            Which record of the piece each sample has; samples of several roles may have one.
        slots : ndarray of uint8, shape (n,)
            Wanted roles of the samples.
        sizes : ndarray of int64
            How many samples there are of each wanted role.
        """
        rows = self._loan.take(np.bincount(records))
        first = self._places.n
        dealt = np.empty(records.size, np.int32)
        dealt[self._dealer.places(slots, sizes) - first] = rows[records]
        self._rows.append(dealt)
        return rows

    def parts(self, bits: Sequence[int]) -> list[Part]:
        """Return what was dealt, by wanted role, of which `bits` are the roles."""
        rows = np.concatenate(self._rows or [np.empty(0, np.int32)])
        return [
            Part(self.records, drawn, rows, bit, self._loan)
            for drawn, bit in zip(self._dealer.drawn(), bits, strict=True)
        ]


class _Places:
    """Numbers places one after the other."""

    def __init__(self) -> None:
        self.n = 0

    def __call__(self, n: int) -> int:
        self.n += n
        return self.n - n
