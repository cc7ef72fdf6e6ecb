"""What lies in another cube is as far from train as brute force says."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from jupyter_mlkit.cubes.splits.autocorrelation import Autocorrelation
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.cubes.splits.leakage import QUANTILES, Distances, LeakageReport, leakage_report
from jupyter_mlkit.cubes.splits.random import RandomSplit
from jupyter_mlkit.errors import SpecError

from ..grids.kinds import projected

Floats = NDArray[np.float64]
SPLIT = BlockSplit({"y": "5 km", "x": "5 km", "time": "32D"})


def plane(
    n_time: int = 12, rows: int = 20, columns: int = 24, *,
    start: str = "2001-01-01", at: tuple[float, float] = (0.0, 0.0), step: float = 1000.0,
) -> xr.Dataset:  # fmt: skip
    rng = np.random.default_rng(0)
    shape = (n_time, rows, columns)
    values = {name: (("time", "y", "x"), rng.standard_normal(shape).astype("f4")) for name in "tf"}
    coords = {
        "time": np.datetime64(start, "ns") + np.arange(n_time) * np.timedelta64(8, "D"),
        "y": ("y", at[0] + step * np.arange(rows), {"units": "m"}),
        "x": ("x", at[1] + step * np.arange(columns), {"units": "m"}),
    }
    return xr.Dataset(values, coords=coords)


def _length(axis: str, unit: str, length: float) -> Autocorrelation:
    return Autocorrelation(
        axis,
        "target",
        "reached",
        length,
        (None, None),
        unit,
        10**6,
        (length,),
        (1.0,),
        0.0,
        1.0,  # type: ignore[arg-type]
    )


LENGTHS = (_length("space", "m", 4000.0), _length("time", "D", 24.0))


def report(other: xr.Dataset, ds: xr.Dataset | None = None) -> LeakageReport:
    cube = plane() if ds is None else ds
    return leakage_report(
        SPLIT, cube, target="t", features=["f"], predict_on=other, autocorrelation=LENGTHS
    )


def found(other: xr.Dataset) -> tuple[Distances, Distances]:
    space, time = report(other).distances
    return space, time


def in_space(other: xr.Dataset, shift: int = 0) -> Floats:
    """Distances of all cells to train cells of the same date, by brute force."""
    ds = plane()
    roles = SPLIT.assign(ds).values.reshape(12, -1)
    places = [
        np.stack([p.ravel() for p in np.meshgrid(one.y, one.x, indexing="ij")], 1)
        for one in (ds, other)
    ]
    far = np.linalg.norm(places[1][:, None] - places[0][None], axis=-1)
    dates = range(other.sizes["time"])
    return np.concatenate([far[:, roles[i + shift] == 0].min(axis=1) for i in dates])


def test_a_neighbouring_region_is_as_far_as_it_lies() -> None:
    other = plane(at=(25_000.0, 3_000.0))
    space, time = found(other)
    wanted = np.quantile(in_space(other), QUANTILES)
    np.testing.assert_allclose(space.prediction, wanted, atol=800)
    assert space.prediction_without == 0
    assert (time.prediction, time.prediction_without) == ((), 1.0)
    assert report(other).verdict == "too easy"


def test_the_same_cells_are_where_they_are_as_a_cube_or_by_word() -> None:
    ds = plane()
    whole, by_word = report(ds), leakage_report(
        SPLIT, ds, target="t", features=["f"], predict_on="all", autocorrelation=LENGTHS
    )  # fmt: skip
    for mine, theirs in zip(whole.distances, by_word.distances, strict=True):
        np.testing.assert_allclose(mine.prediction, theirs.prediction, atol=1000)
        assert mine.prediction_without == pytest.approx(theirs.prediction_without, abs=0.05)
        assert mine.test == theirs.test


def test_later_dates_at_the_same_places_are_days_away() -> None:
    later = plane(4, start="2001-04-15")  # 16 days after the last date
    space, time = found(later)
    assert (space.prediction, space.prediction_without) == ((), 1.0)
    ds = plane()
    train = (SPLIT.assign(ds) == 0).values
    days = (ds.time.values - np.datetime64("2001-01-01")) / np.timedelta64(1, "D")
    asked = (later.time.values - np.datetime64("2001-01-01")) / np.timedelta64(1, "D")
    last = np.where(train, days[:, None, None], -np.inf).max(axis=0)
    wanted = (asked[:, None, None] - last).ravel()
    some = np.quantile(wanted[np.isfinite(wanted)], QUANTILES)
    # Of a sample of the places, whose farthest ones are few.
    np.testing.assert_allclose(time.prediction[:4], some[:4], atol=8)
    assert 16 <= time.prediction[0] <= time.prediction[-1] <= wanted[np.isfinite(wanted)].max()


def test_a_finer_grid_of_the_same_places_is_found_in_its_cells() -> None:
    finer = plane(rows=40, columns=48, step=500.0, at=(-250.0, -250.0))
    space, time = found(finer)
    np.testing.assert_allclose(space.prediction, np.quantile(in_space(finer), QUANTILES), atol=800)
    assert time.prediction_without < 0.2


def test_dates_between_belong_to_the_nearest_step() -> None:
    shifted = plane(4, start="2001-01-19")  # a day and a half from the third date of the cube
    space, _ = found(shifted)
    wanted = np.quantile(in_space(shifted, shift=2), QUANTILES)
    np.testing.assert_allclose(space.prediction, wanted, atol=800)


def test_cells_without_features_are_not_predicted() -> None:
    near, far = plane(at=(21_000.0, 0.0)), plane(at=(300_000.0, 0.0))
    both = xr.concat([near, far], "y")
    known = both.assign(f=both.f.where(both.y < 100_000))
    assert max(found(known)[0].prediction) < 50_000 < max(found(both)[0].prediction)
    bare = both.drop_vars(["t", "f"])
    np.testing.assert_allclose(found(bare)[0].prediction, found(both)[0].prediction, atol=2000)


def test_a_cube_without_dates_is_meant_at_every_date() -> None:
    still = plane(at=(25_000.0, 3_000.0)).isel(time=0, drop=True)
    dated = plane(at=(25_000.0, 3_000.0))
    still_space, dated_space = found(still)[0], found(dated)[0]
    np.testing.assert_allclose(still_space.prediction, dated_space.prediction, atol=800)


def test_measurements_have_their_own_dates() -> None:
    rng = np.random.default_rng(1)
    n = 60
    globe = xr.Dataset(
        {
            name: (("time", "lat", "lon"), rng.normal(size=(6, 20, 20)).astype("f4"))
            for name in "tf"
        },
        coords={
            "time": np.datetime64("2001-01-01", "ns") + np.arange(6) * np.timedelta64(8, "D"),
            "lat": np.arange(20) + 30.5,
            "lon": np.arange(20) + 0.5,
        },
    )
    steps = rng.integers(0, 6, n)
    stations = xr.Dataset(
        {"f": ("sample", rng.normal(size=n).astype("f4"))},
        coords={
            "time": ("sample", globe.time.values[steps]),
            "lat": ("sample", rng.uniform(30, 50, n)),
            "lon": ("sample", rng.uniform(25, 30, n)),
        },
    )
    split = RandomSplit()
    made = leakage_report(
        split, globe, target="t", features=["f"], predict_on=stations,
        autocorrelation=(_length("space", "deg", 3.0), _length("time", "D", 24.0)),
    )  # fmt: skip
    space, time = made.distances
    # The eastern edge lies at 19.5 deg E; a degree of longitude is 0.64 to 0.87 of one of arc.
    assert space.prediction[0] > 0.62 * 5
    assert space.prediction[-1] < 0.88 * 10.5
    assert time.prediction_without == 1
    assert made.verdict == "too easy"


def test_cubes_that_place_their_cells_otherwise_are_refused() -> None:
    degrees = xr.Dataset(coords={"lat": np.arange(5.0), "lon": np.arange(5.0)})
    for other in (degrees, projected()):
        with pytest.raises(SpecError) as caught:
            found(other.rename(northing="y", easting="x") if other is not degrees else other)
        assert (caught.value.code, caught.value.field) == ("other_grid", "predict_on")
