"""Cut the samples of one box of chunks: where they are, and their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .balance import Balance
from .chance import draws
from .order import BoxGrid
from .places import Places
from .recipe import Offsets, Recipe

#: Bytes of a workspace: small enough to stay in the cache of a processor.
_WORKSPACE = 2 << 20
_TRAIN = 0

Range = tuple[int, int]
#: Cells that a box holds or borrows: their range along each dim, and values by variable.
Ingredient = tuple[list[Range], dict[str, NDArray[Any]]]


@dataclass
class Part:
    """Samples of one role from one box.

    Attributes
    ----------
    X : ndarray of float32, shape (n, n_columns * window cells)
    marks : ndarray of float32, shape (n, window cells)
        The target, NaN where a cell does not count; without a target, 0 where it counts.
    cell : ndarray of int64, shape (n,)
    order : ndarray of int32, shape (n,), or None
        In which order rows are drawn, where they were not written in that order.
    """

    X: NDArray[np.float32]
    marks: NDArray[np.float32]
    cell: NDArray[np.int64]
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
        self.grid = grid
        self.places = places
        self.kernels = kernels
        self.balance = balance
        self._slots = np.full(5, -1, np.int8)
        for slot, role in enumerate(recipe.roles):
            self._slots[role] = slot
        sizes = [axis.size for axis in grid.axes]
        self._strides = [int(np.prod(sizes[i + 1 :], dtype=np.int64)) for i in range(len(sizes))]

    def parts(
        self, box: int, ingredients: Sequence[Ingredient], *, values: bool = True
    ) -> list[Part]:
        """Return the samples of a box by wanted role, in the order of their cells.

        Parameters
        ----------
        box : int
        ingredients : sequence of Ingredient
            Disjoint; together all cells inside the cube that the samples need.
        values : bool
            Whether X and marks are wanted; else they have no columns.
        """
        found: list[list[Part]] = [[] for _ in self.recipe.roles]
        for starts in self._pieces(box):
            piece = self._workspace(starts, ingredients)
            for slot, part in enumerate(self._cut(piece, starts, values)):
                if len(part):
                    found[slot].append(part)
        return [self._joined(parts) for parts in found]

    def _pieces(self, box: int) -> list[list[NDArray[np.int64]]]:
        """Split the starts of a box along one dim, so that a workspace fits the cache."""
        index = self.grid.index(box)
        axes = self.grid.axes
        starts = [axis.starts_in(place) for axis, place in zip(axes, index, strict=True)]
        if not all(found.size for found in starts):
            return []
        free = [i for i, axis in enumerate(axes) if axis.low == axis.high == 0]
        if not free:
            return [starts]
        # The outermost dim that is long enough keeps runs of memory long.
        axis = max(free, key=lambda i: (starts[i].size > 8, -i))
        widths = [b - a for a, b in self.grid.needed(box)]
        cells = max(1, int(np.prod(widths, dtype=np.int64)) // max(1, widths[axis]))
        step = max(1, _WORKSPACE // (4 * len(self.recipe.variables) * cells))
        return [
            [*starts[:axis], starts[axis][a : a + step], *starts[axis + 1 :]]
            for a in range(0, starts[axis].size, step)
        ]

    def _workspace(
        self, starts: list[NDArray[np.int64]], ingredients: Sequence[Ingredient]
    ) -> _Workspace:
        recipe, axes = self.recipe, self.grid.axes
        span = [
            (int(found[0]) + axis.low, int(found[-1]) + axis.high + 1)
            for found, axis in zip(starts, axes, strict=True)
        ]
        shape = tuple(b - a for a, b in span)
        values = np.empty((len(recipe.variables), *shape), np.float32)
        inside = [(max(a, 0), min(b, axis.size)) for (a, b), axis in zip(span, axes, strict=True)]
        if inside != span:
            self._pad(values, span)
        for region, arrays in ingredients:
            shared = [(max(a, c), min(b, d)) for (a, b), (c, d) in zip(span, region, strict=True)]
            if all(a < b for a, b in shared):
                to = _slices(shared, span)
                for place, name in enumerate(recipe.variables):
                    _fill(values[place][to], arrays[name], _slices(shared, region))
        roles = np.full(shape, -1, np.int8) if inside != span else np.empty(shape, np.int8)
        box = {dim: slice(*edges) for dim, edges in zip(recipe.dims, inside, strict=True)}
        roles[_slices(inside, span)] = self.places.roles(box)
        return _Workspace(span, shape, values, roles, recipe.places(shape))

    def _pad(self, values: NDArray[np.float32], span: list[Range]) -> None:
        """Mark what lies outside the cube: NaN, but a finite number for inputs past its end."""
        values[:] = np.nan
        inputs = values[: self.recipe.n_inputs]
        for number, ((_, stop), axis) in enumerate(zip(span, self.grid.axes, strict=True)):
            if stop > axis.size and axis.high == axis.window - 1:
                past = [slice(None)] * inputs.ndim
                past[number + 1] = slice(axis.size - stop, None)
                inputs[tuple(past)] = self.recipe.pad

    def _cut(self, piece: _Workspace, starts: list[NDArray[np.int64]], values: bool) -> list[Part]:
        recipe, kernels = self.recipe, self.kernels
        codes = self._codes(piece)
        where = [(found - span[0], found) for found, span in zip(starts, piece.span, strict=True)]
        choose = self._windows if recipe.window else self._cells
        chosen = choose(piece, codes, where)
        parts = []
        for role, (origins, cells) in zip(recipe.roles, chosen, strict=True):
            if not values:
                parts.append(Part(_NOTHING, _NOTHING, cells))
                continue
            n, width = origins.size, recipe.window_cells
            x = np.empty((n, width * len(recipe.columns)), np.float32)
            marks = np.empty((n, width), np.float32)
            dest = np.arange(n, dtype=np.int32)
            at, flat = piece.offsets, piece.flat
            kernels.cut(flat, origins, at.inputs, at.length, dest, x)
            if recipe.target is None:
                shift, flat = 0, np.zeros(codes.size, np.float32)
            else:
                shift = recipe.target * codes.size
            kernels.cut_target(flat, codes, role, origins, at.window, at.length, shift, dest, marks)
            parts.append(Part(x, marks, cells))
        return parts

    def _codes(self, piece: _Workspace) -> NDArray[np.int8]:
        """Return the role of each cell that counts as a target, -1 for the others."""
        recipe = self.recipe
        roles = piece.roles.ravel()
        if recipe.mask is not None:
            inside = piece.values[recipe.mask].ravel()
            roles = np.where(np.isfinite(inside) & (inside != 0), roles, np.int8(-1))
        if recipe.target is None:
            return roles
        codes = np.empty(roles.size, np.int8)
        self.kernels.encode(piece.values[recipe.target].ravel(), roles, codes)
        return codes

    def _cells(
        self, piece: _Workspace, codes: NDArray[np.int8], where: list[Any]
    ) -> list[tuple[NDArray[np.int32], NDArray[np.int64]]]:
        recipe = self.recipe
        strides = _strides_of(piece.shape)
        rows, numbers = np.zeros(1, np.int64), np.zeros(1, np.int64)
        for (local, absolute), near, far in zip(
            where[:-1], strides[:-1], self._strides[:-1], strict=True
        ):
            rows = np.add.outer(rows, local * near).ravel()
            numbers = np.add.outer(numbers, absolute * far).ravel()
        local, absolute = where[-1]
        rows, numbers = rows + local[0], numbers + absolute[0]
        n = rows.size * local.size
        origins = np.empty((len(recipe.roles), n), np.int32)
        cells = np.empty((len(recipe.roles), n), np.int64)
        counts = np.zeros(len(recipe.roles), np.int64)
        drop = {None: 0, "auto": 1, "if_all_nan": 2, "masked": 1}[recipe.drop_nan]
        self.kernels.scan_cells(
            piece.flat, codes, rows, numbers, local.size, piece.offsets.inputs, drop,
            self._slots, origins, cells, counts,
        )  # fmt: skip
        found = []
        for slot, role in enumerate(recipe.roles):
            mine, ids = origins[slot, : counts[slot]], cells[slot, : counts[slot]]
            keep = None
            if recipe.strict:
                keep = self._pure(piece, mine, role, piece.offsets.footprint)
            if role == _TRAIN and self.balance is not None:
                drawn = self.balance.keeps(self._classes(piece, mine), ids)
                keep = drawn if keep is None else keep & drawn
            found.append((mine, ids) if keep is None else (mine[keep], ids[keep]))
        return found

    def _windows(
        self, piece: _Workspace, codes: NDArray[np.int8], where: list[Any]
    ) -> list[tuple[NDArray[np.int32], NDArray[np.int64]]]:
        recipe, kernels, at = self.recipe, self.kernels, piece.offsets
        origins, cells = np.zeros(1, np.int64), np.zeros(1, np.int64)
        for (local, absolute), near, far in zip(
            where, _strides_of(piece.shape), self._strides, strict=True
        ):
            origins = np.add.outer(origins, local * near).ravel()
            cells = np.add.outer(cells, absolute * far).ravel()
        origins = origins.astype(np.int32)
        counted = np.empty((origins.size, 4), np.int32)
        kernels.tally(codes, origins, at.window, at.length, counted)
        some = counted[:, list(recipe.roles)].any(axis=1)
        origins, cells, counted = origins[some], cells[some], counted[some]
        gaps = np.zeros(origins.size, np.int32)
        kernels.missing(self._judged(piece), origins, at.inputs, at.length, gaps)
        total = at.inputs.size * at.length
        mixed = None
        if recipe.straddle == "drop":
            held = np.empty((origins.size, 4), np.int32)
            kernels.tally(piece.roles.ravel(), origins, at.window, at.length, held)
            mixed = (held > 0).sum(axis=1) > 1
        found = []
        for role in recipe.roles:
            keep = (counted[:, role] > 0) & (gaps < total)
            if mixed is not None:
                keep &= ~mixed
            if recipe.strict:
                keep &= self._pure(piece, origins, role, at.footprint)
            if role == _TRAIN:
                if recipe.drop_nan in ("auto", "masked"):
                    keep &= gaps == 0
                if recipe.min_valid:
                    keep &= counted[:, role] >= recipe.min_valid * recipe.window_cells
                if self.balance is not None:
                    rows = np.flatnonzero(keep)
                    drawn = self.balance.keeps(self._classes(piece, origins[rows]), cells[rows])
                    keep[rows[~drawn]] = False
            found.append((origins[keep], cells[keep]))
        return found

    def _judged(self, piece: _Workspace) -> NDArray[np.float32]:
        """Return the workspace as missing values are counted in it."""
        recipe = self.recipe
        if recipe.drop_nan != "masked" or recipe.mask is None:
            return piece.flat
        outside = ~(piece.values[recipe.mask] > 0)
        values = piece.values.copy()
        values[: recipe.n_inputs, outside] = 0
        return values.ravel()

    def _pure(
        self, piece: _Workspace, origins: NDArray[np.int32], role: int, runs: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return whether all cells that a sample touches inside the cube have its role."""
        held = np.empty((origins.size, 4), np.int32)
        self.kernels.tally(piece.roles.ravel(), origins, runs, piece.offsets.length, held)
        others = [code for code in range(4) if code != role]
        return ~held[:, others].any(axis=1)

    def _classes(self, piece: _Workspace, origins: NDArray[np.int32]) -> NDArray[np.float32]:
        assert self.recipe.target is not None
        at = piece.offsets
        values = np.empty((origins.size, self.recipe.window_cells), np.float32)
        dest = np.arange(origins.size, dtype=np.int32)
        target = np.ascontiguousarray(piece.values[self.recipe.target]).ravel()
        self.kernels.cut(target, origins, at.window, at.length, dest, values)
        return values

    def _joined(self, parts: list[Part]) -> Part:
        if not parts:
            return Part(_NOTHING, _NOTHING, np.empty(0, np.int64))
        if len(parts) == 1:
            return parts[0]
        return Part(
            np.concatenate([part.X for part in parts]),
            np.concatenate([part.marks for part in parts]),
            np.concatenate([part.cell for part in parts]),
        )

    def shuffle(self, part: Part, unit: int, *key: int) -> Part:
        """Return `part` so that any run of a bucket of it is drawn over the whole box."""
        n = len(part)
        if n < 2:
            return part
        if self.recipe.window:
            order = np.empty(n, np.int32)
            self.kernels.permute(n, draws(4, *key), order)
            return Part(part.X, part.marks, part.cell, order)
        starts = bucket_starts(n, unit)
        groups = -(-n // (starts.size - 1))
        chance = draws(2 * groups, *key).view(np.int64).reshape(2, groups)
        if n % (starts.size - 1):
            # The last round is short: it goes to the first buckets, as their sizes say.
            chance[:, -1] = 1, 0
        dest = np.empty(n, np.int32)
        self.kernels.deal(n, starts[:-1], chance[0] | 1, chance[1], dest)
        dealt = Part(np.empty_like(part.X), np.empty_like(part.marks), np.empty_like(part.cell))
        self.kernels.place_run(part.X, 0, dest, dealt.X)
        self.kernels.place_run(part.marks, 0, dest, dealt.marks)
        dealt.cell[dest] = part.cell
        return dealt


_NOTHING = np.empty((0, 0), np.float32)


@dataclass(frozen=True)
class _Workspace:
    span: list[Range]
    shape: tuple[int, ...]
    values: NDArray[np.float32]
    roles: NDArray[np.int8]
    offsets: Offsets

    @property
    def flat(self) -> NDArray[np.float32]:
        return self.values.ravel()


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


def _strides_of(shape: tuple[int, ...]) -> list[int]:
    return [int(np.prod(shape[i + 1 :], dtype=np.int64)) for i in range(len(shape))]


def _slices(inner: list[Range], outer: list[Range]) -> tuple[slice, ...]:
    return tuple(slice(a - c, b - c) for (a, b), (c, _) in zip(inner, outer, strict=True))


def _fill(to: NDArray[np.float32], values: NDArray[Any], box: tuple[slice, ...]) -> None:
    """Copy a box of a variable, which may have size 1 along dims that it lacks."""
    kept = tuple(
        part if size > 1 or (part.start == 0 and part.stop == 1) else slice(0, 1)
        for part, size in zip(box, values.shape, strict=True)
    )
    # A float64 that float32 cannot hold becomes infinite, and its cell is dropped.
    with np.errstate(over="ignore", invalid="ignore"):
        to[...] = values[kept]
