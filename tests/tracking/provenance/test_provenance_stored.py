"""What is stored of a notebook, and what is built from it again."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import nbformat
import pytest

from jupyter_mlkit.cli import main
from jupyter_mlkit.errors import InvalidInputError, TooLargeError
from jupyter_mlkit.tracking.provenance import stored as stored_module
from jupyter_mlkit.tracking.provenance.cells import CELL_CHARACTERS, make_cell
from jupyter_mlkit.tracking.provenance.notebook import file_name, rebuild
from jupyter_mlkit.tracking.provenance.stored import (
    FORMAT,
    FileCell,
    StoredNotebook,
    pack,
    read_file,
    unpack,
)

_RUN = "0123456789abcdef0123456789abcdef"
_CELLS = [
    make_cell(1, "x = 1", [], "a"),
    make_cell(2, "x = 2", [], "a"),
    make_cell(4, "<script>alert(1)</script>", [], "not an id"),
]


def _stored(**changes: object) -> StoredNotebook:
    return StoredNotebook(format=FORMAT, cells=_CELLS, **changes)  # type: ignore[arg-type]


def _rebuilt(stored: StoredNotebook) -> list[nbformat.NotebookNode]:
    found = nbformat.from_dict(rebuild(stored, _RUN))
    nbformat.validate(found)
    return list(found.cells)


def test_round_trip() -> None:
    whole = _stored(notebook="a.ipynb", kernel="py", started_in=2, ended_in=4,
                    file=[FileCell(cell_type="raw", source="x")])  # fmt: skip
    assert unpack(pack(whole)) == whole
    assert pack(whole) == pack(whole)


def test_without_a_file_cells_come_as_they_were_executed() -> None:
    cells = _rebuilt(_stored())
    assert [one.source for one in cells[1:]] == [one.source for one in _CELLS]
    assert [one.execution_count for one in cells[1:]] == [1, 2, 4]
    assert len({one.id for one in cells}) == 4


def test_with_a_file_they_take_their_places() -> None:
    file = [
        FileCell(cell_type="markdown", source="# Ice", id="m"),
        FileCell(cell_type="code", source="as saved", id="a"),
        FileCell(cell_type="code", source="not executed", id="b"),
        FileCell(cell_type="odd", source="?"),
    ]
    cells = _rebuilt(_stored(file=file))
    told = [(one.cell_type, one.source) for one in cells[1:]]
    assert told == [
        ("markdown", "# Ice"),
        ("code", "x = 2"),
        ("code", "not executed"),
        ("raw", "?"),
        ("markdown", "Executed too, but not in the saved notebook:"),
        ("code", "<script>alert(1)</script>"),
    ]
    assert cells[2].metadata.mlkit.executed == [1, 2]
    assert cells[3].execution_count is None


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/home/anna/sea ice.ipynb", "sea-ice"),
        ("../../..ipynb", "notebook"),
        ("a/../..%2f\n.ipynb", "2f"),
        (None, "notebook"),
        ("x" * 300 + ".ipynb", "x" * 100),
    ],
)
def test_names_of_files_are_plain(path: str | None, name: str) -> None:
    assert file_name(_stored(notebook=path), _RUN) == f"{name}-01234567.ipynb"


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"no gzip",
        gzip.compress(b""),
        gzip.compress(b"{}"),
        gzip.compress(b'{"format": 2, "cells": []}'),
        gzip.compress(b'{"format": 1, "cells": [{"source": 5}]}'),
        gzip.compress(b"\xff\xfe"),
        pack(_stored())[:-20],
    ],
)
def test_what_is_none_of_ours_is_refused(packed: bytes) -> None:
    with pytest.raises(InvalidInputError, match="cannot be read"):
        unpack(packed)


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_module, "MOST_BYTES", 1_000_000)
    with pytest.raises(TooLargeError):
        unpack(gzip.compress(b" " * 5_000_000))


def test_long_sources_are_cut_and_say_so() -> None:
    cell = make_cell(1, "x" * (CELL_CHARACTERS + 5), [])
    assert cell.source.endswith(f"\n# cut here: {CELL_CHARACTERS + 5} characters")


def test_half_characters_can_be_stored() -> None:
    cell = make_cell(1, "x = '\ud800 ä 🧊'", [])
    assert unpack(pack(StoredNotebook(format=FORMAT, cells=[cell]))).cells == [cell]
    assert cell.source == "x = '? ä 🧊'"


def test_a_notebook_file_is_read_without_outputs(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    assert read_file(path) is None
    path.write_text("{")
    assert read_file(path) is None
    cells = [
        {"cell_type": "code", "id": "a", "source": ["x = 1\n", "token = 'canary'"],
         "outputs": ["canary"], "execution_count": 1, "metadata": {"canary": 1}},
        {"cell_type": "markdown", "source": "About"},
    ]  # fmt: skip
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}))
    assert read_file(path) == [
        FileCell(cell_type="code", source="x = 1\ntoken = '[secret]'", id="a"),
        FileCell(cell_type="markdown", source="About", id=None),
    ]


def test_a_run_without_a_notebook_is_told(
    file_store: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from stores import Place

    assert isinstance(file_store, Place)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", file_store.uri)
    run = file_store.client.create_run(file_store.experiment()).info.run_id
    assert main(["notebook", run]) == 1
    assert "has no stored notebook" in capsys.readouterr().err
    assert main(["notebook", "f" * 32]) == 1
    assert "f" * 32 in capsys.readouterr().err
