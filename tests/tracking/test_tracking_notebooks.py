"""The notebook of a run is built again from what the run, or its parent, has logged."""

from __future__ import annotations

import gzip
from pathlib import Path

import nbformat
import pytest
from msgspec.structs import replace
from stores import Place

from jupyter_mlkit.errors import InvalidInputError, MLKitError, NotFoundError, TooLargeError
from jupyter_mlkit.tracking.notebooks import MAX_NOTEBOOK
from jupyter_mlkit.tracking.provenance.cells import make_cell
from jupyter_mlkit.tracking.provenance.stored import FORMAT, StoredNotebook, pack
from jupyter_mlkit.tracking.tags import PARENT

_STORED = StoredNotebook(
    format=FORMAT,
    cells=[make_cell(1, "x = 1", [], "a"), make_cell(2, "<script>1</script>", [], "b")],
    notebook="../../sea ice.ipynb",
)


def _run(place: Place, folder: Path, packed: bytes | None = None, parent: str = "") -> str:
    tags = {PARENT: parent} if parent else {}
    run_id: str = place.client.create_run(place.experiment(), tags=tags).info.run_id
    if packed is not None:
        file = folder / "notebook.json.gz"
        file.write_bytes(packed)
        place.client.log_artifact(run_id, str(file), "mlkit")
    return run_id


def test_it_comes_back_as_a_notebook(place: Place, tmp_path: Path) -> None:
    run = _run(place, tmp_path, pack(_STORED))
    [answer] = place.backend.notebooks(run).items
    assert answer.name == f"sea-ice-{run[:8]}.ipynb"
    nbformat.validate(answer.content)
    sources = [cell["source"] for cell in answer.content["cells"]]
    assert sources[1:] == ["x = 1", "<script>1</script>"]


def test_a_child_has_that_of_its_parent(file_store: Place, tmp_path: Path) -> None:
    parent = _run(file_store, tmp_path, pack(_STORED))
    child = _run(file_store, tmp_path, parent=parent)
    [answer] = file_store.backend.notebooks(child).items
    assert answer.name == f"sea-ice-{child[:8]}.ipynb"
    assert child in answer.content["cells"][0]["source"]


@pytest.mark.parametrize("begun", [True, False], ids=["by a notebook", "by a script"])
def test_those_that_resumed_it_follow_in_their_order(
    place: Place, tmp_path: Path, begun: bool
) -> None:
    run = _run(place, tmp_path, pack(_STORED) if begun else None)
    for number in (2, 1):
        file = tmp_path / "notebook.json.gz"
        file.write_bytes(pack(replace(_STORED, cells=[make_cell(1, f"again = {number}", [], "c")])))
        place.client.log_artifact(run, str(file), f"mlkit/resumed/2026010{number}T000000-ab")
    (tmp_path / "source.json").write_text("{}")
    place.client.log_artifact(
        run, str(tmp_path / "source.json"), "mlkit/resumed/20260103T000000-ab"
    )
    found = place.backend.notebooks(run).items
    assert [one.content["cells"][1]["source"] for one in found] == [
        *(["x = 1"] if begun else []), "again = 1", "again = 2",
    ]  # fmt: skip
    assert len({one.name for one in found}) == len(found)


@pytest.mark.parametrize("parent", ["", "f" * 32, "../x", "itself"])
def test_a_run_without_one_says_so(file_store: Place, tmp_path: Path, parent: str) -> None:
    run = _run(file_store, tmp_path, parent=parent)
    if parent == "itself":
        file_store.client.set_tag(run, PARENT, run)
    with pytest.raises(NotFoundError) as raised:
        file_store.backend.notebooks(run)
    assert raised.value.code == "notebook_not_found"
    assert raised.value.hint


def test_runs_that_name_each_other_end(file_store: Place, tmp_path: Path) -> None:
    first = _run(file_store, tmp_path)
    second = _run(file_store, tmp_path, parent=first)
    file_store.client.set_tag(first, PARENT, second)
    with pytest.raises(NotFoundError) as raised:
        file_store.backend.notebooks(first)
    assert raised.value.code == "notebook_not_found"


def test_a_run_that_is_not_there(file_store: Place) -> None:
    with pytest.raises(NotFoundError) as raised:
        file_store.backend.notebooks("0" * 32)
    assert raised.value.code == "not_found"


@pytest.mark.parametrize(
    ("packed", "error"),
    [
        (b"", InvalidInputError),
        (gzip.compress(b"{}"), InvalidInputError),
        (gzip.compress(b" " * 70_000_000), TooLargeError),
        (b"x" * (MAX_NOTEBOOK + 1), TooLargeError),
    ],
)
def test_what_is_none_is_refused(
    file_store: Place, tmp_path: Path, packed: bytes, error: type[MLKitError]
) -> None:
    with pytest.raises(error):
        file_store.backend.notebooks(_run(file_store, tmp_path, packed))
