"""Digests that runs carry stay what they are: those of version 0.1, written down here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlkit.cubes.identity.fingerprint import fingerprint
from jupyter_mlkit.cubes.sources.open import open_cube

from ..made import small_cube


def write(path: Path, zarr_format: Any, **coding: Any) -> str:
    ds = small_cube(gaps=0)
    ds.drop_encoding().to_zarr(path, zarr_format=zarr_format, consolidated=False, encoding=coding)
    return str(path)


def test_demo_cube(demo_path: Path) -> None:
    names = ["air_temperature_2m", "land_surface_temperature"]
    assert str(fingerprint(str(demo_path))) == "stored:ebb386ffe4cb5cd2cb17a0ac"
    part = fingerprint(str(demo_path), names, {"lat": slice(30, 60)})
    assert str(part) == "stored:341b003c178e8e5ab54e4d47"
    loaded = fingerprint(open_cube(str(demo_path)).load(), names)
    assert str(loaded) == "value:87247b27e218aa6ff292442d"
    assert loaded.variables == {
        "air_temperature_2m": "7f4b1c22f2593f4366ac78b4",
        "land_surface_temperature": "f7649d5f362612d31dc42c16",
    }


@pytest.mark.parametrize(
    ("zarr_format", "digest"),
    [(2, "766d2c5aebfa9f1e36629fd4"), (3, "af756a86480d10e0992a3614")],
)
def test_both_formats(tmp_path: Path, zarr_format: int, digest: str) -> None:
    chunks = {name: {"chunks": (2, 10, 10)} for name in "ab"}
    path = write(tmp_path / "c.zarr", zarr_format, **chunks)
    assert str(fingerprint(path)) == f"stored:{digest}"
    assert str(fingerprint(open_cube(path).load())) == "value:892973a515a8099df4308f80"


def test_sharded(tmp_path: Path) -> None:
    ds = small_cube()
    ds.to_zarr(
        tmp_path / "c.zarr", zarr_format=3, consolidated=False,
        encoding={"a": {"chunks": (2, 10, 10), "shards": (6, 30, 20)}},
    )  # fmt: skip
    found = fingerprint(str(tmp_path / "c.zarr"), ["a"])
    assert str(found) == "stored:348b376a2dfd9f98221acd88"
