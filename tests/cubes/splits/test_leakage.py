"""The leakage report tells tests that are too easy from those that fit the use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.splits.autocorrelation import Autocorrelation
from jupyter_mlkit.cubes.splits.base import Split
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.cubes.splits.gaps import GapSplit
from jupyter_mlkit.cubes.splits.leakage import LeakageReport, leakage_report
from jupyter_mlkit.cubes.splits.random import RandomSplit
from jupyter_mlkit.cubes.splits.regions import RegionSplit
from jupyter_mlkit.cubes.splits.times import TimeSplit
from jupyter_mlkit.errors import CubeError, SpecError

Report = Callable[..., LeakageReport]
TARGET, FEATURE = "land_surface_temperature", "air_temperature_2m"
PLACES = {"lat": "20 deg", "lon": "20 deg"}


@pytest.fixture(scope="module")
def demo(demo_path: Path) -> xr.Dataset:
    return xr.open_zarr(demo_path, chunks=None)


@pytest.fixture(scope="module")
def lengths(demo: xr.Dataset) -> tuple[Autocorrelation, ...]:
    return leakage_report(GapSplit(target=TARGET), demo, target=TARGET).autocorrelation


@pytest.fixture(scope="module")
def report(lengths: tuple[Autocorrelation, ...]) -> Callable[..., LeakageReport]:
    def make(split: Split, ds: xr.Dataset, **options: Any) -> LeakageReport:
        return leakage_report(
            split, ds, target=TARGET, features=[FEATURE], autocorrelation=lengths, **options
        )

    return make


@pytest.mark.parametrize(
    ("split", "verdict"),
    [
        (RandomSplit(), "too easy"),
        (GapSplit(target=TARGET), "fits"),
        (BlockSplit(PLACES), "too hard"),
        (RegionSplit("srex:AMZ", "srex:WAF"), "too hard"),
    ],
)
def test_filling_gaps_is_tested_fairly_by_gaps(
    report: Report, demo: xr.Dataset, split: Split, verdict: str
) -> None:
    """Distance distribution test -> train against that of the prediction cells -> train:
    too easy / fits / too hard."""
    found = report(split, demo)
    assert found.verdict == verdict
    assert "%" in found.sentence
    space, time = found.distances
    assert (space.axis, space.unit, time.axis, time.unit) == ("space", "deg", "time", "D")
    assert len(space.test) == len(space.prediction) == 5
    assert all(np.diff(space.test) >= 0)
    assert found.recommended["lat"].endswith("deg")


def test_new_places_are_tested_too_easily_by_anything_but_places(
    report: Report, demo: xr.Dataset
) -> None:
    """What must it predict? New places: blocks, or regions."""
    south = xr.zeros_like(demo[TARGET], dtype=bool) | (demo.lat < 0)
    train_north = RegionSplit((-180, -90, 180, 0), buffer=None)
    north = demo.where(demo.lat > 0)
    easy = report(RandomSplit(), demo, predict_on="gaps")
    assert easy.verdict == "too easy"
    hidden = report(train_north, demo, predict_on=south)
    assert hidden.verdict == "fits"
    assert hidden.distances[1].test_without == 1.0
    assert report(train_north, north).verdict == "unknown"


def test_distances_are_those_of_brute_force() -> None:
    rng = np.random.default_rng(0)
    time = np.datetime64("2001-01-01", "ns") + np.arange(12) * np.timedelta64(8, "D")
    ds = xr.Dataset(
        {TARGET: (("time", "y", "x"), rng.standard_normal((12, 20, 24)).astype("f4"))},
        coords={
            "time": time,
            "y": ("y", 1000.0 * np.arange(20), {"units": "m"}),
            "x": ("x", 1000.0 * np.arange(24), {"units": "m"}),
        },
    )
    split = BlockSplit({"y": "5 km", "x": "5 km", "time": "32D"})
    found = leakage_report(split, ds, target=TARGET, predict_on="all")
    roles = split.assign(ds).values
    y, x = (part.ravel() for part in np.meshgrid(ds.y, ds.x, indexing="ij"))
    distances = []
    for here in roles.reshape(12, -1):
        train = here == 0
        apart = np.hypot(y[here == 2][:, None] - y[train], x[here == 2][:, None] - x[train])
        distances.append(apart.min(axis=1))
    wanted = np.quantile(np.concatenate(distances), [0.05, 0.25, 0.5, 0.75, 0.95])
    np.testing.assert_allclose(found.distances[0].test, wanted, atol=1000)
    assert found.distances[0].unit == "m"


def test_samples_whose_targets_straddle_are_counted(report: Report, demo: xr.Dataset) -> None:
    blocks = BlockSplit({"lat": "22.5 deg", "lon": "22.5 deg"})
    assert report(blocks, demo).straddling == 0
    inside = report(blocks, demo, window={"lat": 27, "lon": 27}).straddling
    across = report(blocks, demo, window={"lat": 40, "lon": 40}).straddling
    assert inside == 0
    assert across > 0.3


def test_copies_across_roles_are_counted(report: Report, demo: xr.Dataset) -> None:
    clean = report(BlockSplit(PLACES), demo)
    assert (clean.duplicates, clean.duplicates_among > 1000) == (0, True)
    copied = xr.concat([demo.isel(time=slice(0, 5)), demo.isel(time=slice(0, 5))], "time")
    copied = copied.assign_coords(time=demo.time)
    late = report(TimeSplit("2002-06-28", "2002-06-30"), copied.load())
    assert late.duplicates == late.duplicates_among > 0


class Constants:
    def __init__(self, constants: dict[str, tuple[float, float]]) -> None:
        self._constants = constants

    def constants(self) -> dict[str, tuple[float, float]]:
        return self._constants


@pytest.mark.parametrize("where", ["train", "all", "other"])
def test_statistics_fitted_outside_train_are_found(
    report: Report, demo: xr.Dataset, where: str
) -> None:
    split = BlockSplit(PLACES)
    roles = split.assign(demo)
    kept = {"train": roles == 0, "all": roles >= 0, "other": roles == 2}[where]
    values = demo.where(kept)
    scaler = Constants(
        {
            name: (float(values[name].astype("f8").mean()), float(values[name].astype("f8").std()))
            for name in (TARGET, FEATURE)
        }
    )
    assert report(split, demo, scaler=scaler).statistics == where


def test_a_wrong_question_is_an_error(report: Report, demo: xr.Dataset) -> None:
    with pytest.raises(CubeError):
        leakage_report(RandomSplit(), demo, target="nothing")
    with pytest.raises(SpecError) as caught:
        report(RandomSplit(), demo, predict_on=demo[TARGET].isel(lat=slice(1, None)) > 0)
    assert caught.value.code == "other_grid"
