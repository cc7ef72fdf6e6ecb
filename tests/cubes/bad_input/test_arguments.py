"""Windows, masks, lags and splits that do not fit the cube, and cells without a place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.prediction.predict import predict
from jupyter_mlkit.cubes.scoring.score import score
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.cubes.splits.buffer import Buffer
from jupyter_mlkit.cubes.splits.random import RandomSplit
from jupyter_mlkit.cubes.splits.regions import RegionSplit
from jupyter_mlkit.cubes.splits.roles import BUFFER
from jupyter_mlkit.cubes.splits.times import TimeSplit
from jupyter_mlkit.errors import MLKitError

from ..made import small_cube
from .cubes import along, missing_at, sound
from .ways import block_split, cells, doubled, windows

WIDE = {"lat": 9, "lon": 9}


@pytest.mark.parametrize(
    ("options", "code", "names"),
    [
        ({"input_dims": {"lat": 99}}, "window_too_large", "lat"),
        ({"input_dims": {"lat": 0}}, "invalid_window", "lat"),
        ({"input_dims": {"lat": -3}}, "invalid_window", "lat"),
        ({"input_dims": {"level": 2}}, "invalid_window", "level"),
        ({"input_overlap": {"lat": 5}}, "invalid_window", "lat"),
        ({"stride": {"lat": 0}}, "invalid_window", "lat"),
        ({"input_dims": WIDE, "split": block_split(), "strict": True}, "empty_role", "9 cells"),
        ({"input_dims": WIDE, "split": block_split(), "straddle": "drop"}, "empty_role", "4 deg"),
    ],
)
def test_windows_that_do_not_fit(options: dict[str, Any], code: str, names: str) -> None:
    with pytest.raises(MLKitError, match=names) as caught:
        windows(sound(), **options)
    assert caught.value.code == code
    assert caught.value.hint


def test_windows_larger_than_blocks_count_each_roles_own_cells() -> None:
    ds, split = sound(), block_split()
    train = (split.resolve(ds).assign(ds) == 0).broadcast_like(ds["b"]).transpose(*ds["b"].dims)
    valid = ds["b"].notnull().values & train.values
    assert sum(int(b.valid.sum()) for b in windows(ds, input_dims=WIDE, split=split)) == valid.sum()


def test_predicting_with_a_window_larger_than_the_cube() -> None:
    with pytest.raises(MLKitError, match="'lat'") as caught:
        predict(doubled, sound(), features=["a"], input_dims={"lat": 99})
    assert caught.value.code == "window_too_large"


MASK = xr.ones_like(sound()["a"][0].drop_vars("time"))


@pytest.mark.parametrize(
    "mask",
    [
        MASK.assign_coords(lat=MASK["lat"] + 0.25),
        MASK.isel(lat=slice(3)),
        MASK.isel(lat=slice(None, None, -1)),
        MASK.rename(lat="y"),
    ],
    ids=["moved", "smaller", "upside down", "of other dims"],
)
def test_masks_of_another_grid(mask: xr.DataArray) -> None:
    with pytest.raises(MLKitError, match=r"'(lat|y)'") as caught:
        cells(sound(), mask=mask)
    assert caught.value.code == "other_grid"


def test_a_truth_of_another_grid() -> None:
    ds = sound()
    with pytest.raises(MLKitError, match="'lat'") as caught:
        score(ds["a"].assign_coords(lat=ds["lat"] + 0.1), ds["b"])
    assert caught.value.code == "different_grid"


def test_lags_across_a_gap_are_left_out_as_if_the_cube_had_all_steps() -> None:
    ds = small_cube(9, 6, 6, gaps=0)
    every = ds["time"]
    lacking = ds.isel(time=[0, 1, 2, 4, 5, 6, 7, 8])
    for found in (lacking, lacking.reindex(time=every)):
        count = sum(len(b.y) for b in cells(found, lags=[0, 1]))
        # The lacking date, the one after it and the first have no pair.
        assert count == (9 - 3) * 36
    with pytest.raises(MLKitError, match="2001-01-09") as caught:
        cells(lacking.isel(time=[0, 1, 3, 4]), lags=[0, 1, 2])
    assert caught.value.code == "time_gaps"


@pytest.mark.parametrize("freq", ["MS", "YS", "h"])
def test_months_and_years_of_unequal_length_are_no_gaps(freq: str) -> None:
    ds = small_cube(8, 6, 6, gaps=0)
    ds = ds.assign_coords(time=xr.date_range("2000-01-01", periods=8, freq=freq))
    assert sum(len(b.y) for b in cells(ds, lags=[0, 1])) == 7 * 36


@pytest.mark.parametrize(
    "split",
    [
        block_split(),
        BlockSplit({"lat": "4 deg"}, buffer=Buffer("100 km")),
        BlockSplit({"lon": "4 deg", "lat": "4 deg"}, buffer=Buffer("100 km")),
        RandomSplit(),
        RegionSplit((-20.0, 55.0, -10.0, 60.0)),
    ],
    ids=lambda split: type(split).__name__,
)
def test_cells_without_a_latitude_have_no_role(split: Any) -> None:
    ds = along("lat", missing_at)(sound())
    roles = split.resolve(ds).assign(ds)
    whole = split.resolve(sound()).assign(sound())
    assert (roles.isel(lat=3) == BUFFER).all()
    assert roles.dtype == np.int8
    assert roles.attrs["flag_meanings"] == whole.attrs["flag_meanings"]


@pytest.mark.parametrize(
    "split",
    [
        BlockSplit({"time": "16D"}),
        BlockSplit({"time": "16D"}, buffer=Buffer(time="8D")),
        TimeSplit("2001-02-05", "2001-02-20"),
        RandomSplit(),
    ],
    ids=lambda split: type(split).__name__,
)
def test_cells_without_a_time_have_no_role(split: Any) -> None:
    ds = along("time", missing_at)(sound())
    roles, whole = (split.resolve(each).assign(each) for each in (ds, sound()))
    assert (roles.isel(time=3) == BUFFER).all()
    kept = [0, 1, 2, 4, 5, 6, 7]
    assert np.array_equal(roles.isel(time=kept).values, whole.isel(time=kept).values)


@pytest.mark.parametrize("fill", ["mean", "sample_mean", "noise", "constant"])
def test_infinite_inputs_are_filled_as_missing_ones_are(fill: str) -> None:
    a = sound()["a"].values.copy()
    a[0, 0, 0], a[5, 5, 5] = np.inf, -np.inf
    ds = sound().assign(a=(("time", "lat", "lon"), a))
    assert all(np.isfinite(batch.X).all() for batch in windows(ds, fill_nan=fill))
    assert all(np.isfinite(batch.X).all() for batch in windows(ds, drop_nan="auto"))


def test_the_seam_and_360_degrees_are_the_same_places(tmp_path: Path) -> None:
    ds = sound()
    shifted = along("lon", lambda lon: lon % 360)(ds).sortby("lon")
    split = block_split()
    roles, same = (split.resolve(each).assign(each) for each in (ds, shifted))
    back = same.assign_coords(lon=(same["lon"] + 180) % 360 - 180).sortby("lon")
    assert np.array_equal(roles.values, back.transpose(*roles.dims).values)
    assert float(score(ds["a"], ds["b"])["rmse"]) == pytest.approx(
        float(score(shifted["a"], shifted["b"])["rmse"]), rel=1e-12
    )
