"""The cells that were executed so far in this kernel, without their outputs.

They are read from IPython's own history, so cells that ran before anything of ours was imported
are there as well.
"""

from __future__ import annotations

import hashlib
import os
import threading
from typing import Any

import msgspec

from .kernel import shell
from .secrets import known_secrets, redact_code

#: A longer source holds data; it is cut, with a last line that says so.
CELL_CHARACTERS = 200_000


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A cell as it was executed.

    Parameters
    ----------
    execution_count : int
        Its place in the order of execution, from 1.
    source : str
        Without secrets.
    sha256 : str
        Of `source` as it stands here: a digest of the original would let short secrets be
        guessed.
    id : str, optional
        Which cell of the notebook file it was, where that is known.
    """

    execution_count: int
    source: str
    sha256: str
    id: str | None = None


class RawCell(msgspec.Struct, frozen=True, kw_only=True):
    """A cell that was not looked through for secrets yet.

    Parameters
    ----------
    source : bytes
        UTF-8 with halves of characters, which some front ends send.
    """

    execution_count: int
    source: bytes
    id: str | None = None


_lock = threading.Lock()
_seen: dict[int, tuple[str, Cell]] = {}
_ids: dict[int, str] = {}


def history() -> list[str]:
    """Return the sources that were executed until now, by their count; cheap."""
    ipython = shell()
    if ipython is None:
        return []
    sources = list(ipython.history_manager.input_hist_raw)
    _note_running_cell(ipython, len(sources) - 1)
    return sources


def executed_cells(sources: list[str]) -> list[Cell]:
    """Return the cells in the order of their execution, the one that runs now as the last.

    Each is looked through for secrets once, when it is first seen.

    Parameters
    ----------
    sources : list of str
        See :func:`history`.
    """
    with _lock:
        known: list[str] | None = None
        for count, source in enumerate(sources):
            if not source or (count in _seen and _seen[count][0] is source):
                continue
            known = known_secrets() if known is None else known
            _seen[count] = (source, make_cell(count, source, known, _ids.get(count)))
        # What %reset has emptied is kept: the run may rest on it.
        return [_seen[count][1] for count in sorted(_seen) if count < len(sources)]


def split_cells(sources: list[str]) -> tuple[list[Cell], list[RawCell], dict[int, str]]:
    """Return the cells that were looked through already, those that were not, and their sources.

    For another process to look through them: see :func:`clean_cells` and :func:`remember`.
    """
    with _lock:
        seen = dict(_seen)
        raw = {
            count: source
            for count, source in enumerate(sources)
            if source and not (count in seen and seen[count][0] is source)
        }
        cells = [seen[at][1] for at in sorted(seen) if at < len(sources) and at not in raw]
        return cells, [_raw(count, source) for count, source in raw.items()], raw


def clean_cells(raw: list[RawCell]) -> list[Cell]:
    """Return cells without their secrets."""
    known = known_secrets()
    return [
        make_cell(one.execution_count, one.source.decode(errors="surrogatepass"), known, one.id)
        for one in raw
    ]


def remember(sources: dict[int, str], cells: list[Cell]) -> None:
    """Note cells that another process has looked through."""
    with _lock:
        for cell in cells:
            at = cell.execution_count
            _seen.setdefault(at, (sources[at], cell))


def _raw(count: int, source: str) -> RawCell:
    data = source.encode(errors="surrogatepass")
    return RawCell(execution_count=count, source=data, id=_ids.get(count))


def running_cell() -> int | None:
    """Return the count of the cell that was begun last; None outside of a kernel."""
    ipython = shell()
    return None if ipython is None else len(ipython.history_manager.input_hist_raw) - 1


def make_cell(count: int, source: str, known: list[str], cell_id: str | None = None) -> Cell:
    """Return a cell without its secrets."""
    if len(source) > CELL_CHARACTERS:
        source = source[:CELL_CHARACTERS] + f"\n# cut here: {len(source)} characters"
    # Halves of characters, which some front ends send, have no place in a file.
    stored = redact_code(source, known).encode(errors="replace")
    digest, source = hashlib.sha256(stored).hexdigest(), stored.decode()
    return Cell(execution_count=count, source=source, sha256=digest, id=cell_id)


def note_cell_ids() -> None:
    """Note from now on which cell of the notebook each execution was.

    IPython's history does not keep that. Called when MLflow is imported, so it is unknown for
    the cells before.
    """
    ipython = shell()
    if ipython is not None and _note_id not in ipython.events.callbacks["pre_run_cell"]:
        ipython.events.register("pre_run_cell", _note_id)
        _note_running_cell(ipython, len(ipython.history_manager.input_hist_raw) - 1)


def _note_id(info: Any) -> None:
    ipython = shell()
    if ipython is not None and info.store_history and isinstance(info.cell_id, str):
        # The history has not taken it yet. Its counter is no guide: some versions of IPython
        # have moved on already, others not.
        _ids[len(ipython.history_manager.input_hist_raw)] = info.cell_id


def _note_running_cell(ipython: Any, count: int) -> None:
    # The cell that imports MLflow has begun before its id could be noted.
    parent = ipython.kernel.get_parent() or {}
    cell_id = (parent.get("metadata") or {}).get("cellId")
    if isinstance(cell_id, str) and (parent.get("content") or {}).get("store_history", True):
        _ids.setdefault(count, cell_id)


def _unlock() -> None:
    global _lock
    _lock = threading.Lock()


# Another thread may hold it when a worker is forked, and there is none in the worker to let go.
os.register_at_fork(after_in_child=_unlock)
