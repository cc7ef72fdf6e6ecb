"""The notebook of a run, found where it is stored: with the run, or with one it is a part of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import NotFoundError
from .notebook import file_name, rebuild
from .stored import unpack

#: Of anybody's runs, which may name each other.
_MOST_RUNS = 20


@dataclass(frozen=True)
class Restored:
    """A notebook as it was for a run.

    Attributes
    ----------
    name : str
        For a new file.
    content : dict
        As nbformat 4.5 has it.
    executed : int
        How many executed cells were stored.
    """

    name: str
    content: dict[str, Any]
    executed: int


def restore_all(
    run_id: str,
    packed: Callable[[str], bytes | None],
    parent: Callable[[str], str | None],
    resumed: Sequence[bytes],
) -> list[Restored]:
    """Return the notebook of a run, and those from which it was resumed, in their order.

    Parameters
    ----------
    run_id, packed, parent
        See :func:`restore`.
    resumed : sequence of bytes
        What the processes that have resumed the run have stored.

    Raises
    ------
    NotFoundError, InvalidInputError, TooLargeError
        See :func:`restore`.
    """
    later = []
    for number, one in enumerate(resumed, 2):
        stored = unpack(one)
        name = file_name(stored, run_id).removesuffix(".ipynb")
        later.append(Restored(f"{name}-{number}.ipynb", rebuild(stored, run_id), len(stored.cells)))
    try:
        return [restore(run_id, packed, parent), *later]
    except NotFoundError:
        if later:  # it was begun by a script
            return later
        raise


def restore(
    run_id: str,
    packed: Callable[[str], bytes | None],
    parent: Callable[[str], str | None],
) -> Restored:
    """Return the notebook of a run.

    A child comes from the same cells as its parent, which alone keeps them.

    Parameters
    ----------
    run_id : str
        The run.
    packed : callable
        Returns what a run has stored as ``tags.ARTIFACT_NOTEBOOK``; None where there is none.
    parent : callable
        Returns the id of the run that a run is a part of; None where there is none.

    Raises
    ------
    NotFoundError
        ``notebook_not_found``: nothing is stored.
    InvalidInputError, TooLargeError
        See :func:`.stored.unpack`.
    """
    looked: list[str] = []
    owner: str | None = run_id
    while owner is not None and owner not in looked and len(looked) < _MOST_RUNS:
        found = packed(owner)
        if found is not None:
            stored = unpack(found)
            return Restored(file_name(stored, run_id), rebuild(stored, run_id), len(stored.cells))
        looked.append(owner)
        owner = parent(owner)
    raise NotFoundError(
        f"Run {run_id} has no stored notebook.",
        hint="Runs that were started in a notebook with the kit installed have one.",
        code="notebook_not_found",
    )
