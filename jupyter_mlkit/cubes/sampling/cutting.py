"""Cut the samples of one box of chunks: where they are, and their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .balance import Balance
from .chance import draws, round_keys
from .order import BoxGrid
from .places import Places
from .recipe import Recipe
from .windows import WindowChooser
from .workspace import Gatherer, Ingredient, Workspace

_TRAIN = 0
#: Samples of more bytes stay where they are and are drawn by a list of rows instead.
_DEALT = 1 << 10
_NOTHING = np.empty((0, 0), np.float32)


@dataclass
class Part:
    """Samples of one role from one box.

    Attributes
    ----------
    X : ndarray of float32, shape (n, n_columns * window cells)
    marks : ndarray of float32, shape (n, window cells)
        The target, NaN where a cell does not count; without a target, 0 where it counts.
    cell : ndarray of uint32 or int64, shape (n,)
    order : ndarray of int32, shape (n,), or None
        In which order rows are drawn, where they were not written in that order.
    """

    X: NDArray[np.float32]
    marks: NDArray[np.float32]
    cell: NDArray[Any]
    order: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        """Return the number of samples."""
        return int(self.cell.size)


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
        self._gatherer = Gatherer(recipe, grid, places)
        self._sizes = tuple(axis.size for axis in grid.axes)
        self._chooser = WindowChooser(recipe, self._sizes, kernels, balance)
        self._numbers = number_type(self._sizes)
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
        cut = self._windows if self.recipe.window else self._cells
        found: list[list[Part]] = [[] for _ in self.recipe.roles]
        for starts in self._gatherer.pieces(box):
            piece = self._gatherer.gather(starts, ingredients)
            for slot, part in enumerate(cut(piece, values)):
                if len(part):
                    found[slot].append(part)
        if not unit:
            return [_joined(parts) for parts in found]
        return [self._dealt(parts, unit, (*key, role)) for role, parts in enumerate(found)]

    def _cells(self, piece: Workspace, values: bool) -> list[Part]:
        recipe = self.recipe
        rows, numbers = piece.lattice(self._sizes, skip=1)
        inner, wanted = piece.starts[-1].size, len(recipe.roles)
        n, offsets = rows.size * inner, piece.offsets.inputs
        x = np.empty((wanted, n, offsets.size), np.float32)
        marks = np.empty((wanted, n, 1), np.float32)
        cells = np.empty((wanted, n), self._numbers)
        origins = np.empty((wanted, n), np.int32)
        counts = np.zeros(wanted, np.int64)
        target = -1 if recipe.target is None else recipe.target * piece.roles.size
        drop = {None: 0, "auto": 1, "if_all_nan": 2, "masked": 1}[recipe.drop_nan]
        self.kernels.cut_cells(
            piece.flat, self._masked(piece), rows, numbers, inner, offsets, target, drop,
            self._slots, x, marks, cells, origins, counts,
        )  # fmt: skip
        parts = []
        for slot, (role, count) in enumerate(zip(recipe.roles, counts.tolist(), strict=True)):
            keep: Any = slice(0, count)
            if recipe.strict or (role == _TRAIN and self.balance is not None):
                keep = np.flatnonzero(
                    self._kept(piece, origins[slot, :count], cells[slot, :count], role)
                )
            if values:
                parts.append(
                    Part(x[slot, keep].copy(), marks[slot, keep].copy(), cells[slot, keep].copy())
                )
            else:
                parts.append(Part(_NOTHING, _NOTHING, cells[slot, keep].copy()))
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

    def _windows(self, piece: Workspace, values: bool) -> list[Part]:
        recipe, kernels, at = self.recipe, self.kernels, piece.offsets
        codes = self._masked(piece)
        flat = piece.flat
        if recipe.target is None:
            target, shift = np.zeros(codes.size, np.float32), 0
        else:
            target, shift = flat, recipe.target * codes.size
            codes, masked = np.empty(codes.size, np.int8), codes
            kernels.encode(flat[shift : shift + codes.size], masked, codes)
        parts = []
        chosen = self._chooser.choose(piece, codes)
        for role, (origins, cells) in zip(recipe.roles, chosen, strict=True):
            n, width = origins.size if values else 0, recipe.window_cells
            x = np.empty((n, width * len(recipe.columns)), np.float32)
            marks = np.empty((n, width), np.float32)
            if n:
                dest = np.arange(n, dtype=np.int32)
                kernels.cut(flat, origins, at.inputs, at.length, dest, x)
                kernels.cut_target(
                    target, codes, role, origins, at.window, at.length, shift, dest, marks
                )
            parts.append(Part(x, marks, cells.astype(self._numbers)))
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
        if self.recipe.sample_bytes > _DEALT or n < 2:
            part = _joined(parts)
            if n > 1:
                order = np.empty(n + 1, np.int32)
                self.kernels.permute(n, round_keys(*key), order)
                part.order = order[:n]
            return part
        starts = bucket_starts(n, unit)
        buckets = starts.size - 1
        groups = -(-n // buckets)
        chance = draws(2 * groups, *key).view(np.int64).reshape(2, groups)
        factors, turns = chance[0] | 1, chance[1]
        if n % buckets:
            # The last round is short: it goes to the first buckets, as their sizes say.
            factors[-1], turns[-1] = 1, 0
        first = parts[0]
        dealt = Part(
            np.empty((n, first.X.shape[1]), np.float32),
            np.empty((n, first.marks.shape[1]), np.float32),
            np.empty(n, self._numbers),
        )
        begin = 0
        for part in parts:
            self.kernels.deal(
                part.X, part.marks, part.cell, begin, starts[:-1], factors, turns,
                dealt.X, dealt.marks, dealt.cell,
            )  # fmt: skip
            begin += len(part)
        return dealt


def _joined(parts: list[Part]) -> Part:
    if not parts:
        return Part(_NOTHING, _NOTHING, np.empty(0, np.int64))
    if len(parts) == 1:
        return parts[0]
    return Part(
        np.concatenate([part.X for part in parts]),
        np.concatenate([part.marks for part in parts]),
        np.concatenate([part.cell for part in parts]),
    )


def number_type(sizes: tuple[int, ...]) -> Any:
    """Return the dtype that holds the numbers of all cells of a cube."""
    return np.uint32 if np.prod(sizes, dtype=np.float64) < 2**32 else np.int64


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
