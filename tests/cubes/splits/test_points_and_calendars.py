"""Points that each have a time, other calendars, and frames with other dims."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.cubes.splits.buffer import Buffer
from jupyter_mlkit.cubes.splits.random import RandomSplit
from jupyter_mlkit.cubes.splits.times import TimeSplit
from jupyter_mlkit.errors import SpecError

from .frames import FRAMES, full, swath

SPLITS = [
    BlockSplit({"lat": "10 deg", "lon": "20 deg", "time": "16D"}, seed=3),
    BlockSplit(
        {"lat": "10 deg", "lon": "20 deg", "time": "16D"}, seed=3, buffer=Buffer("700 km", "8D")
    ),
    BlockSplit({"time": "16D"}, seed=1, buffer=Buffer(time="8D")),
    TimeSplit("2002-06-06", "2002-06-22", buffer="8D"),
    RandomSplit(),
]


@pytest.mark.parametrize("split", SPLITS)
def test_points_in_situ_have_the_role_of_their_place_and_time(split: BlockSplit) -> None:
    """A sample's role is that of its target cells; points belong to the block of their
    coordinates."""
    frame = FRAMES["lonlat"]
    rng = np.random.default_rng(0)
    at = {
        dim: xr.DataArray(rng.integers(0, n, 500), dims="sample") for dim, n in frame.sizes.items()
    }
    points = frame.isel(at)
    points = points.assign_coords(
        lat=points.lat.assign_attrs(standard_name="latitude", units="degrees_north"),
        lon=points.lon.assign_attrs(standard_name="longitude", units="degrees_east"),
    )
    n_lon = frame.sizes["lon"]
    wanted = full(split.assign(frame), frame)[
        at["time"].values, at["lat"].values * n_lon + at["lon"].values
    ]
    assert (split.assign(points).values == wanted).all()
    few = points.isel(sample=slice(20, 60))
    assert (split.assign(few).values == wanted[20:60]).all()


def test_other_calendars_have_blocks_and_buffers() -> None:
    time = xr.date_range("2000-01-30", periods=40, freq="MS", calendar="360_day", use_cftime=True)
    frame = FRAMES["lonlat"].drop_vars("time").assign_coords(time=time)
    split = BlockSplit({"lat": "20 deg", "time": "90D"}, seed=1, buffer=Buffer("200 km", "30D"))
    roles = split.assign(frame)
    assert set(np.unique(roles)) == {0, 1, 2, 3}
    crop = {"time": slice(5, 20), "lat": slice(3, 30)}
    assert split.assign(frame.isel(crop)).identical(roles.isel(crop))


def test_levels_are_cut_and_keep_their_buffer_to_themselves() -> None:
    frame = FRAMES["lonlat"].assign_coords(level=("level", [10.0, 60.0, 110.0, 160.0]))
    sizes = {"lat": "20 deg", "lon": "40 deg", "level": "100", "time": "16D"}
    plain, kept = (
        BlockSplit(sizes, seed=2, buffer=b).assign(frame) for b in (None, Buffer("600 km", "8D"))
    )
    assert kept.dims == plain.dims == ("time", "lat", "lon", "level")
    assert ((kept == plain) | (kept == 3)).all()
    for pair in (slice(0, 2), slice(2, 4)):
        layer = kept.isel(level=pair)
        assert (layer.isel(level=0).values == layer.isel(level=1).values).all()
    assert (kept.isel(level=0).values != kept.isel(level=2).values).any()


def test_cells_that_are_not_in_rows_have_no_size_in_cells() -> None:
    for name in ("lat", "line"):
        with pytest.raises((SpecError, Exception)) as caught:
            BlockSplit({name: 5}).resolve(swath())
        assert getattr(caught.value, "field", "") == f"split.sizes.{name}"


def test_an_empty_crop_has_no_roles() -> None:
    for split in SPLITS:
        frame = FRAMES["lonlat"].isel(lat=slice(0, 0))
        assert split.assign(frame).size in (0, frame.sizes["time"])
