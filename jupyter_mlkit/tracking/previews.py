"""What can be shown of an artifact: a bounded beginning of it, as data that nobody runs.

Whoever may log can log anything under any name. So what a file is is told by its bytes, markup is
text, YAML is not parsed at all, and of a notebook only sources and plain text are shown.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Literal

from ..models import ArtifactPreview, NotebookCell, Table

#: Bytes of a text that are shown.
TEXT_BYTES = 64 * 1024
#: Bytes that are parsed: a notebook or JSON beyond that is shown as text.
PARSED_BYTES = 5 * 1024 * 1024
_TABLE_BYTES = 256 * 1024
_ROWS, _COLUMNS, _CELL = 100, 50, 200
_CELLS, _OUTPUTS, _OUTPUT = 200, 20, 4000
_IMAGES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_CUBES = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n")
#: Files of which one lies in every zarr folder.
ZARR_MARKS = frozenset({"zarr.json", ".zgroup", ".zarray", ".zmetadata"})
#: Colours and cursor movements of a terminal.
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def preview(file: BinaryIO, size: int, path: str) -> ArtifactPreview:
    """Return what can be shown of an open file.

    Parameters
    ----------
    file : binary file
        At its beginning; at most 5 MiB of it are read.
    size : int
        Its bytes.
    path : str
        Its name tells JSON from plain text, nothing more.
    """
    head = file.read(TEXT_BYTES)
    media_type = _image_type(head)
    if media_type is not None:
        return _made(path, "image", size, media_type=media_type)
    if head.startswith(_CUBES):
        return _made(path, "cube", size)
    if b"\x00" in head:
        return _made(path, "none", size)
    parse = _PARSERS.get(PurePosixPath(path).suffix.lower())
    if parse is not None:
        rest = file.read(max(0, min(size, PARSED_BYTES) - len(head)))
        try:
            found = parse(path, size, head + rest)
        except (ValueError, RecursionError, csv.Error):
            found = None  # what calls itself JSON need not be
        if found is not None:
            return found
    return _made(path, "text", size, text=_text(head), truncated=size > len(head))


def _image_type(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _IMAGES.items() if head.startswith(magic)), None)


def _json(path: str, size: int, content: bytes) -> ArtifactPreview | None:
    if size > PARSED_BYTES:
        return None
    pretty = json.dumps(json.loads(content), indent=2, ensure_ascii=False)
    return _made(path, "json", size, text=pretty[:TEXT_BYTES], truncated=len(pretty) > TEXT_BYTES)


def _table(path: str, size: int, content: bytes) -> ArtifactPreview | None:
    delimiter = "\t" if path.lower().endswith(".tsv") else ","
    text = content[:_TABLE_BYTES].decode("utf-8", errors="replace")
    cut = size > _TABLE_BYTES
    if cut:
        text = text.rpartition("\n")[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = [[cell[:_CELL] for cell in row[:_COLUMNS]] for row in islice(lines, _ROWS + 1)]
    if not rows:
        return None
    cut = cut or next(lines, None) is not None
    return _made(path, "table", size, table=Table(rows[0], rows[1:]), truncated=cut)


def _notebook(path: str, size: int, content: bytes) -> ArtifactPreview | None:
    if size > PARSED_BYTES:
        return None
    notebook = json.loads(content)
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        return None
    shown = [_cell(cell) for cell in cells[:_CELLS] if isinstance(cell, dict)]
    return _made(path, "notebook", size, cells=shown, truncated=len(cells) > _CELLS)


def _cell(cell: dict[str, Any]) -> NotebookCell:
    told = cell.get("cell_type")
    kind: Literal["code", "markdown", "raw"] = "raw"
    if told == "code" or told == "markdown":
        kind = told
    outputs = cell.get("outputs")
    texts = map(_output, outputs[:_OUTPUTS]) if isinstance(outputs, list) else ()
    return NotebookCell(kind, _joined(cell.get("source")), [text for text in texts if text])


def _output(output: Any) -> str:
    """Return the plain text of an output; HTML, pictures and scripts stay in the file."""
    if not isinstance(output, dict):
        return ""
    data = output.get("data")
    text = output.get("text") or (data.get("text/plain") if isinstance(data, dict) else None)
    if output.get("output_type") == "error":
        text = output.get("traceback") or f"{output.get('ename')}: {output.get('evalue')}"
        text = "\n".join(map(str, text)) if isinstance(text, list) else text
    return _ANSI.sub("", _joined(text))[:_OUTPUT]


def _joined(text: Any) -> str:
    """Return a text that notebooks store as one string or as a list of lines."""
    if isinstance(text, list):
        text = "".join(line for line in text if isinstance(line, str))
    return text[:TEXT_BYTES] if isinstance(text, str) else ""


def _text(head: bytes) -> str:
    return head.decode("utf-8", errors="replace")


def _made(
    path: str,
    kind: Literal["text", "json", "table", "notebook", "image", "cube", "none"],
    size: int | None,
    *,
    truncated: bool = False,
    **parts: Any,
) -> ArtifactPreview:
    return ArtifactPreview(path=path, kind=kind, size=size, truncated=truncated, **parts)


def preview_of_folder(path: str, names: set[str]) -> ArtifactPreview | None:
    """Return the preview of a folder that is a cube, None for any other folder."""
    return _made(path, "cube", None) if names & ZARR_MARKS else None


def preview_of_nothing(path: str, size: int) -> ArtifactPreview:
    """Return the preview of what is not looked at."""
    return _made(path, "none", size, truncated=True)


_PARSERS: dict[str, Callable[[str, int, bytes], ArtifactPreview | None]] = {
    ".csv": _table,
    ".tsv": _table,
    ".json": _json,
    ".geojson": _json,
    ".ipynb": _notebook,
}
