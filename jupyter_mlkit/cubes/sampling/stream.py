"""Turn pieces of open boxes into batches, from any position on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..splits.roles import ROLES
from .batch import Batch, Layout
from .chance import round_keys
from .missing import Filler
from .mixing import Piece, pieces
from .parts import Part
from .recipe import Recipe

Counts = Mapping[int, tuple[int, ...]]
_NO_KEYS = np.empty(0, np.uint64)


@dataclass(frozen=True)
class Cuts:
    """Where a stream of samples is cut into batches.

    Attributes
    ----------
    size : int
        Samples of a batch.
    totals, steps : tuple of int, or None
        Samples and batches of each role, where batches are to be a given number; they are then
        as even as can be, and none is larger than `size`.
    """

    size: int
    totals: tuple[int, ...] | None = None
    steps: tuple[int, ...] | None = None

    def edge(self, role: int, number: int) -> int:
        """Return where batch `number` of a role starts in its stream."""
        if self.totals is None or self.steps is None:
            return number * self.size
        return number * self.totals[role] // max(1, self.steps[role])

    def complete(self, role: int, stop: int) -> int:
        """Return how many batches end at or before `stop`."""
        if self.totals is None or self.steps is None:
            return stop // self.size
        if not self.totals[role]:
            return 0
        # The largest number with number * total // steps <= stop.
        return min(self.steps[role], ((stop + 1) * self.steps[role] - 1) // self.totals[role])


@dataclass
class Start:
    """From where a stream is continued.

    Attributes
    ----------
    batch : int
        Batches that are left out.
    piece : int
        The first piece that is needed.
    offsets : list of int
        Samples of each role before that piece.
    done : list of int
        Batches of each role that are left out.
    """

    batch: int
    piece: int
    offsets: list[int]
    done: list[int]


def find_start(found: Iterator[Piece[None]], cuts: Cuts, roles: int, batch: int) -> Start:
    """Return from which piece on the samples of batch number `batch` and later ones come."""
    offsets, done, emitted = [0] * roles, [0] * roles, 0
    history = [list(offsets)]
    for piece in found:
        offsets = [a + b for a, b in zip(offsets, piece.sizes(roles), strict=True)]
        history.append(list(offsets))
        for role in range(roles):
            ready = cuts.complete(role, offsets[role]) - done[role]
            taken = min(ready, batch - emitted)
            done[role] += taken
            emitted += taken
        if emitted == batch:
            break
    for role in range(roles):
        if emitted < batch and offsets[role] > cuts.edge(role, done[role]):
            done[role] += 1
            emitted += 1
    needed = [cuts.edge(role, done[role]) for role in range(roles)]
    first = 0
    for number, before in enumerate(history[:-1]):
        if all(a <= b for a, b in zip(before, needed, strict=True)):
            first = number
    return Start(batch, first, history[first], done)


def places_from(found: Iterator[Piece[None]], start: Start) -> set[int]:
    """Return the places of the boxes from which something is drawn from `start` on."""
    return {
        box.place
        for piece in found
        if piece.number >= start.piece
        for box, rows in piece.takes
        if any(a < b for a, b in rows)
    }


@dataclass
class _Run:
    """Samples of one role in the order in which they are given."""

    x: NDArray[np.float32]
    marks: NDArray[np.float32]
    cells: NDArray[Any]

    def __len__(self) -> int:
        return len(self.cells)

    def rows(self, a: int, b: int) -> _Run:
        return _Run(self.x[a:b], self.marks[a:b], self.cells[a:b])

    def copied(self) -> _Run:
        """Return the same in memory of its own, so that what it was cut from can be freed."""
        return _Run(self.x.copy(), self.marks.copy(), self.cells.copy())


class Stream:
    """Assembles batches.

    Parameters
    ----------
    recipe, layout, kernels, cuts
        As the sampler made them.
    filler : Filler, optional
    key : tuple of int
        Seed, epoch and shard.
    shuffle : bool
    """

    def __init__(
        self,
        recipe: Recipe,
        layout: Layout,
        kernels: ModuleType,
        cuts: Cuts,
        filler: Filler | None,
        key: tuple[int, ...],
        *,
        shuffle: bool,
    ) -> None:
        self.recipe = recipe
        self.layout = layout
        self.kernels = kernels
        self.cuts = cuts
        self.filler = filler
        self.key = key
        self.shuffle = shuffle

    def batches(
        self,
        boxes: Iterator[tuple[int, tuple[int, ...], list[Part]]],
        *,
        unit: int,
        room: Callable[..., bool],
        start: Start | None = None,
    ) -> Iterator[Batch]:
        """Yield the batches of all roles; of boxes, see :func:`.mixing.pieces`."""
        roles = len(self.recipe.roles)
        first = start or Start(0, 0, [0] * roles, [0] * roles)
        offsets, done = list(first.offsets), list(first.done)
        carried: list[_Run | None] = [None] * roles
        dropped = self.recipe.shared
        for piece in pieces(boxes, unit=unit, room=room, shuffle=self.shuffle, dropped=dropped):
            if piece.number < first.piece:
                continue
            for role, size in enumerate(piece.sizes(roles)):
                part = self._mixed(piece, role, size, carried[role])
                begin = offsets[role]
                stop = begin + len(part)
                count = max(0, self.cuts.complete(role, stop) - done[role])
                edges = [
                    self.cuts.edge(role, number) - begin
                    for number in range(done[role], done[role] + count + 1)
                ]
                for a, b in itertools.pairwise(edges):
                    yield self._batch(part, role, a, b)
                done[role] += count
                rest = min(max(begin, edges[-1] + begin), stop)
                carried[role] = part.rows(rest - begin, len(part)).copied()
                offsets[role] = rest
        for role in range(roles):
            rest_of_role = carried[role]
            a = max(0, self.cuts.edge(role, done[role]) - offsets[role])
            if rest_of_role is not None and len(rest_of_role) > a:
                yield self._batch(rest_of_role, role, a, len(rest_of_role))

    def _mixed(self, piece: Piece[list[Part]], role: int, n: int, carried: _Run | None) -> _Run:
        """Return what is carried over, and the samples of a piece after it, permuted."""
        recipe = self.recipe
        head = len(carried) if carried is not None else 0
        window = recipe.window_shape
        columns = (len(recipe.columns), *window)
        run = _Run(
            np.empty((head + n, *columns), np.float32),
            np.empty((head + n, *window), np.float32),
            np.empty(head + n, recipe.number),
        )
        if carried is not None and head:
            run.x[:head], run.marks[:head] = carried.x, carried.marks
            run.cells[:head] = carried.cells
        if n:
            self._write(piece, role, run.rows(head, head + n) if head else run)
        if self.filler is not None:
            x = run.x[head:].reshape(n, len(recipe.columns), recipe.window_cells)
            self.filler.fill(x, run.cells[head:])
        return run

    def _write(self, piece: Piece[list[Part]], role: int, to: _Run) -> None:
        """Write the samples of a piece, permuted."""
        n, parts, takes = len(to), [], []
        for box, rows in piece.takes:
            if rows[role][0] < rows[role][1]:
                parts.append(box.held[role])
                takes.append(rows[role])
        first = parts[0]
        begins = [part.drawn.begins for part in parts]
        rows_of_all = first.rows
        if first.bit:
            # Places are those of all parts in turn.
            rows_of_all = np.concatenate([part.rows for part in parts])
            before = itertools.accumulate((part.rows.size for part in parts), initial=0)
            begins = [begin + n for begin, n in zip(begins, before, strict=False)]
        keys = round_keys(*self.key, 3, piece.number, role) if self.shuffle and n > 1 else _NO_KEYS
        self.kernels.draw(
            first.records, rows_of_all, np.uint8(first.bit), np.concatenate(begins),
            np.concatenate([part.drawn.ranks for part in parts]),
            np.array([begin.size for begin in begins]), np.array(takes), keys,
            self.recipe.inputs, to.x.reshape(n, -1), to.marks.reshape(n, -1), to.cells,
        )  # fmt: skip
        for part, (start, stop) in zip(parts, takes, strict=True):
            part.drop(start, stop)

    def _batch(self, run: _Run, role: int, a: int, b: int) -> Batch:
        recipe, marks = self.recipe, run.marks[a:b]
        y = None if recipe.target is None else marks
        role_name = ROLES[recipe.roles[role]]
        return Batch(run.x[a:b], y, role_name, self.layout, run.cells[a:b], marks)


def counts_by_role(counts: Counts, boxes: frozenset[int], roles: int) -> NDArray[np.int64]:
    """Return the samples of each role in `boxes`."""
    total = np.zeros(roles, np.int64)
    for box in boxes:
        total += counts.get(box, (0,) * roles)
    return total
