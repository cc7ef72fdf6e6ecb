"""Which windows of a workspace are samples of which role."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from .balance import Balance
from .memory import Scratch
from .places import BITS
from .recipe import Recipe
from .workspace import Workspace

_TRAIN = 0
#: What :func:`.kernels.flag` says of a value.
_NONE, _FINITE, _MISSING = np.uint8(0), np.uint8(1), np.uint8(2)
#: Places of samples in a workspace, and their numbers in the cube.
Chosen = tuple[NDArray[np.int64], NDArray[np.int64]]
Bits = NDArray[np.uint8]
#: Place and number of the first window of each row, windows of a row, and cells between them.
_Lattice = tuple[NDArray[np.int64], NDArray[np.int64], int, int]


class WindowChooser:
    """Chooses windows by what is in them.

    Parameters
    ----------
    recipe : Recipe
    sizes : tuple of int
        Cells of the cube.
    kernels : module
    balance : Balance, optional
    scratch : Scratch
        Holds what is chosen: it is valid until the next choice of the thread.
    """

    def __init__(
        self,
        recipe: Recipe,
        sizes: tuple[int, ...],
        kernels: ModuleType,
        balance: Balance | None,
        scratch: Scratch,
    ) -> None:
        self._scratch = scratch
        self.recipe = recipe
        self.sizes = sizes
        self.kernels = kernels
        self.balance = balance

    def choose(self, piece: Workspace, codes: Bits) -> list[Chosen]:
        """Return the windows of each wanted role; `codes` are the roles of cells that count."""
        recipe, at = self.recipe, piece.offsets
        lattice = self._lattice(piece)
        counted = self._seen("counted", lattice, codes, at.window, at.length)
        beside = recipe.places(piece.shape, piece.roles.size).inputs
        inputs = self._seen("inputs", lattice, self._judged(piece), beside, at.length)
        touched = np.empty(0, np.uint8)
        if recipe.strict or recipe.straddle == "drop":
            runs = at.footprint if recipe.strict else at.window
            flags = piece.roles.reshape(-1)
            touched = self._seen("touched", lattice, flags, runs, at.length)
        found = []
        for role in recipe.roles:
            complete = role == _TRAIN and recipe.drop_nan in ("auto", "masked")
            most = counted.size + 1
            origins, cells = self._scratch.take(f"chosen {role}", (2, most), np.int64)
            n = self.kernels.select(
                counted, inputs, touched, BITS[role], _MISSING if complete else _NONE,
                *lattice, origins, cells,
            )  # fmt: skip
            chosen = origins[:n], cells[:n]
            found.append(self._trained_on(piece, codes, *chosen) if role == _TRAIN else chosen)
        return found

    def _trained_on(
        self, piece: Workspace, codes: Bits, origins: NDArray[np.int64], cells: NDArray[np.int64]
    ) -> Chosen:
        """Return those windows of the train role that are wanted."""
        recipe, at = self.recipe, piece.offsets
        if recipe.min_valid:
            valid = np.empty(origins.size, np.int32)
            self.kernels.count(codes, BITS[_TRAIN], origins, at.window, at.length, valid)
            keep = valid >= recipe.min_valid * recipe.window_cells
            origins, cells = origins[keep], cells[keep]
        if self.balance is not None:
            keep = self.balance.keeps(self.classes(piece, origins), cells)
            origins, cells = origins[keep], cells[keep]
        return origins, cells

    def _lattice(self, piece: Workspace) -> _Lattice:
        last = piece.starts[-1]
        steps = np.diff(last)
        step = int(steps[0]) if steps.size else 1
        if (steps == step).all():
            return (*piece.lattice(self.sizes, skip=1), last.size, step)
        # Windows that are left out make the rest uneven: each is a row of its own.
        return (*piece.lattice(self.sizes), 1, 1)

    def _seen(
        self, use: str, lattice: _Lattice, flags: Bits, runs: NDArray[np.int64], length: int
    ) -> Bits:
        """Return which flags each window holds."""
        rows, _, inner, step = lattice
        found = self._scratch.take(use, (rows.size * inner,), np.uint8)
        self.kernels.seen(flags, rows, inner, step, runs, length, found)
        return found

    def _judged(self, piece: Workspace) -> Bits:
        """Return for each value of the features whether it is there."""
        recipe = self.recipe
        flags = self._scratch.take("flags", (recipe.n_inputs, piece.roles.size), np.uint8)
        values = piece.values[: recipe.n_inputs]
        self.kernels.flag(values.reshape(-1), flags.reshape(-1))
        if recipe.drop_nan == "masked" and recipe.mask is not None:
            outside = ~(piece.values[recipe.mask].reshape(-1) > 0)
            flags[:, outside] = _FINITE
        return flags.reshape(-1)

    def pure(self, piece: Workspace, origins: NDArray[np.int64], role: Bits) -> NDArray[np.bool_]:
        """Return whether all cells that single cells touch inside the cube have their role."""
        at = piece.offsets
        held = np.empty(origins.size, np.uint8)
        flags = piece.roles.reshape(-1)
        self.kernels.seen(flags, origins, 1, 1, at.footprint, at.length, held)
        pure: NDArray[np.bool_] = (held & ~role) == 0
        return pure

    def classes(self, piece: Workspace, origins: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the target values of samples, of whatever role."""
        assert self.recipe.target is not None
        at = piece.offsets
        target = piece.values[self.recipe.target].reshape(-1)
        offsets = np.add.outer(at.window, np.arange(at.length)).ravel()
        found: NDArray[np.float32] = target[origins[:, None] + offsets]
        return found
