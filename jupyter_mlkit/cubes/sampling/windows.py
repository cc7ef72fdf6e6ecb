"""Which windows of a workspace are samples of which role."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from .balance import Balance
from .recipe import Recipe
from .workspace import Workspace

_TRAIN = 0
#: Places of samples in a workspace, and their numbers in the cube.
Chosen = tuple[NDArray[np.int32], NDArray[np.int64]]


class WindowChooser:
    """Chooses windows by what is in them.

    Parameters
    ----------
    recipe : Recipe
    sizes : tuple of int
        Cells of the cube.
    kernels : module
    balance : Balance, optional
    """

    def __init__(
        self, recipe: Recipe, sizes: tuple[int, ...], kernels: ModuleType, balance: Balance | None
    ) -> None:
        self.recipe = recipe
        self.sizes = sizes
        self.kernels = kernels
        self.balance = balance

    def choose(self, piece: Workspace, codes: NDArray[np.int8]) -> list[Chosen]:
        """Return the windows of each wanted role; `codes` are the roles of cells that count."""
        recipe, kernels, at = self.recipe, self.kernels, piece.offsets
        found_origins, cells = piece.lattice(self.sizes)
        origins = found_origins.astype(np.int32)
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
                keep &= self.pure(piece, origins, role, at.footprint)
            if role == _TRAIN:
                if recipe.drop_nan in ("auto", "masked"):
                    keep &= gaps == 0
                if recipe.min_valid:
                    keep &= counted[:, role] >= recipe.min_valid * recipe.window_cells
                if self.balance is not None:
                    rows = np.flatnonzero(keep)
                    drawn = self.balance.keeps(self.classes(piece, origins[rows]), cells[rows])
                    keep[rows[~drawn]] = False
            found.append((origins[keep], cells[keep]))
        return found

    def _judged(self, piece: Workspace) -> NDArray[np.float32]:
        """Return the workspace as missing values are counted in it."""
        recipe = self.recipe
        if recipe.drop_nan != "masked" or recipe.mask is None:
            return piece.flat
        outside = ~(piece.values[recipe.mask] > 0)
        values = piece.values.copy()
        values[: recipe.n_inputs, outside] = 0
        return values.ravel()

    def pure(
        self, piece: Workspace, origins: NDArray[np.int32], role: int, runs: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return whether all cells that a sample touches inside the cube have its role."""
        held = np.empty((origins.size, 4), np.int32)
        self.kernels.tally(piece.roles.ravel(), origins, runs, piece.offsets.length, held)
        others = [code for code in range(4) if code != role]
        pure: NDArray[np.bool_] = np.equal(held[:, others].sum(axis=1), 0)
        return pure

    def classes(self, piece: Workspace, origins: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the target values of samples, of whatever role."""
        assert self.recipe.target is not None
        at = piece.offsets
        target = piece.values[self.recipe.target].reshape(-1)
        offsets = np.add.outer(at.window, np.arange(at.length)).ravel()
        found: NDArray[np.float32] = target[origins[:, None] + offsets]
        return found
