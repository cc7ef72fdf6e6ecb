"""Damaged stores: what cannot be read is named, what is read is what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.description.describe import describe
from jupyter_mlkit.cubes.identity.fingerprint import fingerprint
from jupyter_mlkit.cubes.prediction.predict import predict
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.errors import CubeError

from .cubes import sound, write
from .ways import WAYS, cells, doubled

#: These read no values of the feature, or say what is wrong in another way.
_READING = [way for way in WAYS if way not in ("describe", "fingerprint", "assign")]


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def noise(file: Path) -> None:
    file.write_bytes(b"noise" * 40)


@pytest.mark.parametrize("damage", [cut, empty, noise])
def test_a_damaged_chunk_is_named_on_every_way(damage: Any, tmp_path: Path) -> None:
    path = write(sound(), tmp_path / "cube.zarr")
    damage(path / "a" / "1.1.1")
    for way in _READING:
        out = tmp_path / f"{way}.zarr"
        with pytest.raises(CubeError, match=r"Chunk \(time 1, lat 1, lon 1\) of") as caught:
            WAYS[way](path, out)
        assert (way, caught.value.code) == (way, "unreadable_chunk")
        assert caught.value.hint
        assert not out.exists()
        assert not list(tmp_path.glob(f".{way}*"))
    assert "unreadable_chunk" in {problem.code for problem in describe(str(path)).problems}


def test_a_flipped_byte_is_found_where_the_codec_has_a_checksum(tmp_path: Path) -> None:
    path = write(sound(), tmp_path / "cube.zarr", a={"compressors": numcodecs.Zstd(checksum=True)})
    flip(path / "a" / "1.1.1")
    with pytest.raises(CubeError, match=r"Chunk \(time 1, lat 1, lon 1\) of 'a'"):
        cells(open_cube(str(path)))


def test_a_flipped_byte_that_no_checksum_guards_changes_the_identity(tmp_path: Path) -> None:
    """Uncompressed numbers are all possible: reading cannot know, the fingerprint does."""
    path = write(sound(), tmp_path / "cube.zarr", a={"compressors": None})
    before = fingerprint(str(path))
    flip(path / "a" / "1.1.1")
    assert cells(open_cube(str(path)))
    after = fingerprint(str(path))
    assert before.variables["a"] != after.variables["a"]
    assert before.variables["b"] == after.variables["b"]


def test_chunks_that_are_not_stored_are_missing_values(tmp_path: Path) -> None:
    path = write(sound(), tmp_path / "cube.zarr")
    (path / "a" / "1.1.1").unlink()
    wanted = sound()["a"].values.copy()
    wanted[4:8, 8:16, 8:16] = np.nan
    ds = open_cube(str(path))
    found = predict(doubled, ds, features=["a"], path=tmp_path / "out.zarr")
    assert np.array_equal(found.values, 2 * wanted, equal_nan=True)
    valid = np.isfinite(wanted) & sound()["b"].notnull().values
    assert sum(len(batch.y) for batch in cells(ds)) == valid.sum()


@pytest.mark.parametrize("name", ["time", "lat", "lon"])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_damaged_coordinate_is_named(name: str, zarr_format: int, tmp_path: Path) -> None:
    path = tmp_path / "cube.zarr"
    sound().to_zarr(path, zarr_format=zarr_format)
    cut(path / name / ("0" if zarr_format == 2 else "c/0"))
    with pytest.raises(CubeError, match=rf"Chunk \({name} 0\) of '{name}'") as caught:
        describe(str(path))
    assert caught.value.code == "unreadable_chunk"


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_truncated_netcdf_file_is_refused_by_name(kept: float, tmp_path: Path) -> None:
    path = tmp_path / "cube.nc"
    sound().to_netcdf(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(CubeError, match=r"cube\.nc"):
        open_cube(str(path))


@pytest.mark.parametrize("file", [".zmetadata", ".zgroup"])
def test_broken_metadata_is_no_cube(file: str, tmp_path: Path) -> None:
    path = write(sound(), tmp_path / "cube.zarr")
    (path / ".zmetadata").unlink() if file != ".zmetadata" else None
    (path / file).write_text("{ not json")
    with pytest.raises(CubeError, match=r"cube\.zarr is not a cube") as caught:
        open_cube(str(path))
    assert caught.value.code == "not_a_cube"


def test_undecodable_times_are_said(tmp_path: Path) -> None:
    path = write(sound(), tmp_path / "cube.zarr")
    (path / ".zmetadata").unlink()
    attrs = path / "time" / ".zattrs"
    attrs.write_text(attrs.read_text().replace("days since", "moons since"))
    with pytest.raises(CubeError, match="moons since"):
        open_cube(str(path))


def _swath() -> xr.Dataset:
    lat, lon = np.meshgrid(sound()["lat"].values, sound()["lon"].values, indexing="ij")
    coords = {
        "lat": (("row", "column"), lat, {"standard_name": "latitude", "units": "degrees_north"}),
        "lon": (("row", "column"), lon, {"standard_name": "longitude", "units": "degrees_east"}),
    }
    rows = sound().rename(lat="row", lon="column").drop_vars(["row", "column"])
    return rows.assign_coords(coords)


@pytest.mark.parametrize(
    "way", ["describe", "fingerprint", "samples", "cells", "lags", "predict", "score", "assign"]
)
def test_a_damaged_latitude_of_swath_cells_is_named(way: str, tmp_path: Path) -> None:
    path = write(_swath(), tmp_path / "swath.zarr")
    cut(path / "lat" / "0.0")
    with pytest.raises(CubeError, match=r"'lat' cannot be read|of 'lat' cannot be read"):
        WAYS[way](path, tmp_path / "out.zarr")


@pytest.mark.parametrize("way", ["samples", "predict"])
def test_damaged_bounds_are_named(way: str, tmp_path: Path) -> None:
    ds = sound()
    ds["lat"].attrs["bounds"] = "lat_bnds"
    edges = np.stack([ds["lat"].values + 0.5, ds["lat"].values - 0.5], 1)
    path = write(ds.assign_coords(lat_bnds=(("lat", "bnds"), edges)), tmp_path / "cube.zarr")
    cut(path / "lat_bnds" / "0.0")
    with pytest.raises(CubeError, match="of 'lat_bnds' cannot be read"):
        WAYS[way](path, tmp_path / "out.zarr")


def test_swath_cells_without_a_place_are_not_used(tmp_path: Path) -> None:
    ds = _swath()
    ds["lat"][2, 3] = np.nan
    path = write(ds, tmp_path / "swath.zarr")
    whole = WAYS["assign"](path, tmp_path)
    assert int(whole[2, 3]) == 3
    assert (whole.values == 3).sum() == 1
    for batch in WAYS["cells"](path, tmp_path):
        cells_of = {tuple(place) for place in batch.origin[:, 1:].tolist()}
        assert (2, 3) not in cells_of


def test_a_store_that_loses_chunks_while_it_is_read_gives_gaps_not_old_numbers(
    tmp_path: Path,
) -> None:
    path = write(sound(), tmp_path / "cube.zarr")
    ds = open_cube(str(path))
    assert np.isfinite(predict(doubled, ds, features=["a"]).values).all()
    (path / "a" / "0.0.0").unlink()
    cut(path / "a" / "0.0.1")
    lazy = predict(doubled, ds, features=["a"])
    assert np.isnan(lazy[:4, :8, :8].values).all()
    with pytest.raises(CubeError, match=r"Chunk \(time 0, lat 0, lon 1\) of 'a'"):
        lazy[:4, :8, 8:16].load()


@pytest.mark.parametrize("dask", ["chunks of the store", "chunks of its own", "computed"])
def test_dask_gives_what_memory_gives(dask: str, tmp_path: Path) -> None:
    path = write(sound(), tmp_path / "cube.zarr")
    memory = open_cube(str(path)).load()
    ds = xr.open_zarr(path)
    if dask == "chunks of its own":
        ds = memory.chunk(time=(1, 6, 1), lat=5, lon=7)
    elif dask == "computed":
        ds, memory = ds * 2, memory * 2
    count = sum(len(batch.y) for batch in cells(ds))
    assert count == sum(len(batch.y) for batch in cells(memory))
    lazy, now = (predict(doubled, each, features=["a"]) for each in (ds, memory))
    assert np.array_equal(lazy.values, now.values, equal_nan=True)
