"""The notebook as it was for a run, built again from what the run has stored."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from .stored import FileCell, StoredNotebook

_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_KINDS = frozenset(["code", "markdown", "raw"])


def rebuild(stored: StoredNotebook, run_id: str) -> dict[str, Any]:
    """Return a notebook (nbformat 4.5) with the cells that were executed for a run.

    Where the notebook file was stored, its cells come in its order, each code cell with the source
    that was executed last; executed cells that the file does not hold follow in the order of their
    execution. Else all come in that order. Outputs are not stored.

    Parameters
    ----------
    stored : StoredNotebook
        See :func:`jupyter_mlkit.tracking.provenance.stored.unpack`.
    run_id : str
        The run, named in the first cell.
    """
    cells = [_text("mlkit-origin", _origin(stored, run_id))]
    cells += _cells_of_file(stored) if stored.file else _cells_in_order(stored)
    _make_ids_unique(cells)
    kernel = stored.kernel or "python3"
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"name": kernel, "display_name": kernel, "language": stored.language},
            "language_info": {"name": stored.language},
            "mlkit": {"run_id": run_id},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def file_name(stored: StoredNotebook, run_id: str) -> str:
    """Return a name for the file: that of the notebook with the start of the run's id."""
    stem = PurePath(stored.notebook).stem if stored.notebook else "notebook"
    plain = re.sub(r"[^\w.-]+", "-", stem).strip(".-") or "notebook"
    return f"{plain[:100]}-{run_id[:8]}.ipynb"


def _origin(stored: StoredNotebook, run_id: str) -> str:
    name = f"`{stored.notebook.replace('`', '')}`" if stored.notebook else "The notebook"
    count = len(stored.cells)
    lines = [
        f"{name} as it was for run `{run_id}`: {count} executed cells, `{stored.digest[:12]}`.",
        "Outputs are not stored, and secrets are replaced by `[secret]`.",
    ]
    if stored.started_in is not None:
        ended = "" if stored.ended_in is None else f" and ended in [{stored.ended_in}]"
        lines.append(f"The run was started in cell [{stored.started_in}]{ended}.")
    return "  \n".join(lines)


def _cells_in_order(stored: StoredNotebook) -> list[dict[str, Any]]:
    return [_code(one.id, one.source, [one.execution_count]) for one in stored.cells]


def _cells_of_file(stored: StoredNotebook) -> list[dict[str, Any]]:
    assert stored.file is not None
    left = list(stored.cells)
    found = []
    for held in stored.file:
        if held.cell_type != "code":
            found.append(_text(held.id, held.source, held.cell_type))
            continue
        executed = [one for one in left if _is_of(one.id, one.source, held)]
        left = [one for one in left if not _is_of(one.id, one.source, held)]
        source = executed[-1].source if executed else held.source
        found.append(_code(held.id, source, [one.execution_count for one in executed]))
    if left:
        found.append(_text(None, "Executed too, but not in the saved notebook:"))
        found += [_code(one.id, one.source, [one.execution_count]) for one in left]
    return found


def _is_of(cell_id: str | None, source: str, held: FileCell) -> bool:
    if cell_id is not None and held.id is not None:
        return cell_id == held.id
    # IPython takes the last line breaks off.
    return source.rstrip("\n") == held.source.rstrip("\n")


def _code(cell_id: str | None, source: str, executed: list[int]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": cell_id or "",
        "execution_count": executed[-1] if executed else None,
        "metadata": {"mlkit": {"executed": executed}},
        "outputs": [],
        "source": source,
    }


def _text(cell_id: str | None, source: str, kind: str = "markdown") -> dict[str, Any]:
    kind = kind if kind in _KINDS - {"code"} else "raw"
    return {"cell_type": kind, "id": cell_id or "", "metadata": {}, "source": source}


def _make_ids_unique(cells: list[dict[str, Any]]) -> None:
    """Give each cell an id of its own; one that was executed twice comes twice without a file."""
    used: set[str] = set()
    for number, cell in enumerate(cells):
        if not _ID.fullmatch(cell["id"]) or cell["id"] in used:
            cell["id"] = f"mlkit-{number}"
        used.add(cell["id"])
