"""How many valid cells and blocks each role has, and whether they are enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import CubeError
from ...models import ErrorBody, Role, RoleCount
from ...spec import TrainingSpec
from ..splits.roles import BUFFER, ROLES

#: A role with fewer blocks than this cannot be scored; with fewer than FEW, not reliably.
TOO_FEW_BLOCKS = 5
FEW_BLOCKS = 20
_CODES = (*range(len(ROLES)), BUFFER)
_NAMES: tuple[Role | Literal["buffer"], ...] = (*ROLES, "buffer")


@dataclass(frozen=True)
class PieceTally:
    """Counts of one piece of a cube.

    Attributes
    ----------
    cells : ndarray of int64, shape (4,)
        Valid cells by role code; the last is what a buffer takes.
    blocks : tuple of ndarray of int64
        Ids of the blocks with valid cells, by role code.
    target_seen : bool
        Whether the target has any value.
    """

    cells: NDArray[np.int64]
    blocks: tuple[NDArray[np.int64], ...]
    target_seen: bool

    @staticmethod
    def of(
        roles: NDArray[np.integer[Any]], ids: NDArray[np.int64], *, target_seen: bool
    ) -> PieceTally:
        """Count valid cells, given their roles and blocks."""
        return PieceTally(
            np.bincount(roles, minlength=len(_CODES)).astype(np.int64),
            tuple(np.unique(ids[roles == code]) for code in _CODES),
            target_seen,
        )


class Tally:
    """Counts of a cube, piece by piece."""

    def __init__(self) -> None:
        self._cells = np.zeros(len(_CODES), np.int64)
        self._blocks: list[set[int]] = [set() for _ in _CODES]
        self._target_seen = False

    def add(self, piece: PieceTally) -> None:
        """Merge a piece."""
        self._cells += piece.cells
        for seen, ids in zip(self._blocks, piece.blocks, strict=True):
            seen.update(ids.tolist())
        self._target_seen = self._target_seen or piece.target_seen

    def counts(self) -> list[RoleCount]:
        """Return cells and blocks of each role, and of what a buffer takes where it takes any."""
        found = [
            RoleCount(role=role, cells=int(n), blocks=len(seen))
            for role, n, seen in zip(_NAMES, self._cells, self._blocks, strict=True)
        ]
        return found if found[-1].cells else found[:-1]

    def judge(self, spec: TrainingSpec) -> list[ErrorBody]:
        """Return what a person should know before trusting the scores.

        Raises
        ------
        CubeError
            ``all_missing``, ``empty_split``.
        """
        counts = [count for count in self.counts() if count.role != "buffer"]
        if not self._cells.any():
            raise self._nothing_valid(spec)
        warnings = []
        for count in counts:
            if count.blocks < TOO_FEW_BLOCKS:
                raise CubeError(
                    f"Only {count.blocks} block(s) with valid '{spec.target}' fall to "
                    f"{count.role}; at least {TOO_FEW_BLOCKS} are needed.",
                    hint="Make blocks or buffer smaller, the share or the areas of this role "
                    "larger, or region and period wider; move the dates of a split by time.",
                    code="empty_split",
                    field="split",
                )
            if count.blocks < FEW_BLOCKS:
                warnings.append(
                    ErrorBody(
                        message=f"Only {count.blocks} blocks fall to {count.role}: its scores "
                        "are uncertain, and no interval is given.",
                        code="few_blocks",
                        hint=f"{FEW_BLOCKS} or more are advised: smaller blocks, or larger areas.",
                        field="split",
                    )
                )
        return warnings

    def _nothing_valid(self, spec: TrainingSpec) -> CubeError:
        if not self._target_seen:
            return CubeError(
                f"'{spec.target}' is missing in every cell of the selection.",
                hint="Choose another target, or widen region and period.",
                code="all_missing",
                field="target",
            )
        return CubeError(
            f"No cell has '{spec.target}' and all features"
            + (" inside the mask." if spec.mask else "."),
            hint="Take out the feature that is missing where the target is there.",
            code="all_missing",
            field="features",
        )
