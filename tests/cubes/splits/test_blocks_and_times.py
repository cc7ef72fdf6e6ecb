"""Laws of the split: the role of a cell depends on its coordinates and the seed alone."""

from __future__ import annotations

import hashlib
import json
import math
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.grids.grid import grid_of
from jupyter_mlkit.cubes.grids.sizes import parse_size
from jupyter_mlkit.cubes.splits.axes import axis_of, block_hash
from jupyter_mlkit.cubes.splits.blocks import BlockSplit as BlockRule
from jupyter_mlkit.cubes.splits.from_spec import split_from_spec
from jupyter_mlkit.errors import CubeError, InvalidInputError, SpecError
from jupyter_mlkit.spec import BlockSplit, Shares, TimeSplit

from ..made import globe, projected

steps = st.sampled_from([1.0, 2.5, 5 / 6, 0.75, 3.0])
sizes = st.fixed_dictionaries(
    {
        "lat": st.sampled_from(["10 deg", "7 deg", "2.25 deg", "22.5 deg"]),
        "lon": st.sampled_from(["10 deg", "7 deg", "15 deg", "360 deg"]),
    },
    optional={"time": st.sampled_from(["16D", "10D", "36h", "400D"])},
)
splits = st.builds(
    lambda s, seed: split_from_spec(BlockSplit(sizes=s, seed=seed)), sizes, st.integers(0, 2**31)
)


def full(roles: xr.DataArray, ds: xr.Dataset) -> xr.DataArray:
    return roles.broadcast_like(xr.DataArray(coords=ds.coords, dims=("time", "lat", "lon")))


def slices(n: int) -> st.SearchStrategy[slice]:
    return st.tuples(st.integers(0, n - 1), st.integers(1, n)).map(
        lambda pair: slice(pair[0], min(n, pair[0] + pair[1]))
    )


@given(step=steps, split=splits, data=st.data())
@settings(max_examples=25, deadline=None)
def test_role_is_the_same_in_a_crop_and_in_an_extension(
    step: float, split: BlockRule, data: st.DataObject
) -> None:
    ds = globe(step)
    box = {str(dim): data.draw(slices(n)) for dim, n in ds.sizes.items()}
    crop = ds.isel(box)
    assert split.assign(crop).identical(split.assign(ds).isel(_held(box, split)))
    assert split.block_ids(crop).identical(split.block_ids(ds).isel(_held(box, split)))


def _held(box: dict[str, slice], split: BlockRule) -> dict[str, slice]:
    return {dim: part for dim, part in box.items() if dim in split.sizes}


@given(step=steps, split=splits, data=st.data())
@settings(max_examples=25, deadline=None)
def test_order_of_dims_and_direction_of_axes_do_not_enter(
    step: float, split: BlockRule, data: st.DataObject
) -> None:
    ds = globe(step)
    dims = data.draw(st.permutations(["time", "lat", "lon"]))
    turned = xr.Dataset(coords={dim: ds[dim] for dim in dims}).isel(
        lat=slice(None, None, -1), time=slice(None, None, -1)
    )
    mine = full(split.assign(ds), ds)
    theirs = full(split.assign(turned), ds)
    xr.testing.assert_equal(mine.sortby(["lat", "time"]), theirs.sortby(["lat", "time"]))


@given(step=st.sampled_from([1.0, 0.1, 5 / 6, 0.25, 0.05]), split=splits)
@settings(max_examples=25, deadline=None)
def test_float_width_does_not_enter(step: float, split: BlockRule) -> None:
    wide, narrow = globe(step, n_time=2), globe(step, n_time=2, dtype="f4")
    assert (split.block_ids(wide).values == split.block_ids(narrow).values).all()


@given(split=splits, edge=st.integers(0, 3600))
@settings(max_examples=40, deadline=None)
def test_centres_on_block_edges_belong_to_the_same_block_in_both_widths(
    split: BlockRule, edge: int
) -> None:
    lon = np.array([edge / 10 - 0.1, edge / 10, edge / 10 + 0.1])
    frames = [
        xr.Dataset(
            coords={
                "time": globe(1).time[:1],
                "lat": ("lat", np.array([0.1, 0.2]), {"units": "degrees_north"}),
                "lon": ("lon", lon.astype(dtype), {"units": "degrees_east"}),
            }
        )
        for dtype in ("f4", "f8")
    ]
    ids = [split.block_ids(frame).values for frame in frames]
    assert (ids[0] == ids[1]).all()


@given(step=st.sampled_from([1.0, 2.5, 0.5]), split=splits)
@settings(max_examples=25, deadline=None)
def test_longitudes_from_0_and_from_minus_180_name_the_same_cells(
    step: float, split: BlockRule
) -> None:
    west, east = globe(step, lon0=-180), globe(step, lon0=0)
    moved = west.assign_coords(lon=west.lon.copy(data=west.lon.values % 360)).sortby("lon")
    np.testing.assert_allclose(moved.lon, east.lon)
    wanted = full(split.assign(east), east).values
    assert (full(split.assign(moved), moved).values == wanted).all()


@pytest.mark.parametrize("size", [7.0, 10.0, 22.5, 360.0, 100.0])
def test_the_seam_is_closed(size: float) -> None:
    lon = np.array([-180.0, -0.0, 0.0, -1e-9, 359.9999999, 180.0, 360.0])
    ds = xr.Dataset(
        coords={
            "lat": ("lat", [1.0, 2.0], {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        }
    )
    index = axis_of(ds, grid_of(ds), "lon", field="split").index(parse_size(f"{size} deg"))
    assert index[0] == index[5]
    assert (index[[1, 2, 3, 4, 6]] == 0).all()
    assert index.max() < math.ceil(360 / size - 1e-6)


def test_formula_word_by_word() -> None:
    ds = globe(5 / 6)
    split = BlockRule({"lat": parse_size("2.25 deg"), "time": parse_size("80D")}, seed=7)
    ids, roles = split.block_ids(ds), split.assign(ds)
    assert ids.dims == ("time", "lat")
    for i, j in [(0, 0), (3, 100), (7, 215), (5, 107)]:
        days = (ds.time.values[i] - np.datetime64("1970-01-01")) / np.timedelta64(1, "D")
        k = (math.floor(days / 80 + 1e-6), math.floor(float(ds.lat[j]) / 2.25 + 1e-6))
        digest = hashlib.blake2b(struct.pack("<3q", 7, *k), digest_size=8).digest()
        assert int(ids[i, j]) == int.from_bytes(digest, "little", signed=True)
        drawn = int.from_bytes(digest, "little") / 2**64
        assert int(roles[i, j]) == (0 if drawn < 0.7 else 1 if drawn < 0.8 else 2)


def test_dims_enter_in_canonical_order_whatever_the_spec_says() -> None:
    ds = globe(5)
    one = BlockRule({"lat": parse_size("10 deg"), "lon": parse_size("20 deg")})
    other = BlockRule({"lon": parse_size("20 deg"), "lat": parse_size("10 deg")})
    assert (one.block_ids(ds).values == other.block_ids(ds).values).all()
    assert one.hash == other.hash


def test_names_of_dims_do_not_enter() -> None:
    ds = globe(5)
    renamed = ds.rename(lat="latitude", lon="longitude")
    split = split_from_spec(BlockSplit(sizes={"lat": "10 deg", "lon": "10 deg"}))
    assert (split.assign(ds).values == split.assign(renamed).values).all()


def test_another_process_gives_the_same(tmp_path: Path) -> None:
    ds = globe(2.5)
    split = split_from_spec(BlockSplit(sizes={"lat": "10 deg", "lon": "10 deg", "time": "16D"}))
    code = """
import sys, hashlib, numpy as np, xarray as xr
from jupyter_mlkit.cubes.splits.from_spec import split_from_spec
from jupyter_mlkit.spec import BlockSplit
ds = xr.open_zarr(sys.argv[1], chunks={"lat": 7, "lon": 11})
split = split_from_spec(BlockSplit(sizes={"time": "16D", "lon": "10 deg", "lat": "10 deg"}))
roles = np.ascontiguousarray(split.assign(ds).transpose("time", "lat", "lon").values)
print(split.hash, hashlib.sha256(roles.tobytes()).hexdigest())
"""
    stored = ds.assign(v=(("lon", "time", "lat"), np.zeros((144, 8, 72), "f4"))).drop_encoding()
    stored.to_zarr(tmp_path / "c.zarr", encoding={"v": {"chunks": (13, 3, 17)}}, zarr_format=2)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "c.zarr")],
        capture_output=True, text=True, check=True, timeout=120,
        env={"PYTHONHASHSEED": "123", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    roles = np.ascontiguousarray(split.assign(ds).transpose("time", "lat", "lon").values)
    assert done.stdout.split() == [split.hash, hashlib.sha256(roles.tobytes()).hexdigest()]


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_shares_are_binomial_in_blocks(seed: int) -> None:
    ds = globe(2.5)
    split = split_from_spec(BlockSplit(sizes={"lat": "5 deg", "lon": "5 deg"}, seed=seed))
    ids, roles = split.block_ids(ds).values.ravel(), split.assign(ds).values.ravel()
    _, first = np.unique(ids, return_index=True)
    n = first.size
    assert n == 36 * 72
    for code, share in enumerate((0.7, 0.1, 0.2)):
        found = (roles[first] == code).sum()
        assert abs(found - n * share) < 5.5 * math.sqrt(n * share * (1 - share))


def test_a_block_has_one_role() -> None:
    ds = globe(1)
    split = split_from_spec(BlockSplit(sizes={"lat": "7 deg", "lon": "7 deg"}))
    frame = xr.Dataset({"role": split.assign(ds), "block": split.block_ids(ds)})
    by_block = frame.role.groupby(frame.block)
    assert (by_block.min().values == by_block.max().values).all()


def test_cells_become_physical_and_stay_so_in_a_crop() -> None:
    ds = globe(5 / 6)
    split = split_from_spec(BlockSplit(sizes={"lat": 27, "lon": 27, "time": 2})).resolve(ds)
    assert split.to_dict()["sizes"] == {"lat": "22.5 deg", "lon": "22.5 deg", "time": "16D"}
    assert split.resolve(ds.isel(lat=slice(3, 9))).hash == split.hash
    narrow = split_from_spec(BlockSplit(sizes={"lat": 27, "lon": 27, "time": 2}))
    assert narrow.resolve(globe(5 / 6, dtype="f4")).hash == split.hash


def test_role_array_explains_itself() -> None:
    roles = split_from_spec(BlockSplit(sizes={"lat": 4})).assign(globe(5))
    assert roles.dtype == np.int8
    assert roles.attrs["flag_meanings"] == "train validation test buffer"
    assert roles.attrs["flag_values"].tolist() == [0, 1, 2, 3]


def test_projected_cubes_are_cut_in_metres() -> None:
    split = split_from_spec(BlockSplit(sizes={"y": "1 km", "x": "500 m"}))
    metres, kilometres = split.block_ids(projected()), split.block_ids(projected("km"))
    assert np.unique(metres.values).size == 4 * 6
    assert (metres.values == kilometres.values).all()
    assert len(np.unique(metres.values[:100, :50])) == 1


def test_levels_and_members_are_cut_in_their_own_unit() -> None:
    ds = globe(10).assign_coords(level=[10.0, 50.0, 100.0, 500.0])
    ids = split_from_spec(BlockSplit(sizes={"level": "100"})).block_ids(ds)
    assert ids.dims == ("level",)
    assert len(np.unique(ids.values)) == 3


@pytest.mark.parametrize(
    ("sizes", "field"),
    [
        ({"lat": "10 km"}, "split.sizes.lat"),
        ({"lat": "10D"}, "split.sizes.lat"),
        ({"time": "10 deg"}, "split.sizes.time"),
        ({"depth": "10"}, "split.sizes.depth"),
        ({"lat": "ten deg"}, "split.sizes.lat"),
        ({"lat": "0 deg"}, "split.sizes.lat"),
        ({"lat": "-3 deg"}, "split.sizes.lat"),
        ({"time": "1M"}, "split.sizes.time"),
        ({"lat": 0}, "split.sizes.lat"),
        ({"lat": "1.2.3 deg"}, "split.sizes.lat"),
    ],
)
def test_a_wrong_size_is_named(sizes: dict[str, Any], field: str) -> None:
    with pytest.raises(SpecError) as caught:
        split_from_spec(BlockSplit(sizes=sizes)).resolve(globe(10))
    assert caught.value.field == field
    assert caught.value.hint or "not positive" in caught.value.message or "empty" in str(caught)


def test_time_split_cuts_at_its_dates() -> None:
    ds = globe(10, n_time=10)
    split = split_from_spec(TimeSplit("2002-07-16", "2002-07-24")).resolve(ds)
    assert split.assign(ds).values.tolist() == [0] * 7 + [1] + [2] * 2
    crop = ds.isel(time=slice(6, 9), lat=slice(2, 7))
    assert split.assign(crop).values.tolist() == [0, 1, 2]
    ids = split.block_ids(ds)
    assert ids.dims == ("time", "lat", "lon")
    # Blocks never cross a role, and there are enough to tell something.
    for role in range(3):
        mine = ids.values[split.assign(ds).values == role]
        rest = ids.values[split.assign(ds).values != role]
        assert len(np.unique(mine)) >= 200
        assert not set(np.unique(mine)) & set(np.unique(rest))
    assert (
        split.block_ids(crop).values == ids.isel(time=slice(6, 9), lat=slice(2, 7)).values
    ).all()


def test_time_split_in_another_calendar_and_without_places() -> None:
    time = xr.date_range("2000-01-30", periods=40, freq="MS", calendar="360_day", use_cftime=True)
    ds = xr.Dataset(coords={"time": time})
    split = split_from_spec(TimeSplit("2001-12-31", "2002-06-01")).resolve(ds)
    roles = split.assign(ds).values
    assert (np.diff(roles) >= 0).all()
    assert set(roles) == {0, 1, 2}
    assert len(np.unique(split.block_ids(ds).values)) == 40


def test_time_split_says_what_is_wrong() -> None:
    with pytest.raises(InvalidInputError) as caught:
        split_from_spec(TimeSplit("2002-13-01", "2003-01-01"))
    assert (caught.value.code, caught.value.field) == ("invalid_date", "split.validation_start")
    with pytest.raises(SpecError) as missing:
        split_from_spec(TimeSplit("2002-01-01", "2003-01-01")).resolve(projected())
    assert missing.value.field == "split.kind"


def test_a_zone_is_respected() -> None:
    ds = xr.Dataset(coords={"time": np.array(["2002-07-15T23:00", "2002-07-16T00:30"], "M8[ns]")})
    split = split_from_spec(TimeSplit("2002-07-16T00:00+01:00", "2003-01-01"))
    assert split.assign(ds).values.tolist() == [1, 1]


def test_rule_travels_as_json() -> None:
    split = split_from_spec(
        BlockSplit(sizes={"lat": "10 deg"}, shares=Shares(0.5, 0.2, 0.3), seed=3)
    )
    stored = json.loads(json.dumps(split.to_dict()))
    again = split_from_spec(
        BlockSplit(sizes=stored["sizes"], shares=Shares(**stored["shares"]), seed=stored["seed"])
    )
    assert again.hash == split.hash
    assert block_hash(3, (0,)) != block_hash(4, (0,))


def test_swaths_are_refused_with_a_reason() -> None:
    lat = (("y", "x"), np.zeros((3, 4)), {"units": "degrees_north"})
    swath = xr.Dataset({"v": (("y", "x"), np.ones((3, 4)))}, coords={"lat": lat})
    for size in ("10 deg", 3):
        with pytest.raises(CubeError) as caught:
            split_from_spec(BlockSplit(sizes={"y": size})).resolve(swath)
        assert (caught.value.code, caught.value.field) == ("unsupported_grid", "split.sizes.y")
