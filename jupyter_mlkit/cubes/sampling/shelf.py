"""Large samples in an arena, each given back as soon as it was drawn for the last time."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from .memory import Arena

Rows = NDArray[np.int32]


class Shelf:
    """Records of one width, one to each unit of an arena.

    A box of chunks is drawn from over many batches: if its records were given back together,
    half of what is held would wait for nothing.

    Parameters
    ----------
    arena : Arena
        Its unit is a record.
    """

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self.records = arena.rows(arena.unit // 4)
        n = len(self.records)
        #: How many roles have still to draw each record, and for which loan it was taken.
        self._waiting, self._loan = np.zeros(n, np.uint8), np.zeros(n, np.int64)
        self._loans = itertools.count(1)

    def loan(self) -> Loan:
        """Return what takes rows."""
        return Loan(self, next(self._loans))

    def take(self, waiting: NDArray[np.integer], loan: int) -> Rows:
        """Return rows, one for each number of roles that wait to draw it."""
        rows = self._arena.take_any(waiting.size)
        self._waiting[rows], self._loan[rows] = waiting, loan
        return rows

    def drawn(self, rows: Rows) -> None:
        """Give back those of some rows that no other role waits for; each is named once."""
        self._waiting[rows] -= 1
        self._arena.give_each(rows[self._waiting[rows] == 0])

    def give(self, rows: Rows, loan: int) -> None:
        """Give back those of some rows that were not: others may be of another loan by now."""
        rows = rows[(self._loan[rows] == loan) & (self._waiting[rows] > 0)]
        self._waiting[rows] = 0
        self._arena.give_each(rows)


class Loan:
    """Rows of a shelf; those that were not drawn are given back when nothing refers to this.

    Parameters
    ----------
    shelf : Shelf
    number : int
        No other of the shelf has it.
    """

    def __init__(self, shelf: Shelf, number: int) -> None:
        self.shelf = shelf
        self._number = number
        self._rows: list[Rows] = []

    def take(self, waiting: NDArray[np.integer]) -> Rows:
        """Return rows, see :meth:`Shelf.take`."""
        rows = self.shelf.take(waiting, self._number)
        self._rows.append(rows)
        return rows

    def __del__(self) -> None:
        """Give back what was not drawn."""
        for rows in self._rows:
            self.shelf.give(rows, self._number)
