"""Cut the samples of one box of chunks: where they are, and their values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .balance import Balance
from .chance import draws, round_keys
from .memory import Scratch, pages
from .order import BoxGrid
from .places import Places
from .recipe import Recipe
from .windows import WindowChooser
from .workspace import Gatherer, Ingredient, Starts, Workspace

_TRAIN = 0
#: Samples of more bytes stay where they are and are drawn by a list of rows instead.
_DEALT = 1 << 10
_NOTHING = np.empty((0, 0), np.float32)


@dataclass
class Part:
    """Samples of one role from one box.

    Attributes
    ----------
    records : ndarray of float32, shape (n, recipe.record)
        The values of X; the target of each cell, NaN where it does not count (without a target
        0 where it counts); the number of the cell as one or two uint32.
    n : int
    order : ndarray of int32, shape (n,), or None
        In which order records are drawn, where they were not written in that order.
    """

    records: NDArray[np.float32]
    n: int
    order: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        """Return the number of samples."""
        return self.n


class _Room:
    """Memory for all records that a box may have; what is not written to takes none."""

    def __init__(self, pieces: Sequence[Starts], recipe: Recipe) -> None:
        most = sum(math.prod(along.size for along in starts) for starts in pieces)
        self._held = [pages(most, recipe.record) for _ in recipe.roles]
        self._used = [0] * len(recipe.roles)

    def take(self, slot: int, n: int) -> NDArray[np.float32]:
        """Return room for `n` more records of a role."""
        start = self._used[slot]
        self._used[slot] += n
        return self._held[slot][start : start + n]

    def parts(self) -> list[Part]:
        """Return all records of each role."""
        return [Part(held[:used], used) for held, used in zip(self._held, self._used, strict=True)]


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
    """

    def __init__(
        self,
        recipe: Recipe,
        grid: BoxGrid,
        places: Places,
        kernels: ModuleType,
        balance: Balance | None = None,
    ) -> None:
        self.recipe = recipe
        self.kernels = kernels
        self.balance = balance
        self._scratch = Scratch()
        self._gatherer = Gatherer(recipe, grid, places, self._scratch)
        self._sizes = tuple(axis.size for axis in grid.axes)
        self._chooser = WindowChooser(recipe, self._sizes, kernels, balance)
        self._in_place = bool(recipe.window) and 4 * recipe.record > _DEALT
        self._slots = np.full(5, -1, np.int8)
        for slot, role in enumerate(recipe.roles):
            self._slots[role] = slot

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
        if self._in_place and values:
            room = _Room(pieces, self.recipe)
            for starts in pieces:
                self._windows(self._gatherer.gather(starts, ingredients), values, room)
            parts = room.parts()
            for role, part in enumerate(parts if unit else []):
                order = np.empty(len(part) + 1, np.int32)
                self.kernels.permute(len(part), round_keys(*key, role), order)
                part.order = order[: len(part)]
            return parts
        found: list[list[Part]] = [[] for _ in self.recipe.roles]
        for starts in pieces:
            piece = self._gatherer.gather(starts, ingredients)
            cut = self._windows(piece, values) if self.recipe.window else self._cells(piece, values)
            for slot, part in enumerate(cut):
                if len(part):
                    found[slot].append(part)
        if not unit:
            return [self._joined(parts) for parts in found]
        return [self._dealt(parts, unit, (*key, role)) for role, parts in enumerate(found)]

    def _cells(self, piece: Workspace, values: bool) -> list[Part]:
        recipe = self.recipe
        rows, numbers = piece.lattice(self._sizes, skip=1)
        inner, wanted = piece.starts[-1].size, len(recipe.roles)
        n = rows.size * inner
        records = self._scratch.take("records", (wanted, n, recipe.record), np.float32)
        origins = self._scratch.take("origins", (wanted, n), np.int32)
        counts = np.zeros(wanted, np.int64)
        target = -1 if recipe.target is None else recipe.target * piece.roles.size
        drop = {None: 0, "auto": 1, "if_all_nan": 2, "masked": 1}[recipe.drop_nan]
        self.kernels.cut_cells(
            piece.flat, self._masked(piece), rows, numbers, inner, piece.offsets.inputs, target,
            drop, self._slots, records, origins, counts,
        )  # fmt: skip
        parts = []
        for slot, (role, count) in enumerate(zip(recipe.roles, counts.tolist(), strict=True)):
            found = records[slot, :count]
            if recipe.strict or (role == _TRAIN and self.balance is not None):
                found = found[self._kept(piece, origins[slot, :count], self._numbers(found), role)]
            parts.append(Part(found.copy() if values else _NOTHING, found.shape[0]))
        return parts

    def _kept(
        self, piece: Workspace, origins: NDArray[np.int32], cells: NDArray[Any], role: int
    ) -> NDArray[np.bool_]:
        keep = np.ones(cells.size, bool)
        if self.recipe.strict:
            keep &= self._chooser.pure(piece, origins, role, piece.offsets.footprint)
        if role == _TRAIN and self.balance is not None:
            keep &= self.balance.keeps(self._chooser.classes(piece, origins), cells)
        return keep

    def _windows(self, piece: Workspace, values: bool, room: _Room | None = None) -> list[Part]:
        recipe, kernels, at = self.recipe, self.kernels, piece.offsets
        codes, flat, target = self._masked(piece), piece.flat, -1
        if recipe.target is not None:
            target = recipe.target * codes.size
            masked, codes = codes, np.empty(codes.size, np.int8)
            kernels.encode(flat[target : target + codes.size], masked, codes)
        parts = []
        chosen = self._chooser.choose(piece, codes)
        for slot, (role, (origins, numbers)) in enumerate(zip(recipe.roles, chosen, strict=True)):
            records = _NOTHING
            if values:
                if room is not None:
                    records = room.take(slot, origins.size)
                else:
                    records = np.empty((origins.size, recipe.record), np.float32)
                kernels.cut_windows(
                    flat, codes, role, origins, numbers, at.inputs, at.window, at.length, target,
                    records,
                )  # fmt: skip
            parts.append(Part(records, origins.size))
        return parts

    def _masked(self, piece: Workspace) -> NDArray[np.int8]:
        """Return the role of each cell, -1 outside the cube and the mask."""
        roles = piece.roles.reshape(-1)
        if self.recipe.mask is None:
            return roles
        inside = piece.values[self.recipe.mask].reshape(-1)
        return np.where(np.isfinite(inside) & (inside != 0), roles, np.int8(-1))

    def _dealt(self, parts: list[Part], unit: int, key: tuple[int, ...]) -> Part:
        n = sum(map(len, parts))
        if n < 2:
            return self._joined(parts)
        starts = bucket_starts(n, unit)
        buckets = starts.size - 1
        groups = -(-n // buckets)
        chance = draws(2 * groups, *key).view(np.int64).reshape(2, groups)
        factors, turns = chance[0] | 1, chance[1]
        if n % buckets:
            # The last round is short: it goes to the first buckets, as their sizes say.
            factors[-1], turns[-1] = 1, 0
        records = pages(n, self.recipe.record)
        begin = 0
        for part in parts:
            self.kernels.deal(part.records, begin, starts[:-1], factors, turns, records)
            begin += len(part)
        return Part(records, n)

    def _joined(self, parts: list[Part]) -> Part:
        n = sum(map(len, parts))
        if not n or not parts[0].records.size:
            return Part(_NOTHING, n)
        records = pages(n, self.recipe.record)
        np.concatenate([part.records for part in parts], out=records)
        return Part(records, n)

    def _numbers(self, records: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the numbers of the cells of records."""
        first = self.recipe.inputs + self.recipe.window_cells
        ids = records[:, first:].view(np.uint32).astype(np.int64)
        found: NDArray[np.int64] = (ids << (32 * np.arange(ids.shape[1]))).sum(axis=1)
        return found


def bucket_starts(n: int, unit: int) -> NDArray[np.int64]:
    """Return the borders of the buckets to which `n` samples of a box are dealt.

    There are as many as a power of two, none larger than `unit`; the first ones hold one more
    where they do not come out even.
    """
    buckets = 1
    while buckets * unit < n:
        buckets *= 2
    number = np.arange(buckets + 1, dtype=np.int64)
    starts: NDArray[np.int64] = number * (n // buckets) + np.minimum(number, n % buckets)
    return starts
