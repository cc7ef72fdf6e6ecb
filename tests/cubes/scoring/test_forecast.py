"""Forecasts by lead time, persistence, climatology; ensembles."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.scoring.baseline_fit import BaselineFit, baselines
from jupyter_mlkit.cubes.scoring.ensemble import ensemble_scores
from jupyter_mlkit.cubes.scoring.forecast import forecast_scores
from jupyter_mlkit.cubes.scoring.monthly import monthly_climatology
from jupyter_mlkit.cubes.scoring.persistence import PersistenceBaseline
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.errors import InvalidInputError

from ..made import small_cube, small_spec
from .made import area, by_hand, pair

LEADS = np.array([8, 24], "m8[D]").astype("m8[ns]")


def forecast(truth: xr.DataArray, n_init: int = 30) -> xr.DataArray:
    """Truth at the valid time with an error that grows with the lead."""
    init = truth.time.values[:n_init]
    rng = np.random.default_rng(4)
    leads = []
    for i, lead in enumerate(LEADS):
        at = truth.reindex(time=init + lead).rename(time="init_time")
        at = at.assign_coords(init_time=init) + rng.normal(0, i + 1, at.shape).astype("f4")
        leads.append(at)
    return xr.concat(leads, xr.DataArray(LEADS, dims="lead_time", name="lead_time"))


def test_forecasts_are_scored_by_lead_time_against_persistence_and_climatology() -> None:
    """definitions.md, Scoring: "Forecasts: by lead time, skill against persistence and
    climatology"."""
    truth = small_cube(32, 6, 7).b
    prediction = forecast(truth)
    climatology = monthly_climatology(truth.isel(time=slice(0, 16)))
    found = forecast_scores(prediction, truth, climatology)
    assert found.lead_time.values.tolist() == LEADS.tolist()
    months = climatology.reindex(month=range(1, 13)).transpose("month", "lat", "lon").values
    for i, steps in enumerate((1, 3)):
        n = min(30, 32 - steps)
        y = truth.values[steps : steps + n]
        p = prediction.values[i, :n]
        persistence = truth.values[:n]
        month = truth.time.dt.month.values[steps : steps + n] - 1
        usual = months[month]
        known = np.isfinite(p + persistence + usual)
        w = area(truth[:n]) * known
        one = found.isel(lead_time=i)
        mine, still, mean = (by_hand(a, y, w) for a in (p, persistence, usual))
        assert int(one.n) == mine["n"] > 100
        assert float(one.rmse) == pytest.approx(mine["rmse"])
        assert float(one.skill_persistence) == pytest.approx(
            1 - mine["rmse"] ** 2 / still["rmse"] ** 2
        )
        assert float(one.skill_climatology) == pytest.approx(
            1 - mine["rmse"] ** 2 / mean["rmse"] ** 2
        )
    assert 1.5 * float(found.rmse[0]) < float(found.rmse[1])


def test_lead_times_as_numbers_and_maps_of_them() -> None:
    truth = small_cube(20, 6, 7).b
    prediction = forecast(truth, 15)
    hours = prediction.assign_coords(
        lead_time=("lead_time", LEADS / np.timedelta64(1, "h"), {"units": "hours"})
    )
    renamed = hours.rename(lead_time="step", init_time="start")
    found = forecast_scores(renamed, truth, init="start", lead="step", dim="time")
    assert found.rmse.dims == ("step", "lat", "lon")
    wanted = forecast_scores(prediction, truth, dim="time")
    np.testing.assert_array_equal(found.rmse.values, wanted.rmse.values)
    with pytest.raises(InvalidInputError) as caught:
        forecast_scores(truth, truth)
    assert caught.value.code == "no_forecast"


def test_persistence_is_the_value_at_the_initial_time() -> None:
    """definitions.md, Scoring: "Baselines on the same cells ...: mean, per-cell monthly
    climatology (train only), persistence for forecasts, linear"."""
    ds = small_cube(n_time=12)
    ds = ds.isel(time=[0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11])  # a gap in time
    data = CubeData.from_spec(small_spec(lead="8D"), ds=ds)
    found = baselines(data)
    assert list(found) == ["mean", "climatology", "persistence", "linear"]
    samples = data.samples("validation")
    y = data.ds.b
    shifted = y.reindex(time=y.time.values - np.timedelta64(8, "D")).values.ravel()[samples.cell]
    np.testing.assert_array_equal(found["persistence"].predict(samples), shifted)
    assert np.isnan(shifted).any()
    mixed = np.random.default_rng(0).permutation(len(samples))
    np.testing.assert_array_equal(found["persistence"].predict(samples.take(mixed)), shifted[mixed])
    with pytest.raises(InvalidInputError) as caught:
        PersistenceBaseline.of(ds.b, "time", "3D")
    assert caught.value.code == "lead_off_grid"
    with pytest.raises(InvalidInputError):
        PersistenceBaseline.of(ds.b, "time", "3 deg")


def test_baselines_are_fed_piece_by_piece() -> None:
    ds = small_cube(n_time=30)
    data = CubeData.from_spec(small_spec(), ds=ds)
    train, test = data.samples("train"), data.samples("test")
    fit = BaselineFit(data)
    rng = np.random.default_rng(0)
    for part in np.array_split(rng.permutation(len(train)), 40):
        fit.add(train.take(part))
    fit.add(train.take(np.empty(0, np.int64)))
    for name, baseline in fit.solve().items():
        wanted = baselines(data)[name].predict(test)
        np.testing.assert_allclose(baseline.predict(test), wanted, rtol=1e-6)
    empty = BaselineFit(data).solve()
    assert np.isnan(empty["mean"].predict(test)).all()
    assert np.isnan(empty["climatology"].predict(test)).all()


def members(y: xr.DataArray, m: int, seed: int = 0) -> xr.DataArray:
    rng = np.random.default_rng(seed)
    values = y.values[None] + rng.normal(0.3, 2, (m, *y.shape))
    values[0, rng.random(y.shape) < 0.05] = np.nan
    return xr.DataArray(values.astype("f4"), dims=("member", *y.dims), coords=y.coords)


@given(seed=st.integers(0, 100), m=st.integers(1, 9))
@settings(max_examples=15, deadline=None)
def test_crps_spread_and_ranks_by_their_definitions(seed: int, m: int) -> None:
    """definitions.md, Scoring: "Ensembles: CRPS, spread / error, rank histogram"."""
    y = small_cube(5, 4, 6, seed=seed).b.round(0)
    ensemble = members(y, m, seed).round(0)  # with ties
    found = ensemble_scores(ensemble.transpose("lat", "member", "time", "lon"), y)
    x = ensemble.values.astype("f8")
    known = np.isfinite(y.values) & np.isfinite(x).all(axis=0)
    w, t, x = area(y)[known], y.values[known].astype("f8"), x[:, known]
    assert int(found.n) == known.sum()
    pairs = np.abs(x[:, None] - x[None, :]).sum(axis=(0, 1))
    distance = np.abs(x - t).mean(axis=0)
    assert float(found.crps) == pytest.approx(np.average(distance - pairs / (2 * m**2), weights=w))
    error = x.mean(axis=0) - t
    rmse = np.sqrt(np.average(error**2, weights=w))
    assert float(found.rmse) == pytest.approx(rmse)
    assert float(found.bias) == pytest.approx(np.average(error, weights=w))
    ranks = np.zeros(m + 1)
    for i in range(t.size):
        low, high = int((x[:, i] < t[i]).sum()), int((x[:, i] <= t[i]).sum())
        ranks[low : high + 1] += w[i] / (high - low + 1)
    np.testing.assert_allclose(found.rank_histogram.values, ranks / w.sum(), atol=1e-12)
    if m == 1:
        assert np.isnan(float(found.crps_fair))
        assert float(found.crps) == pytest.approx(np.average(np.abs(error), weights=w))
        return
    fair = distance - pairs / (2 * m * (m - 1))
    assert float(found.crps_fair) == pytest.approx(np.average(fair, weights=w))
    spread = np.sqrt(np.average(x.var(axis=0, ddof=1), weights=w))
    assert float(found.spread) == pytest.approx(spread)
    assert float(found.spread_error) == pytest.approx(np.sqrt((m + 1) / m) * spread / rmse)


def test_a_perfect_ensemble_has_flat_ranks_and_spread_like_error() -> None:
    rng = np.random.default_rng(1)
    truth = pair(gaps=0)[1]
    centre = rng.normal(290, 5, truth.shape)
    y = truth.copy(data=(centre + rng.normal(0, 2, truth.shape)).astype("f4"))
    x = centre + rng.normal(0, 2, (7, *truth.shape))
    ensemble = xr.DataArray(x, dims=("member", *truth.dims), coords=truth.coords)
    found = ensemble_scores(ensemble, y)
    assert float(found.spread_error) == pytest.approx(1, abs=0.03)
    np.testing.assert_allclose(found.rank_histogram.values, 1 / 8, atol=0.02)
    # The fair score does not depend on the number of members; the plain one does.
    few = ensemble_scores(ensemble.isel(member=slice(0, 3)), y)
    assert float(few.crps_fair) == pytest.approx(float(found.crps_fair), rel=0.03)
    assert float(few.crps) > 1.1 * float(found.crps)
    by_season = ensemble_scores(ensemble, y, by="time.season")
    assert by_season.rank_histogram.dims == ("season", "rank")
    maps = ensemble_scores(ensemble.chunk(time=9, member=2), y, dim="time")
    assert maps.crps.dims == ("lat", "lon")
    with pytest.raises(InvalidInputError):
        ensemble_scores(truth, y)
