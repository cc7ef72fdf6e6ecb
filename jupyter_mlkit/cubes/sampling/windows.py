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
#: Places of samples in a workspace and their numbers in the cube, of the wanted roles one after
#: the other, and how many each role has.
Chosen = tuple[NDArray[np.int64], NDArray[np.int64], "Counts"]
#: Samples of each wanted role.
Counts = NDArray[np.int64]
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

    def choose(self, piece: Workspace, codes: Bits) -> Chosen:
        """Return the windows of the wanted roles; `codes` are the roles of cells that count."""
        recipe, at, take = self.recipe, piece.offsets, self._scratch.take
        rows, numbers, inner, step = self._lattice(piece)
        most = rows.size * inner
        beside = recipe.places(piece.shape, piece.roles.size).inputs
        footprint = at.footprint if recipe.strict else at.window
        looked_at = most if recipe.strict or recipe.straddle == "drop" else 0
        wanted = BITS[list(recipe.roles)]
        refused = np.full(wanted.size, _NONE)
        if recipe.drop_nan in ("auto", "masked"):
            refused[wanted == BITS[_TRAIN]] = _MISSING
        origins, cells = take("chosen", (2, wanted.size * most + 1), np.int64)
        sizes = np.empty(wanted.size, np.int64)
        self.kernels.choose(
            codes, self._judged(piece), piece.roles.reshape(-1), wanted, refused, rows, numbers,
            inner, step, at.window, beside, footprint, at.length,
            take("counted", (most,), np.uint8), take("inputs", (most,), np.uint8),
            take("touched", (looked_at,), np.uint8), origins, cells, sizes,
        )  # fmt: skip
        n = int(sizes.sum())
        origins, cells = origins[:n], cells[:n]
        if _TRAIN in recipe.roles and (recipe.min_valid or self.balance is not None):
            return self._trained_on(piece, codes, origins, cells, sizes)
        return origins, cells, sizes

    def _trained_on(
        self,
        piece: Workspace,
        codes: Bits,
        origins: NDArray[np.int64],
        cells: NDArray[np.int64],
        sizes: Counts,
    ) -> Chosen:
        """Return the windows without those of the train role that are not wanted."""
        recipe, at = self.recipe, piece.offsets
        role = recipe.roles.index(_TRAIN)
        begin = int(sizes[:role].sum())
        mine = slice(begin, begin + int(sizes[role]))
        keep = np.ones(origins.size, bool)
        if recipe.min_valid:
            valid = np.empty(sizes[role], np.int32)
            self.kernels.count(codes, BITS[_TRAIN], origins[mine], at.window, at.length, valid)
            keep[mine] &= valid >= recipe.min_valid * recipe.window_cells
        if self.balance is not None:
            keep[mine] &= self.balance.keeps(self.classes(piece, origins[mine]), cells[mine])
        sizes[role] = np.count_nonzero(keep[mine])
        return origins[keep], cells[keep], sizes

    def _lattice(self, piece: Workspace) -> _Lattice:
        last = piece.starts[-1]
        steps = np.diff(last)
        step = int(steps[0]) if steps.size else 1
        if (steps == step).all():
            return (*piece.lattice(self.sizes, skip=1), last.size, step)
        # Windows that are left out make the rest uneven: each is a row of its own.
        return (*piece.lattice(self.sizes), 1, 1)

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
