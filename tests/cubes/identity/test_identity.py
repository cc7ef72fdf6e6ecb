"""A fingerprint flips with what was used and with nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.identity.fingerprint import Fingerprint, fingerprint
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.errors import CubeError

from ..made import small_cube, small_spec

CODING: dict[str, Any] = {"a": {"chunks": (2, 10, 10)}, "b": {"chunks": (2, 10, 10)}}


def write(ds: xr.Dataset, path: Path, zarr_format: Any = 2, **more: Any) -> Path:
    ds.drop_encoding().to_zarr(
        path, mode="w", zarr_format=zarr_format, consolidated=False, encoding=CODING, **more
    )
    return path


def of(path: Path, *names: str, **more: Any) -> Fingerprint:
    return fingerprint(str(path), names or ("a", "b"), **more)


@pytest.fixture(params=[2, 3])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return write(small_cube(), tmp_path / "c.zarr", request.param)


def set_cell(path: Path, name: str, place: tuple[int, ...], value: float) -> None:
    import zarr

    zarr.open_group(str(path))[name][place] = value


def test_same_store_same_digest_elsewhere(path: Path, tmp_path: Path) -> None:
    found = of(path)
    assert found.kind == "stored"
    assert len(str(found)) <= 36
    assert set(found.variables) == {"a", "b"}
    copy = shutil.copytree(path, tmp_path / "elsewhere.zarr")
    assert of(copy) == found
    assert of(path, "b", "a") == found


@given(t=st.integers(0, 5), y=st.integers(0, 29), x=st.integers(0, 39))
@settings(max_examples=10, deadline=None)
def test_any_cell_flips_it(
    tmp_path_factory: pytest.TempPathFactory, t: int, y: int, x: int
) -> None:
    path = write(small_cube(gaps=0), tmp_path_factory.mktemp("flip") / "c.zarr")
    ds = open_cube(str(path)).load()
    stored, value = of(path), fingerprint(ds, ["a", "b"])
    set_cell(path, "a", (t, y, x), float(np.nextafter(ds.a.values[t, y, x], np.float32(1e9))))
    after, changed = of(path), fingerprint(open_cube(str(path)).load(), ["a", "b"])
    assert after.digest != stored.digest
    assert after.variables["b"] == stored.variables["b"]
    assert changed.digest != value.digest


def test_a_new_variable_or_a_later_step_changes_nothing(path: Path) -> None:
    import zarr

    chosen = {"time": slice(0, 4)}
    whole, part = of(path), of(path, selection=chosen)
    ds = open_cube(str(path))
    later = small_cube(seed=9).isel(time=slice(0, 2))
    later = later.assign_coords(time=ds.time.values[-2:] + np.timedelta64(99, "D"))
    later.drop_vars("height").drop_attrs().drop_encoding().to_zarr(
        path, append_dim="time", consolidated=False,
        zarr_format=zarr.open_group(str(path)).metadata.zarr_format,
    )  # fmt: skip
    assert open_cube(str(path)).sizes["time"] == 8
    assert of(path, selection=chosen) == part
    assert of(path).digest != whole.digest
    assert of(path, selection={"time": slice(0, 6)}) == whole


def test_only_touched_chunks_count(path: Path) -> None:
    chosen = {"lat": slice(0, 10), "lon": np.array([0, 1, 39])}
    before = of(path, selection=chosen)
    set_cell(path, "a", (0, 25, 5), 1.0)
    set_cell(path, "a", (0, 5, 15), 1.0)
    assert of(path, selection=chosen) == before
    cut = open_cube(str(path)).isel(chosen)
    assert fingerprint(cut, ["a", "b"], chosen) == before
    set_cell(path, "a", (0, 5, 35), 1.0)
    assert of(path, selection=chosen).digest != before.digest


def test_run_and_whole_differ_where_the_selection_does(path: Path) -> None:
    split = {"kind": "block", "sizes": {"lat": "2 deg", "lon": "2 deg"}}
    cube = {"sources": [{"uri": str(path)}], "features": ["a"], "split": split}
    whole = CubeData.from_spec(small_spec(**cube))
    region = {"west": -20, "south": 40, "east": 20, "north": 60}
    part = CubeData.from_spec(small_spec(**cube, region=region))
    found = [fingerprint(data.ds, ["a", "b"], data.indexers) for data in (whole, part)]
    assert found[0] == of(path)
    assert found[1].kind == "stored"
    assert found[1].digest != found[0].digest


def test_dask_is_the_stored_cube_where_it_only_reads(path: Path) -> None:
    lazy = xr.open_zarr(path, consolidated=False)
    for plain in (lazy, lazy.chunk(time=3, lat=30)):
        assert fingerprint(plain, ["a", "b"]) == of(path)
    for other in (
        lazy + 0,
        lazy.isel(lat=slice(None, None, -1)),
        lazy.isel(lat=slice(0, 10)),
        lazy.assign(a=lazy.a.where(lazy.a > 0)),
    ):
        assert fingerprint(other, ["a"]).kind == "value"


def test_a_renamed_variable_is_the_stored_one(path: Path) -> None:
    swapped = fingerprint(open_cube(str(path)).rename(a="b", b="a"))
    assert swapped.kind == "stored"
    assert [swapped.variables[name] for name in "ab"] == [of(path).variables[n] for n in "ba"]


def test_a_coordinate_may_be_named(path: Path) -> None:
    found = of(path, "lat")
    assert found.digest == of(path, "lat").digest != of(path, "lon").digest


def test_coordinates_and_units_belong_to_it_and_titles_do_not(tmp_path: Path) -> None:
    ds = small_cube()
    found = of(write(ds, tmp_path / "1.zarr"))
    for other in (
        ds.assign_coords(lat=ds.lat + 1e-6),
        ds.assign_coords(time=ds.time + np.timedelta64(1, "s")),
        ds.assign(a=ds.a.assign_attrs(units="degC")),
    ):
        assert of(write(other, tmp_path / "2.zarr")).digest != found.digest
    titled = ds.assign(a=ds.a.assign_attrs(long_name="A", history="x")).assign_attrs(title="t")
    assert of(write(titled, tmp_path / "2.zarr")) == found


def test_values_do_not_depend_on_storage(tmp_path: Path) -> None:
    ds = small_cube()
    found = fingerprint(ds, ["a", "b"])
    assert found.kind == "value"
    assert fingerprint(ds.chunk(time=1, lat=7), ["a", "b"]) == found
    for name, zarr_format in (("2", 2), ("3", 3)):
        path = write(ds, tmp_path / f"{name}.zarr", zarr_format)
        assert fingerprint(open_cube(str(path)).load(), ["a", "b"]).kind == "value"
    ds.to_netcdf(tmp_path / "c.nc")
    netcdf = fingerprint(open_cube(str(tmp_path / "c.nc")), ["a", "b"])
    assert netcdf.kind == "value"
    assert netcdf.variables == fingerprint(ds, ["a", "b"]).variables


def test_a_computed_variable_is_not_taken_for_the_stored_one(path: Path) -> None:
    ds = open_cube(str(path))
    computed = ds.assign(a=ds.a * 2)
    found = fingerprint(computed, ["a", "b"])
    assert found.kind == "value"
    assert found.variables["a"] != of(path).variables["a"]
    assert found.variables["b"] == of(path).variables["b"]


def test_too_much_to_read_is_said(path: Path) -> None:
    found = of(path, max_bytes=1000)
    assert found.kind == "metadata"
    assert found.reason is not None
    chunk = next(file for file in (path / "a").rglob("*0") if file.is_file())
    chunk.write_bytes(chunk.read_bytes() + b" ")
    assert of(path, max_bytes=1000).digest != found.digest


def test_missing_chunk_is_not_an_empty_one(path: Path) -> None:
    before = of(path)
    chunk = next(file for file in (path / "a").rglob("*0") if file.is_file())
    chunk.unlink()
    assert of(path).digest != before.digest


def test_unknown_variable(path: Path) -> None:
    with pytest.raises(CubeError) as caught:
        of(path, "c")
    assert caught.value.code == "unknown_variable"
