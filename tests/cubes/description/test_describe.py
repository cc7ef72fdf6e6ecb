"""A description is quick, right, and suggests what can be trained at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import xarray as xr

import jupyter_mlkit.cubes.accessor  # noqa: F401
from jupyter_mlkit.cubes.demo.smooth import SmoothField
from jupyter_mlkit.cubes.description.describe import describe
from jupyter_mlkit.cubes.grids.grid import grid_of
from jupyter_mlkit.cubes.grids.sizes import parse_size
from jupyter_mlkit.cubes.grids.tiles import horizontal_tiles
from jupyter_mlkit.cubes.splits.from_spec import split_from_spec
from jupyter_mlkit.cubes.splits.leakage import leakage_report
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.models import CubeDescription
from jupyter_mlkit.spec import BlockSplit, load_spec

from ..made import globe, projected, small_cube


@pytest.fixture(scope="module")
def demo(demo_path: Path) -> CubeDescription:
    return describe(str(demo_path))


def test_demo_is_described(demo: CubeDescription) -> None:
    assert demo.format == "zarr v2"
    assert [(d.name, d.size, d.chunk, d.role, d.step) for d in demo.dims] == [
        ("time", 10, 10, "time", "8D"),
        ("lat", 216, 27, "y", "0.83333 deg"),
        ("lon", 432, 27, "x", "0.83333 deg"),
    ]
    assert demo.bbox == [-180, -90, 180, 90]
    assert demo.period == ["2002-05-21", "2002-08-01"]
    assert demo.decoded_bytes == 2 * 4 * 10 * 216 * 432
    assert 1e6 < (demo.stored_bytes or 0) < demo.decoded_bytes
    assert demo.fingerprint_kind == "stored"
    assert not demo.problems
    air, land = demo.variables
    assert (air.valid_share, land.units) == (1.0, "K")
    assert land.valid_share == pytest.approx(0.21, abs=0.02)
    assert msgspec.json.decode(msgspec.json.encode(demo), type=CubeDescription) == demo


@pytest.mark.parametrize("use", ["gaps", "places", "times", "both"])
def test_suggestions_train_as_they_are(demo: CubeDescription, demo_path: Path, use: str) -> None:
    spec = load_spec(
        {
            "sources": [{"uri": str(demo_path)}],
            "target": demo.suggestion["target"],
            "features": demo.suggestion["features"],
            "use": use,
            "split": demo.suggestion["splits"][use],
        }
    )
    data = CubeData.from_spec(spec)
    assert not data.warnings()
    assert all(count.blocks >= 20 for count in data.counts() if count.role != "buffer")


def smooth(kind: str) -> xr.Dataset:
    """Fields whose values are alike over 2.5 degrees, on several grids."""
    lat, lon, days = np.arange(30.25, 60, 0.5), np.arange(-19.75, 40, 0.5), np.arange(0, 240, 8.0)
    rng = np.random.default_rng(0)
    field = SmoothField([3], range_deg=2.5, range_days=24.0).at(days, lat, lon)
    values = (("time", "lat", "lon"), (field + 0.1 * rng.normal(size=field.shape)).astype("f4"))
    dates = np.datetime64("2001-01-01", "ns") + (days * 86_400e9).astype("timedelta64[ns]")
    coords = {
        "time": dates,
        "lat": ("lat", lat, {"units": "degrees_north"}),
        "lon": ("lon", lon, {"units": "degrees_east"}),
    }
    ds = xr.Dataset({"a": values, "b": values}, coords)
    if kind == "cells":
        return ds.stack(cell=("lat", "lon")).reset_index("cell")
    if kind == "metres":
        metres = {dim: 1e5 * ds[dim].values for dim in ("lat", "lon")}
        units = {"units": "m"}
        named = ds.rename(lat="y", lon="x")
        return named.assign_coords(
            y=("y", metres["lat"], {**units, "standard_name": "projection_y_coordinate"}),
            x=("x", metres["lon"], {**units, "standard_name": "projection_x_coordinate"}),
        )
    if kind == "small":
        return ds.isel(lat=slice(0, 24), lon=slice(0, 24))
    return ds


@pytest.mark.parametrize("kind", ["lines", "cells", "metres"])
def test_suggested_blocks_are_those_that_the_report_recommends(kind: str) -> None:
    ds = smooth(kind)
    found = describe(ds).suggestion
    target, blocks = found["target"], found["splits"]["places"]["sizes"]
    split = split_from_spec(msgspec.convert(found["splits"]["places"], BlockSplit))
    report = leakage_report(split, ds, target=target, features=found["features"])
    assert blocks == {dim: report.recommended[dim] for dim in blocks}
    assert len(blocks) == 2
    if kind != "metres":
        size = {parse_size(text).value for text in blocks.values()}.pop()
        assert size == pytest.approx(5, rel=0.25)
    data = split.assign(ds).values
    assert all((data == role).any() for role in (0, 1, 2))


def test_a_cube_with_too_few_such_blocks_gets_smaller_ones() -> None:
    """A split must hold out enough blocks: then the buffer keeps the neighbours apart."""
    ds = smooth("small")
    found = describe(ds)
    places = found.suggestion["splits"]["places"]
    tiles = {dim: str(size) for dim, size in horizontal_tiles(ds, grid_of(ds)).items()}
    assert places["sizes"] == tiles
    assert places["buffer"]
    (said,) = [problem for problem in found.problems if problem.code == "small_blocks"]
    wanted = ds.mlkit.autocorrelation_length(found.suggestion["target"]).recommended_block
    assert f"Blocks of {wanted}, twice as long" in said.message
    assert "a split needs 60" in said.message
    assert f"The suggested blocks are smaller: 256 of {tiles['lat']}." in said.message
    assert "flatter" in said.message
    assert said.hint is not None
    assert "buffer" in said.hint


def test_a_cube_within_which_values_stay_alike_says_so() -> None:
    ds = smooth("lines")
    slope = ds.lat * 1.0 + ds.lon * 2.0
    found = describe(
        (ds + slope.astype("f4").where(ds.time.dt.day > 0) * ds.time.dt.day).astype("f4")
    )
    (said,) = [problem for problem in found.problems if problem.code == "small_blocks"]
    assert "alike over more than this cube is wide" in said.message


@pytest.mark.parametrize("kind", ["lines", "cells", "metres"])
def test_recommended_blocks_need_no_words(kind: str) -> None:
    assert "small_blocks" not in {problem.code for problem in describe(smooth(kind)).problems}


def test_blocks_of_the_demo_cube(demo: CubeDescription, demo_path: Path) -> None:
    splits = demo.suggestion["splits"]
    lengths = xr.open_zarr(demo_path, chunks=None).mlkit.autocorrelation_length(
        demo.suggestion["target"]
    )
    assert set(splits["places"]["sizes"].values()) == {lengths.recommended_block}
    assert splits["places"]["sizes"] == {"lat": "11 deg", "lon": "11 deg"}
    assert splits["places"]["buffer"] == {"space": "1.1 deg"}
    assert splits["gaps"] == {"kind": "gap"}
    assert splits["times"] == {
        "kind": "time", "validation_start": "2002-07-16", "test_start": "2002-07-24",
    }  # fmt: skip


@pytest.mark.parametrize("ds", [globe(1), globe(0.25).isel(lat=slice(40, 140)), projected()])
def test_tiles_are_round_and_enough(ds: xr.Dataset) -> None:
    tiles = horizontal_tiles(ds, grid_of(ds))
    (size,) = {size.value for size in tiles.values()}
    assert float(f"{size:.2g}") == size
    n = 1
    for dim in tiles:
        n *= np.ceil(ds.sizes[dim] * abs(float(ds[dim][1] - ds[dim][0])) / size - 1e-6)
    assert 200 <= n <= 1000


def problems(ds: xr.Dataset, path: Path, **coding: Any) -> dict[str, str | None]:
    ds.to_zarr(path, zarr_format=3, consolidated=False, **coding)
    return {problem.code: problem.field for problem in describe(str(path)).problems}


def test_problems_are_named(tmp_path: Path) -> None:
    ds = small_cube()
    ds = ds.assign(void=ds.a * np.nan, same=ds.a * 0 + 7)
    assert problems(ds, tmp_path / "1.zarr") == {"all_missing": "void", "constant": "same"}
    place = ds[["a"]].drop_vars(["lat", "lon"]).rename(lat="j", lon="i")
    assert problems(place, tmp_path / "2.zarr") == {"unsupported_grid": None}
    tiny = {"encoding": {"a": {"chunks": (1, 2, 2)}}}
    assert problems(ds[["a"]], tmp_path / "3.zarr", **tiny) == {"small_chunks": "a"}


def test_useless_variables_are_not_suggested(tmp_path: Path) -> None:
    ds = small_cube()
    ds = ds.assign(
        void=ds.a * np.nan,
        same=ds.a * 0 + 7,
        flags=ds.a.round().assign_attrs(flag_values=[1, 2], flag_meanings="x y"),
        text=("time", np.array(list("abcdef"))),
    )
    ds.to_netcdf(tmp_path / "c.nc")
    found = describe(str(tmp_path / "c.nc"))
    assert (found.format, found.fingerprint_kind) == ("netCDF", "value")
    assert found.suggestion["target"] == "b"
    assert found.suggestion["features"] == ["a", "height"]


def test_cubes_without_time_or_place(tmp_path: Path) -> None:
    still = small_cube().isel(time=0, drop=True)
    still.to_zarr(tmp_path / "still.zarr", zarr_format=2)
    assert set(describe(str(tmp_path / "still.zarr")).suggestion["splits"]) == {"places", "gaps"}
    series = small_cube().isel(lat=0, lon=0, drop=True)
    series.to_zarr(tmp_path / "series.zarr", zarr_format=2)
    found = describe(str(tmp_path / "series.zarr"))
    assert set(found.suggestion["splits"]) == {"gaps", "times"}
    assert found.bbox is None


def test_large_cubes_are_sampled(tmp_path: Path) -> None:
    import zarr

    path = tmp_path / "huge.zarr"
    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    array = group.create_array(
        "v", shape=(20_000, 2160, 4320), chunks=(50, 270, 270), dtype="f4", fill_value=np.nan,
        attributes={"_ARRAY_DIMENSIONS": ["time", "lat", "lon"]},
    )  # fmt: skip
    array[:50, :270, :270] = 1.0
    started = time.monotonic()
    found = describe(str(path))
    # Whatever the size, the estimate of the blocks reads some hundred MB.
    assert time.monotonic() - started < 60
    assert found.decoded_bytes == 4 * 20_000 * 2160 * 4320
    assert found.fingerprint_kind == "stored"  # one chunk is stored, the others are fill value
    assert found.variables[0].valid_share is not None
    assert found.variables[0].valid_share_error is not None
