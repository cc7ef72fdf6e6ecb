"""Whether two runs were scored on the same truth in the same cells; imports no NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ...models import Evaluation

#: What two evaluations can differ in, in the order in which it is told.
_PARTS: tuple[tuple[str, Callable[[Evaluation], str]], ...] = (
    ("target", lambda e: e.target),
    ("units", lambda e: e.units),
    ("role", lambda e: e.role),
    ("lead time", lambda e: e.lead_time or ""),
    ("weights", lambda e: e.weights),
    ("aggregation", lambda e: e.aggregation),
)


@dataclass(frozen=True)
class Verdict:
    """Whether scores may be compared.

    Attributes
    ----------
    kind : {"comparable", "not_comparable", "unknown"}
    differs : tuple of str
        Of target, units, role, lead time, weights, aggregation, cells, truth.
    common_cells : bool
        Whether both can be scored on the cells that they have in common (see
        :func:`.common.common_cells`): they differ in the cells alone.
    """

    kind: Literal["comparable", "not_comparable", "unknown"]
    differs: tuple[str, ...] = ()
    common_cells: bool = False


def compare_evaluations(a: Evaluation | None, b: Evaluation | None) -> Verdict:
    """Return whether two runs are comparable: if and only if their evaluation hashes are equal.

    Features, scaling, model and other variables of the store are differences, never a bar.

    Parameters
    ----------
    a, b : Evaluation or None
        None for a run that was not made by us.
    """
    if a is None or b is None:
        return Verdict("unknown")
    if a.hash == b.hash:
        return Verdict("comparable")
    differs = [name for name, value in _PARTS if value(a) != value(b)]
    offer = not differs and a.cells_digest != b.cells_digest
    if a.cells_digest != b.cells_digest:
        differs.append("cells")
    elif a.truth_digest != b.truth_digest:
        # Of other cells the truth differs anyway; here it is the values that changed.
        differs.append("truth")
    # Nothing that is shown differs: the bounds from which the weights come do.
    return Verdict("not_comparable", tuple(differs or ["weights"]), offer)
