"""Cut the samples of one box of chunks: where they are, and their values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from .balance import Balance
from .memory import Arena, Scratch
from .order import BoxGrid
from .parts import Part, cells_of, counted
from .places import BITS, Places
from .recipe import Recipe
from .room import Room, SharedRoom
from .shelf import Shelf
from .windows import Bits, Counts, WindowChooser
from .workspace import Gatherer, Ingredient, Starts, Workspace

_TRAIN = 0
#: More boxes than are ever held at once: open, just ended, and read ahead.
_BOXES = 48
#: What boxes borrow may be float64, and some boxes are read ahead.
_MORE = 4
#: Of so many cells along each dim one is looked at, to tell how many lack the target.
_SKIP = 8
#: So many at least are taken to have it: what was not looked at may be where the samples are.
_LEAST_SHARE = 1 / 16


class Cutter:
    """Cuts boxes into samples; safe to call from several threads.

    Parameters
    ----------
    recipe : Recipe
    grid : BoxGrid
    places : Places
    kernels : module
        :mod:`.kernels` or :mod:`.plain`.
    balance : Balance, optional
    front : int
        Bytes of what boxes borrow from each other, as float32.
    """

    def __init__(
        self,
        recipe: Recipe,
        grid: BoxGrid,
        places: Places,
        kernels: ModuleType,
        balance: Balance | None = None,
        *,
        front: int = 0,
    ) -> None:
        self.recipe = recipe
        self.kernels = kernels
        self.balance = balance
        self._scratch = Scratch()
        self._gatherer = Gatherer(recipe, grid, places, self._scratch)
        self._sizes = tuple(axis.size for axis in grid.axes)
        self._chooser = WindowChooser(recipe, self._sizes, kernels, balance, self._scratch)
        self._wanted = BITS[list(recipe.roles)]
        # A window may be a sample of several roles.
        most = (len(recipe.roles) if recipe.window else 1) * math.prod(
            max((axis.starts_in(box).size for box in range(axis.boxes)), default=0)
            for axis in grid.axes
        )
        #: Holds the samples that were cut and not dropped yet, and what boxes borrow.
        record = 4 * recipe.record
        unit = {"unit": record} if recipe.shared else {}
        self.arena = Arena(record * _BOXES * most + _MORE * front, **unit)
        self._shelf = Shelf(self.arena) if recipe.shared else None

    def parts(
        self,
        box: int,
        ingredients: Sequence[Ingredient],
        *,
        values: bool = True,
        unit: int = 0,
        key: tuple[int, ...] = (),
    ) -> list[Part]:
        """Return the samples of a box by wanted role.

        Parameters
        ----------
        box : int
        ingredients : sequence of Ingredient
            Disjoint; together all cells inside the cube that the samples need.
        values : bool
            Whether X and marks are wanted; else they have no columns.
        unit : int
            Samples of a bucket at most, to which they are dealt so that any bucket is drawn
            over the whole box; 0 leaves them in the order of their cells.
        key : tuple of int
            What the draw follows from.
        """
        pieces = self._gatherer.pieces(box)
        if not values:
            counts = np.zeros(len(self.recipe.roles), np.int64)
            cut = self._windows if self.recipe.window else self._cells
            for starts in pieces:
                counts += cut(self._gatherer.gather(starts, ingredients), None)
            return [counted(int(n)) for n in counts]
        expected = self._expected(box, pieces, ingredients)
        if self._shelf:
            shared = SharedRoom(self.kernels, self._shelf, expected, unit, key)
            for starts in pieces:
                self._shared(self._gatherer.gather(starts, ingredients), shared)
            return shared.parts(self._wanted.tolist())
        room = Room(self.kernels, self.recipe, self.arena, expected, unit, key)
        cut = self._windows if self.recipe.window else self._cells
        for starts in pieces:
            cut(self._gatherer.gather(starts, ingredients), room)
        return room.parts()

    def _expected(
        self, box: int, pieces: list[Starts], ingredients: Sequence[Ingredient]
    ) -> list[int]:
        """Return about how many samples of each role there will be.

        It follows from the cells alone, and not from which ingredients they came in: the order
        of the samples rests on it.
        """
        most = sum(math.prod(along.size for along in starts) for starts in pieces)
        if self.recipe.target is not None:
            name = self.recipe.variables[self.recipe.target]
            there = np.isfinite(self._gatherer.looked_at(box, name, ingredients, _SKIP))
            if there.size:
                most = math.ceil(most * max(there.mean(), _LEAST_SHARE))
        roles = self._gatherer.roles_at(pieces)
        shares = [np.count_nonzero(roles & bit) / max(1, roles.size) for bit in self._wanted]
        return [math.ceil(most * share) for share in shares]

    def _cells(self, piece: Workspace, room: Room | None) -> Counts:
        """Return the number of samples of each wanted role in a piece, and deal their records."""
        recipe = self.recipe
        rows, numbers = piece.lattice(self._sizes, skip=1)
        inner = piece.starts[-1].size
        drop = {None: 0, "auto": 1, "if_all_nan": 2, "masked": 1}[recipe.drop_nan]
        picky = recipe.strict or self.balance is not None
        most = rows.size * inner
        records = self._scratch.take("records", (most, recipe.record), np.float32)
        slots = self._scratch.take("slots", (most,), np.uint8)
        origins = np.empty(most if picky else 0, np.int64)
        sizes = np.empty(self._wanted.size, np.int64)
        self.kernels.cut_cells(
            piece.flat, self._codes(piece), rows, numbers, inner, piece.offsets.inputs,
            self._target(piece), drop, self._wanted, records, slots, origins, sizes,
        )  # fmt: skip
        n = int(sizes.sum())
        records, slots = records[:n], slots[:n]
        if picky:
            keep = self._kept(piece, origins[:n], records, slots)
            records, slots = records[keep], slots[keep]
            sizes = np.bincount(slots, minlength=sizes.size)
        if room is not None:
            self.kernels.spread(records, room.deal(slots, sizes), room.records)
        return sizes

    def _kept(
        self,
        piece: Workspace,
        origins: NDArray[np.int64],
        records: NDArray[np.float32],
        slots: Bits,
    ) -> NDArray[np.bool_]:
        keep = np.ones(origins.size, bool)
        if self.recipe.strict:
            keep &= self._chooser.pure(piece, origins, self._wanted[slots])
        if self.balance is not None and _TRAIN in self.recipe.roles:
            rows = np.flatnonzero(slots == self.recipe.roles.index(_TRAIN))
            numbers = cells_of(records[rows], self.recipe)
            keep[rows] &= self.balance.keeps(self._chooser.classes(piece, origins[rows]), numbers)
        return keep

    def _windows(self, piece: Workspace, room: Room | None) -> Counts:
        """Return the number of samples of each wanted role in a piece, and deal their records."""
        at, codes = piece.offsets, self._codes(piece)
        origins, numbers, sizes = self._chooser.choose(piece, codes)
        if room is None:
            return sizes
        slots = np.repeat(np.arange(sizes.size, dtype=np.uint8), sizes)
        self.kernels.cut_windows(
            piece.flat, codes, self._wanted, sizes, origins, numbers, at.inputs, at.window,
            at.length, self._target(piece), room.deal(slots, sizes), room.records,
        )  # fmt: skip
        return sizes

    def _shared(self, piece: Workspace, room: SharedRoom) -> None:
        """Deal the samples of a piece, of which each is kept once for all roles."""
        at, codes = piece.offsets, self._codes(piece)
        origins, numbers, sizes = self._chooser.choose(piece, codes)
        slots = np.repeat(np.arange(sizes.size, dtype=np.uint8), sizes)
        origins, first, records = np.unique(origins, return_index=True, return_inverse=True)
        rows = room.keep(records, slots, sizes)
        self.kernels.cut_shared(
            piece.flat, codes, origins, numbers[first], at.inputs, at.window, at.length,
            self._target(piece), rows, room.records,
        )  # fmt: skip

    def _target(self, piece: Workspace) -> int:
        """Return how far the target of a cell lies from its first input, -1 where there is none."""
        return -1 if self.recipe.target is None else self.recipe.target * piece.apart

    def _codes(self, piece: Workspace) -> Bits:
        """Return the role of each cell that counts: inside the cube and the mask, not missing."""
        recipe, codes = self.recipe, piece.roles.reshape(-1)
        if recipe.mask is not None:
            inside = piece.values[recipe.mask].reshape(-1)
            codes = np.where(np.isfinite(inside) & (inside != 0), codes, np.uint8(0))
        if recipe.target is None:
            return codes
        found = self._scratch.take("codes", codes.shape, np.uint8)
        self.kernels.encode(piece.values[recipe.target].reshape(-1), codes, found)
        return found
