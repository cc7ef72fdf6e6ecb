"""Scores, baselines, agreement and what makes two runs comparable."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.demo.cube import demo_truth
from jupyter_mlkit.cubes.scoring.samples import baselines, evaluation, least_squares, score_samples
from jupyter_mlkit.cubes.splits.roles import ROLES
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.cubes.view.samples import Samples
from jupyter_mlkit.errors import InvalidInputError
from jupyter_mlkit.spec import TrainingSpec

from ..made import small_cube, small_spec


def table(y: np.ndarray, weight: np.ndarray) -> Samples:
    zeros = np.zeros(len(y), np.int64)
    return Samples(np.zeros((len(y), 1), "f4"), y.astype("f4"), weight, zeros, zeros)


@given(seed=st.integers(0, 10**6), missing=st.floats(0, 0.9))
@settings(max_examples=40, deadline=None)
def test_scores_by_their_formulas(seed: int, missing: float) -> None:
    rng = np.random.default_rng(seed)
    y, w = rng.normal(290, 10, 300).astype("f4"), rng.uniform(0, 1, 300)
    prediction = np.where(rng.random(300) < missing, np.nan, y + rng.normal(1, 2, 300))
    prediction[:2] = y[:2]
    found = score_samples(prediction, table(y, w))
    known = np.isfinite(prediction)
    e, v, t = prediction[known] - y[known], w[known], y[known].astype("f8")
    assert found["n"] == known.sum()
    assert found["weight"] == pytest.approx(v.sum())
    assert found["rmse"] == pytest.approx(math.sqrt(np.average(e**2, weights=v)))
    assert found["mae"] == pytest.approx(np.average(np.abs(e), weights=v))
    assert found["bias"] == pytest.approx(np.average(e, weights=v))
    about = np.average(t, weights=v)
    spread = np.sum(v * (t - about) ** 2)
    assert found["r2"] == pytest.approx(1 - np.sum(v * e**2) / spread, rel=1e-6, abs=1e-6)


def test_nothing_to_score_and_nonsense() -> None:
    samples = table(np.ones(3), np.ones(3))
    nothing = score_samples(np.full(3, np.nan), samples)
    assert nothing["n"] == 0
    assert math.isnan(nothing["rmse"])
    with pytest.raises(InvalidInputError):
        score_samples(np.ones(4), samples)
    with pytest.raises(InvalidInputError) as caught:
        score_samples(np.array([1.0, np.inf, 1.0]), samples)
    assert caught.value.code == "infinite_prediction"
    assert score_samples(np.ones((3, 1)), samples)["rmse"] == 0


def test_baselines_by_their_definitions() -> None:
    ds = small_cube(n_time=12)
    split = {"kind": "time", "validation_start": "2001-03-01", "test_start": "2001-03-20"}
    data = CubeData.from_spec(small_spec(split=split), ds=ds)
    found = baselines(data)
    assert list(found) == ["mean", "climatology", "linear"]
    train, test = data.samples("train"), data.samples("validation")
    mean = found["mean"].predict(test)
    assert mean == pytest.approx(np.average(train.y, weights=train.weight))
    # Climatology: January of the place, of valid samples only.
    valid = ds.b.where(ds.a.notnull() & ds.height.notnull())
    first = valid.where(data.split.assign(ds) == 0)
    monthly = first.groupby("time.month").mean()
    wanted = monthly.reindex(month=range(1, 13)).sel(month=ds.time.dt.month)
    flat = wanted.transpose(*ds.b.dims).values.ravel()[train.cell]
    np.testing.assert_allclose(found["climatology"].predict(train), flat, rtol=1e-6)
    # March is not in train: undefined, and scored nowhere.
    assert found["climatology"].score(data, "validation")["n"] == 0
    both = np.column_stack([np.ones(len(train)), train.X]).astype("f8")
    root = np.sqrt(train.weight)
    beta, *_ = np.linalg.lstsq(both * root[:, None], train.y * root, rcond=None)
    linear = np.column_stack([np.ones(len(test)), test.X]) @ beta
    np.testing.assert_allclose(found["linear"].predict(test), linear, rtol=1e-9)
    score = found["linear"].score(data, "validation")
    assert score == pytest.approx(score_samples(linear, test))


def test_climatology_is_undefined_in_new_places(demo_spec: Callable[..., TrainingSpec]) -> None:
    data = CubeData.from_spec(demo_spec())
    assert baselines(data)["climatology"].score(data, "test")["n"] == 0
    gaps = {"kind": "block", "sizes": {"time": "16D", "lat": "10 deg", "lon": "10 deg"}}
    gapped = CubeData.from_spec(demo_spec(split=gaps))
    score = baselines(gapped)["climatology"].score(gapped, "test")
    n = next(count.cells for count in gapped.counts() if count.role == "test")
    assert 0 < score["n"] < n
    assert 1 < score["rmse"] < 8


def test_no_climatology_without_dates() -> None:
    ds = small_cube().isel(time=0, drop=True)
    data = CubeData.from_spec(small_spec(), ds=ds)
    assert list(baselines(data)) == ["mean", "linear"]


def test_linear_reference_agrees_with_a_stable_solver(
    demo_spec: Callable[..., TrainingSpec],
) -> None:
    data = CubeData.from_spec(demo_spec())
    train, test = data.samples("train"), data.samples("test")
    for weighted in (False, True):
        pieces = data.pieces(("train",), budget=2**20)
        batches = (piece.tables["train"] for piece in pieces)
        fitted = least_squares(batches, 1, weighted=weighted)
        root = np.sqrt(train.weight) if weighted else np.ones(len(train))
        design = np.column_stack([np.ones(len(train)), train.X]).astype("f8")
        beta, *_ = np.linalg.lstsq(design * root[:, None], train.y * root, rcond=None)
        error = fitted.predict(test) - np.column_stack([np.ones(len(test)), test.X]) @ beta
        assert np.abs(error).max() < 1e-8


def test_all_cells_give_the_recorded_optimum(demo_spec: Callable[..., TrainingSpec]) -> None:
    data = CubeData.from_spec(demo_spec())
    truth = demo_truth(data.ds)
    assert truth is not None
    pieces = [batch for role in ROLES for batch in data.batches(role)]
    fitted = least_squares(pieces, 1)
    assert fitted.coefficients[0] == pytest.approx(truth.slope, abs=1e-6)
    assert fitted.intercept + 273.15 * fitted.coefficients[0] == pytest.approx(
        truth.intercept, abs=1e-4
    )


def test_useless_features_get_nothing() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=50), np.full(50, 3.0)]).astype("f4")
    zeros = np.zeros(50, np.int64)
    samples = Samples(x, 2 * x[:, 0] + 1, np.ones(50), zeros, zeros)
    fitted = least_squares(samples, 2)
    assert fitted.coefficients == pytest.approx([2, 0], abs=1e-6)
    assert fitted.intercept == pytest.approx(1, abs=1e-6)


@pytest.fixture(scope="module")
def evaluated() -> tuple[xr.Dataset, str]:
    ds = small_cube()
    return ds, evaluation(CubeData.from_spec(small_spec(), ds=ds), "validation").hash


@pytest.mark.parametrize(
    "same",
    [
        lambda ds: ds.chunk(time=2, lat=7),
        lambda ds: ds.transpose("lon", "time", "lat"),
        lambda ds: ds.isel(lat=slice(None, None, -1)),
        lambda ds: ds.assign(other=ds.a),
        lambda ds: ds.assign(a=ds.a * 2 + 1),
        lambda ds: ds.assign_coords(lat=ds.lat.astype("f4"), lon=ds.lon.astype("f4")),
        lambda ds: ds.pad(time=(0, 1)).assign_coords(
            time=np.append(ds.time.values, np.datetime64("2030-01-01", "ns"))
        ),
    ],
)
def test_what_is_no_bar_to_comparison(evaluated: tuple[xr.Dataset, str], same: Any) -> None:
    ds, wanted = evaluated
    assert evaluation(CubeData.from_spec(small_spec(), ds=same(ds)), "validation").hash == wanted


def with_bounds(ds: xr.Dataset, half: float, dtype: str = "f8") -> xr.Dataset:
    edges = np.stack([ds.lat.values - half, ds.lat.values + half], axis=1).astype(dtype)
    return ds.assign(lat_bnds=(("lat", "bnds"), edges))


def test_weights_of_the_cells_belong_to_it() -> None:
    """definitions.md, Scoring: the evaluation hash covers the weights."""
    ds = with_bounds(small_cube(), 0.37)

    def hashed(cube: xr.Dataset, **changes: Any) -> str:
        return evaluation(CubeData.from_spec(small_spec(**changes), ds=cube), "validation").hash

    wanted = hashed(ds)
    assert hashed(with_bounds(small_cube(), 0.43)) != wanted
    assert hashed(small_cube()) != wanted
    assert hashed(with_bounds(small_cube(), 0.37, "f4")) == wanted
    assert hashed(ds.isel(lat=slice(None, None, -1))) == wanted
    assert hashed(ds.assign(lat_bnds=ds.lat_bnds.isel(bnds=[1, 0]))) == wanted
    # The same cells are scored in a crop and in a cube with more of them.
    period = {"start": "2001-01-01", "end": "2001-01-20"}
    cut = ds.isel(time=slice(0, 3))
    assert hashed(cut) == hashed(ds, period=period)


def one_truth_changed(ds: xr.Dataset) -> xr.Dataset:
    data = CubeData.from_spec(small_spec(), ds=ds)
    cell = int(data.samples("validation").cell[17])
    values = ds.b.values.copy()
    values.ravel()[cell] = np.nextafter(values.ravel()[cell], np.float32(np.inf))
    return ds.assign(b=(ds.b.dims, values, ds.b.attrs))


def one_cell_gone(ds: xr.Dataset) -> xr.Dataset:
    data = CubeData.from_spec(small_spec(), ds=ds)
    cell = int(data.samples("validation").cell[17])
    values = ds.b.values.copy()
    values.ravel()[cell] = np.nan
    return ds.assign(b=(ds.b.dims, values, ds.b.attrs))


@pytest.mark.parametrize(
    ("other", "changes"),
    [
        (one_truth_changed, {}),
        (one_cell_gone, {}),
        (lambda ds: ds.assign(b=ds.b.assign_attrs(units="degC")), {}),
        (lambda ds: ds.rename(b="b2"), {"target": "b2"}),
        (lambda ds: ds, {"features": ["a"]}),  # height has gaps: other cells are scored
        (lambda ds: ds.assign_coords(lat=ds.lat + 0.25), {}),
        (lambda ds: ds, {"region": {"west": -20, "south": 31, "east": 20, "north": 55}}),
        (
            lambda ds: ds.assign_coords(
                lat_bnds=(("lat", "n"), np.stack([ds.lat - 0.5, ds.lat + 0.5], axis=1))
            ),
            {},
        ),
    ],
)
def test_what_bars_comparison(
    evaluated: tuple[xr.Dataset, str], other: Any, changes: dict[str, Any]
) -> None:
    ds, hashed = evaluated
    data = CubeData.from_spec(small_spec(**changes), ds=other(ds))
    assert evaluation(data, "validation").hash != hashed


def test_evaluation_tells_what_it_is_of(evaluated: tuple[xr.Dataset, str]) -> None:
    data = CubeData.from_spec(small_spec(), ds=evaluated[0])
    found = evaluation(data, "test")
    assert (found.target, found.units, found.role) == ("b", "K", "test")
    assert found.n_cells == len(data.samples("test"))
    assert found.weights == "area (cos lat)"
    assert found.hash != evaluation(data, "train").hash
    assert evaluation(data, "test", data.samples("test")) == found


def test_swapped_truths_are_seen() -> None:
    ds = small_cube()
    data = CubeData.from_spec(small_spec(), ds=ds)
    i, j = data.samples("validation").cell[[3, 90]]
    values = ds.b.values.copy()
    values.ravel()[[i, j]] = values.ravel()[[j, i]]
    other = CubeData.from_spec(small_spec(), ds=ds.assign(b=(ds.b.dims, values, ds.b.attrs)))
    mine, theirs = evaluation(data, "validation"), evaluation(other, "validation")
    assert mine.cells_digest == theirs.cells_digest
    assert mine.truth_digest != theirs.truth_digest
