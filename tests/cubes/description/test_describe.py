"""A description is quick, right, and suggests what can be trained at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.description.describe import describe
from jupyter_mlkit.cubes.grids.grid import grid_of
from jupyter_mlkit.cubes.grids.tiles import horizontal_tiles
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.models import CubeDescription
from jupyter_mlkit.spec import load_spec

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


def test_blocks_are_twice_the_declared_range(demo: CubeDescription) -> None:
    splits = demo.suggestion["splits"]
    assert splits["places"]["sizes"] == {"lat": "10 deg", "lon": "10 deg"}
    assert splits["places"]["buffer"] == {"space": "1 deg"}
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
    found = describe(str(path))
    assert found.decoded_bytes == 4 * 20_000 * 2160 * 4320
    assert found.fingerprint_kind == "stored"  # one chunk is stored, the others are fill value
    assert found.variables[0].valid_share is not None
    assert found.variables[0].valid_share_error is not None
