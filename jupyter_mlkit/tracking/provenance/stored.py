"""What is kept of a notebook with each run: ``mlkit/notebook.json.gz``."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Container
from pathlib import Path

import msgspec

from ...errors import InvalidInputError, TooLargeError
from .cells import Cell, make_cell
from .secrets import known_secrets

FORMAT = 1
#: Unpacked; a larger file is none of ours.
MOST_BYTES = 64_000_000
#: A notebook file beyond this holds outputs that take long to read past.
_MOST_FILE_BYTES = 20_000_000


class FileCell(msgspec.Struct, frozen=True, kw_only=True):
    """A cell of the notebook file, without outputs and secrets."""

    cell_type: str
    source: str
    id: str | None = None


class StoredNotebook(msgspec.Struct, frozen=True, kw_only=True):
    """The executed cells, and the notebook file as it was saved last.

    Parameters
    ----------
    format : int
        Version of this format.
    cells : list of Cell
        In the order of their execution.
    notebook : str, optional
        Path of the notebook file.
    language, kernel : str
        Of the kernel; the latter is the name of its kernelspec.
    started_in, ended_in : int, optional
        Counts of the cells in which the run was started and ended.
    file : list of FileCell, optional
        What the notebook file held: its texts, and cells that were not executed.
    """

    cells: list[Cell]
    format: int = FORMAT
    notebook: str | None = None
    language: str = "python"
    kernel: str | None = None
    started_in: int | None = None
    ended_in: int | None = None
    file: list[FileCell] | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the executed cells in their order."""
        text = "\n".join(one.sha256 for one in self.cells)
        return hashlib.sha256(text.encode()).hexdigest()


def pack(notebook: StoredNotebook) -> bytes:
    """Return what is stored; equal notebooks give equal bytes."""
    return gzip.compress(msgspec.json.encode(notebook), compresslevel=1, mtime=0)


def unpack(packed: bytes) -> StoredNotebook:
    """Return what was stored.

    Raises
    ------
    TooLargeError
        It unpacks to more than `MOST_BYTES`.
    InvalidInputError
        ``not_a_notebook``: it was not written by :func:`pack`, or by a newer version.
    """
    try:
        opened = zlib.decompressobj(wbits=31)
        text = opened.decompress(packed, MOST_BYTES)
        if opened.unconsumed_tail:
            raise TooLargeError(
                f"The notebook of this run unpacks to more than {MOST_BYTES} bytes."
            )
        found = msgspec.json.decode(text, type=StoredNotebook)
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _unreadable(str(error)) from error
    if found.format != FORMAT:
        raise _unreadable(f"its format is {found.format}, this version reads {FORMAT}")
    return found


def file_stamp(path: Path) -> tuple[int, int] | None:
    """Return what is another where a file was written since; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def read_file(path: Path, clean: Container[str] = ()) -> list[FileCell] | None:
    """Return the cells of a notebook file without outputs and secrets; None where none is there.

    Parameters
    ----------
    path : Path
    clean : container of str
        Sources that hold no secrets: they need not be looked through.
    """
    try:
        if path.stat().st_size > _MOST_FILE_BYTES:
            return None
        held = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError):
        return None  # not saved yet, or no notebook: the executed cells tell enough
    known = known_secrets()
    found = []
    for one in held.cells:
        source = one.source if isinstance(one.source, str) else "".join(one.source)
        if source not in clean:
            source = make_cell(0, source, known).source
        found.append(FileCell(cell_type=one.cell_type, source=source, id=one.id))
    return found


class _FileCell(msgspec.Struct):
    cell_type: str
    source: str | list[str] = ""
    id: str | None = None


class _File(msgspec.Struct):
    cells: list[_FileCell]


def _unreadable(why: str) -> InvalidInputError:
    return InvalidInputError(
        f"The notebook that this run has stored cannot be read: {why}.",
        hint="A newer version of jupyter_mlkit may have written it.",
        code="not_a_notebook",
    )
