"""Previews: bounded, told by bytes, and never more than data."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from stores import Place

from jupyter_mlkit.errors import InvalidInputError, NotFoundError
from jupyter_mlkit.models import ArtifactPreview
from jupyter_mlkit.tracking.backend import TrackingBackend
from jupyter_mlkit.tracking.previews import PARSED_BYTES, TEXT_BYTES, preview


def shown(name: str, content: bytes) -> ArtifactPreview:
    return preview(io.BytesIO(content), len(content), name)


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n\x00", "image/png"),
        ("a.txt", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a", b"GIF89a", "image/gif"),
        ("a", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_pictures_are_told_by_their_bytes(name: str, content: bytes, media_type: str) -> None:
    found = shown(name, content)
    assert (found.kind, found.media_type) == ("image", media_type)


@pytest.mark.parametrize("name", ["a.svg", "a.html", "a.png", "a.xml", "MLmodel", "a.yaml", "a"])
def test_markup_and_yaml_are_text(name: str) -> None:
    text = "<svg onload=alert(1)> !!python/object/apply:os.system [x]"
    found = shown(name, text.encode())
    assert (found.kind, found.text, found.truncated) == ("text", text, False)


def test_texts_are_cut_and_need_not_be_utf8() -> None:
    found = shown("a.log", b"\xff" * (TEXT_BYTES + 1))
    assert found.truncated
    assert found.text == "\ufffd" * TEXT_BYTES
    assert shown("a.bin", b"a\x00b").kind == "none"
    assert shown("empty", b"").text == ""


def test_json_is_set_out() -> None:
    found = shown("a.json", b'{"b": [1, NaN], "a": "\xc3\xa4"}')
    assert found.kind == "json"
    assert found.text is not None
    assert found.text.splitlines()[0] == "{"
    assert "ä" in found.text
    assert shown("a.json", json.dumps(["x" * 100] * 2000).encode()).truncated


@pytest.mark.parametrize(
    "content", [b"{", b"[" * 200_000, b'"' + b"9" * 10, b"1" * 10_000, b"\xff\xfe", b""]
)
@pytest.mark.parametrize("name", ["a.json", "a.ipynb", "a.csv"])
def test_what_is_not_what_its_name_says_is_text(name: str, content: bytes) -> None:
    assert shown(name, content).kind in ("text", "json", "table")


def test_large_json_is_not_parsed() -> None:
    found = shown("a.json", b"[" + b"1," * (PARSED_BYTES // 2) + b"1]")
    assert (found.kind, found.truncated) == ("text", True)


def test_tables_keep_their_cells_as_they_are() -> None:
    found = shown("a.csv", b'x,"y\nz"\n=HYPERLINK("http://e"),"a,b"\n1\n')
    assert found.table is not None
    assert found.table.columns == ["x", "y\nz"]
    assert found.table.rows == [['=HYPERLINK("http://e")', "a,b"], ["1"]]
    assert not found.truncated
    assert shown("a.tsv", b"a\tb\n1\t2").table == type(found.table)(["a", "b"], [["1", "2"]])
    wide = shown("a.csv", b"\n".join([b",".join([b"v"] * 80)] * 400))
    assert wide.table is not None
    assert (len(wide.table.rows), len(wide.table.columns)) == (100, 50)
    assert wide.truncated
    long = shown("a.csv", b"v" * 300)
    assert long.table is not None
    assert long.table.columns == ["v" * 200]


def test_of_a_notebook_only_text_is_shown() -> None:
    cells: list[Any] = [
        {"cell_type": "markdown", "source": ["# A\n", "<script>x</script>"]},
        {
            "cell_type": "code",
            "source": "1",
            "outputs": [
                {"output_type": "stream", "text": ["o", "k"]},
                {"output_type": "display_data", "data": {"text/html": "<b>", "text/plain": "b"}},
                {"output_type": "display_data", "data": {"text/html": "<script>"}},
                {"output_type": "error", "traceback": ["\x1b[31mboom\x1b[0m"]},
                7,
            ],
        },
        {"cell_type": "<img>", "source": {"a": 1}},
        "not a cell",
    ]
    found = shown("a.ipynb", json.dumps({"cells": cells}).encode())
    assert found.cells is not None
    assert [(cell.kind, cell.source, cell.outputs) for cell in found.cells] == [
        ("markdown", "# A\n<script>x</script>", []),
        ("code", "1", ["ok", "b", "boom"]),
        ("raw", "", []),
    ]
    assert shown("a.ipynb", b'{"cells": 3}').kind == "text"


def test_cubes_are_known(place: Place) -> None:
    assert shown("a.nc", b"\x89HDF\r\n\x1a\n...").kind == "cube"
    run_id = place.client.create_run(place.experiment()).info.run_id
    place.client.log_text(run_id, "{}", "cube.zarr/zarr.json")
    place.client.log_text(run_id, "{}", "folder/a.json")
    if place.kind == "file":
        assert place.backend.preview_artifact(run_id, "cube.zarr").kind == "cube"
        found = place.backend.artifact_place(run_id, "cube.zarr")
        assert found.root.joinpath(*found.parts).is_dir()
    for path in ("folder", "nothing", "cube.zarr/nothing"):
        with pytest.raises(NotFoundError):
            place.backend.preview_artifact(run_id, path)
    with pytest.raises(InvalidInputError):
        place.backend.preview_artifact(run_id, "../x")
    assert place.backend.preview_artifact(run_id, "folder/a.json").kind == "json"


def test_a_cube_below_the_lab_is_known_by_marks_that_are_not_shown(
    file_store: Place, tmp_path: Path
) -> None:
    location = str(tmp_path / "project" / "mlruns")
    experiment = file_store.client.create_experiment("lab", artifact_location=location)
    run_id = file_store.client.create_run(experiment).info.run_id
    file_store.client.log_text(run_id, "{}", "cube.zarr/.zgroup")
    with_lab = TrackingBackend(file_store.uri, file_store.artifact_root, [tmp_path / "project"])
    assert with_lab.artifacts(run_id, "cube.zarr").items == []
    assert with_lab.preview_artifact(run_id, "cube.zarr").kind == "cube"
    with pytest.raises(NotFoundError):
        with_lab.preview_artifact(run_id, "cube.zarr/.zgroup")


def test_large_files_of_a_server_are_not_fetched(server_store: Place) -> None:
    run_id = server_store.client.create_run(server_store.experiment()).info.run_id
    server_store.client.log_text(run_id, "x" * (PARSED_BYTES + 1), "large.txt")
    found = server_store.backend.preview_artifact(run_id, "large.txt")
    assert (found.kind, found.truncated, found.size) == ("none", True, PARSED_BYTES + 1)
