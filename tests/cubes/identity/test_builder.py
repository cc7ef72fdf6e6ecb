"""What another pass reads anyway gives the same fingerprint, with no second read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_mlkit.cubes.identity.builder import FingerprintBuilder
from jupyter_mlkit.cubes.identity.chunks import chunks_of
from jupyter_mlkit.cubes.identity.fingerprint import Fingerprint, fingerprint
from jupyter_mlkit.cubes.identity.prepared import fingerprint_prepared
from jupyter_mlkit.cubes.reading.slabs import SlabReader
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.errors import CubeError

from ..made import small_cube

NAMES = ["a", "b", "height"]


@pytest.fixture(params=[2, 3])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    coding: dict[str, Any] = {name: {"chunks": (2, 10, 10)} for name in "ab"}
    path = tmp_path / "c.zarr"
    small_cube().to_zarr(path, zarr_format=request.param, consolidated=False, encoding=coding)
    return path


@pytest.mark.parametrize("dims", [("time", "lat", "lon"), ("lon", "time", "lat")])
def test_values_that_pass_by(path: Path, dims: tuple[str, ...]) -> None:
    ds = open_cube(str(path))
    reader = SlabReader(ds, NAMES, dims, budget=5000)
    assert len(reader) == 3
    order = np.random.default_rng(0).permutation(len(reader))
    builder = FingerprintBuilder(ds, NAMES)
    for _ in reader.map(builder.add_values, order=order):
        pass
    assert builder.finish() == fingerprint(ds.load(), NAMES)


def test_values_of_a_selection(path: Path) -> None:
    chosen = {"time": slice(2, 6), "lon": np.array([0, 1, 39])}
    ds = open_cube(str(path))
    builder = FingerprintBuilder(ds, NAMES, chosen)
    reader = SlabReader(ds.isel(chosen), NAMES, ["time", "lat", "lon"])
    for _ in reader.map(builder.add_values):
        pass
    assert builder.finish() == fingerprint(ds.load(), NAMES, chosen)


def test_chunks_that_pass_by(path: Path) -> None:
    chosen = {"lat": slice(0, 15)}
    gone = next(file for file in (path / "b").rglob("*0") if file.is_file())
    gone.unlink()
    ds = open_cube(str(path))
    builder = FingerprintBuilder(ds, NAMES, chosen)
    for name in NAMES:
        chunks = chunks_of(ds, name, chosen)
        assert chunks is not None
        for index, key in reversed(list(zip(chunks.indices(), chunks.names(), strict=True))):
            file = path / name / key
            builder.add_chunk(name, index, file.read_bytes() if file.exists() else None)
    found = builder.finish()
    assert found.kind == "stored"
    assert found == fingerprint(ds, NAMES, chosen)


@pytest.mark.parametrize("names", [["a"], ["a", "a"]])
def test_what_was_left_out_or_came_twice_is_said(path: Path, names: list[str]) -> None:
    ds = open_cube(str(path))
    reader = SlabReader(ds, ["a"], ["time", "lat", "lon"], budget=5000)
    builder = FingerprintBuilder(ds, ["a"])
    boxes = [0] if len(names) == 1 else [*range(len(reader)), 0]
    for _ in reader.map(builder.add_values, order=boxes):
        pass
    with pytest.raises(CubeError) as caught:
        builder.finish()
    assert caught.value.code == "incomplete"


def test_prepared_data_are_their_sources_and_their_code(path: Path) -> None:
    source = fingerprint(str(path))
    found = fingerprint_prepared([source, source], "c0de")
    assert found.kind == "stored"
    assert fingerprint_prepared([source, source], "c0de") == found
    assert fingerprint_prepared([source], "c0de") != found
    assert fingerprint_prepared([source, source], "c0df") != found


def test_without_code_the_values_count_and_else_it_is_unknown(path: Path) -> None:
    source, value = fingerprint(str(path)), fingerprint(small_cube())
    assert fingerprint_prepared([source], None, value) == value
    unknown = fingerprint_prepared([source], None)
    assert (str(unknown), unknown.kind) == ("unknown", "unknown")
    assert unknown.reason is not None
    assert "unknown" in unknown.reason
    assert fingerprint_prepared([unknown], "c0de").kind == "unknown"


def test_the_weakest_source_gives_the_kind(path: Path) -> None:
    weak = fingerprint(str(path), max_bytes=0)
    assert weak.kind == "metadata"
    found = fingerprint_prepared([fingerprint(small_cube()), weak], "c0de")
    assert (found.kind, found.reason) == ("metadata", weak.reason)
    assert isinstance(found, Fingerprint)
