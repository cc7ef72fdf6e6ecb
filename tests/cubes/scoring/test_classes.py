"""Scores of classifications, probabilities and clusterings against scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from sklearn import metrics

from jupyter_mlkit.cubes.scoring import cube_pass
from jupyter_mlkit.cubes.scoring.calibration import calibration
from jupyter_mlkit.cubes.scoring.classes import class_scores
from jupyter_mlkit.cubes.scoring.clusters import cluster_scores
from jupyter_mlkit.errors import InvalidInputError

from ..made import small_cube
from .made import area

FLAGS = {
    "flag_values": np.array([0, 10, 20, 30], "i2"),
    "flag_meanings": "water forest crop ice",
    "flag_colors": "#0000ff #006400 #f4a300 #ffffff",
}


def land_cover(seed: int = 0) -> tuple[xr.DataArray, xr.DataArray]:
    """Predicted and true classes with gaps; there is no ice."""
    a = small_cube(6, 10, 12, seed=seed).a
    rng = np.random.default_rng(seed)
    truth = np.digitize(a.values, [275, 285]) * 10.0
    wrong = rng.random(a.shape) < 0.3
    predicted = np.where(wrong, rng.integers(0, 3, a.shape) * 10.0, truth)
    truth[rng.random(a.shape) < 0.1] = np.nan
    predicted[rng.random(a.shape) < 0.1] = np.nan
    return a.copy(data=predicted), a.copy(data=truth).assign_attrs(FLAGS)


def test_classes_are_scored_by_area() -> None:
    """definitions.md, Scoring: "Classes: per-class precision, recall, F1, IoU, area-weighted
    confusion matrix ...; names and colours from CF `flag_meanings` / `flag_colors`"."""
    predicted, truth = land_cover()
    found = class_scores(predicted.chunk(time=2), truth)
    known = np.isfinite(predicted.values) & np.isfinite(truth.values)
    p, t, w = predicted.values[known], truth.values[known], area(truth)[known]
    confusion = metrics.confusion_matrix(t, p, labels=[0, 10, 20, 30], sample_weight=w)
    np.testing.assert_allclose(found.confusion.values, confusion)
    of_class = metrics.precision_recall_fscore_support(
        t, p, labels=[0, 10, 20], sample_weight=w, zero_division=np.nan
    )
    for name, wanted in zip(("precision", "recall", "f1", "support"), of_class, strict=True):
        np.testing.assert_allclose(found[name].values[:3], wanted)
    jaccard = metrics.jaccard_score(t, p, labels=[0, 10, 20], average=None, sample_weight=w)
    np.testing.assert_allclose(found.iou.values[:3], jaccard)
    assert float(found.accuracy) == pytest.approx(metrics.accuracy_score(t, p, sample_weight=w))
    balanced = metrics.balanced_accuracy_score(t, p, sample_weight=w)
    assert float(found.balanced_accuracy) == pytest.approx(balanced)
    assert found["class"].values.tolist() == FLAGS["flag_meanings"].split()  # type: ignore[attr-defined]
    assert found.color.values.tolist() == FLAGS["flag_colors"].split()  # type: ignore[attr-defined]
    # No ice is there or predicted: no score, and no part in the means.
    assert np.isnan(found.f1.sel({"class": "ice"}))
    assert float(found.f1_macro) == pytest.approx(float(found.f1[:3].mean()))
    assert int(found.n) == known.sum()


def test_classes_by_group_and_without_flags() -> None:
    predicted, truth = land_cover()
    plain = truth.drop_attrs()
    found = class_scores(predicted, plain, by=("time.month", ("lat", [50, 55, 60])))
    assert found.number.values.tolist() == [0, 10, 20]
    assert found.confusion.dims == ("month", "lat_band", "class", "class_predicted")
    whole = class_scores(predicted, plain)
    np.testing.assert_allclose(found.confusion.sum(("month", "lat_band")), whole.confusion)
    one = predicted.where((truth.time.dt.month == 1) & (truth.lat < 55))
    alone = class_scores(one, plain, classes=[0, 10, 20])
    np.testing.assert_allclose(found.f1.sel(month=1, lat_band="50 to 55"), alone.f1)


def test_ignored_and_unknown_classes() -> None:
    predicted, truth = land_cover()
    found = class_scores(predicted, truth, ignore_index=20)
    counts = predicted.notnull() & truth.notnull() & (truth != 20)
    assert int(found.n) == int(counts.sum())
    # To predict the ignored class where another one is true is wrong.
    assert float(found.precision.sel({"class": "crop"})) == 0
    assert float(found.confusion.sel({"class": "crop"}).sum()) == 0
    with pytest.raises(InvalidInputError) as caught:
        class_scores(predicted, truth.fillna(255))
    assert caught.value.code == "unknown_class"
    filled = class_scores(predicted, truth.fillna(255).assign_attrs(FLAGS), ignore_index=255)
    xr.testing.assert_allclose(filled, class_scores(predicted, truth))
    with pytest.raises(InvalidInputError) as caught:
        class_scores(small_cube(40).a, small_cube(40).a)
    assert caught.value.code == "too_many_classes"


def test_probabilities_that_come_true_are_calibrated() -> None:
    a = small_cube(30, 10, 12).a
    rng = np.random.default_rng(0)
    p = rng.random(a.shape)
    truth = a.copy(data=(rng.random(a.shape) < p).astype("f4"))
    honest = calibration(a.copy(data=p), truth, bins=10)
    assert float(honest.ece) < 0.05
    assert float(honest.brier) == pytest.approx(1 / 6, abs=0.01)
    sure = calibration(a.copy(data=(p > 0.5) * 0.98 + 0.01), truth, bins=10)
    w = area(a)
    inside = p > 0.5
    frequency = np.average(truth.values[inside], weights=w[inside])
    assert float(sure.frequency[-1]) == pytest.approx(frequency)
    assert float(sure.confidence[-1]) == pytest.approx(0.99)
    assert np.isnan(sure.frequency[5])
    assert float(sure.ece) == pytest.approx(0.24, abs=0.03)
    assert int(sure.n.sum()) == a.size
    with pytest.raises(InvalidInputError) as caught:
        calibration(a.copy(data=p * 2), truth)
    assert caught.value.code == "invalid_probability"


def test_the_likeliest_of_many_classes_is_judged() -> None:
    _, truth = land_cover()
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], truth.shape).astype("f4")
    coords = {**truth.coords, "class": [0, 10, 20]}
    probability = xr.DataArray(p, dims=(*truth.dims, "class"), coords=coords)
    found = calibration(probability, truth, bins=4)
    known = np.isfinite(truth.values)
    sure, best = p.max(axis=-1)[known], p.argmax(axis=-1)[known] * 10
    right, w = best == truth.values[known], area(truth)[known]
    for i in range(4):
        mine = (sure >= i / 4) & (sure < (i + 1) / 4)
        if mine.any():
            wanted = np.average(right[mine], weights=w[mine])
            assert float(found.frequency[i]) == pytest.approx(wanted)


@pytest.mark.parametrize("dim", ["time", ("lat", "lon")])
def test_class_maps_and_series_are_scores_of_each_place_and_time(
    dim: str | tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small boxes and pieces, so that the parts of the result are put together.
    monkeypatch.setattr(cube_pass, "_BOX_BYTES", 4_000)
    monkeypatch.setattr(cube_pass, "_PIECE_CELLS", 30)
    predicted, truth = land_cover()
    found = class_scores(predicted.chunk(time=2, lat=3), truth, dim=dim)
    kept = ("lat", "lon") if dim == "time" else ("time",)
    assert found.confusion.dims == (*kept, "class", "class_predicted")
    assert found.accuracy.dims == kept
    np.testing.assert_allclose(found.confusion.sum(kept), class_scores(predicted, truth).confusion)
    for place in ({"lat": 3, "lon": 7}, {"lat": 9, "lon": 0}, {"time": 5}, {"time": 2}):
        if set(place) != set(kept):
            continue
        held = {name: slice(i, i + 1) for name, i in place.items()}
        weights = xr.DataArray(area(truth), dims=truth.dims).isel(held)
        alone = class_scores(predicted.isel(held), truth.isel(held), weights=weights)
        for name in ("confusion", "f1", "accuracy", "iou_mean", "n", "weight"):
            np.testing.assert_allclose(found[name].isel(place), alone[name])


def test_class_maps_by_season_keep_places_and_groups() -> None:
    predicted, truth = land_cover()
    found = class_scores(predicted, truth, dim="time", by="time.month")
    assert found.iou.dims == ("lat", "lon", "month", "class")
    month = (truth.time.dt.month == int(found.month[1])).values
    alone = class_scores(predicted[month], truth[month], dim="time")
    np.testing.assert_allclose(found.confusion.isel(month=1), alone.confusion)
    with pytest.raises(InvalidInputError) as caught:
        class_scores(predicted, truth, dim="lat", by="time.month")
    assert caught.value.code == "group_along_kept_dim"


def test_confusion_matrices_that_fill_the_memory_are_refused() -> None:
    a = small_cube(2, 40, 40).a
    codes = a.copy(data=np.zeros(a.shape))
    with pytest.raises(InvalidInputError, match="1600 confusion matrices of 300") as caught:
        class_scores(codes, codes, classes=list(range(300)), dim="time")
    assert caught.value.code == "too_many_groups"


@pytest.mark.parametrize("options", [{"dim": "time"}, {"dim": ("lat", "lon")}, {"by": "region"}])
def test_calibration_by_place_time_and_region(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cube_pass, "_BOX_BYTES", 4_000)
    monkeypatch.setattr(cube_pass, "_PIECE_CELLS", 30)
    a = small_cube(30, 10, 12).a
    rng = np.random.default_rng(0)
    p = a.copy(data=rng.random(a.shape)).chunk(time=7)
    truth = a.copy(data=(rng.random(a.shape) < 0.4).astype("f4"))
    region = ((a.lat > 55) * 1).rename("region")
    by = region if "by" in options else ()
    found = calibration(p, truth, bins=5, dim=options.get("dim"), by=by)
    whole = calibration(p, truth, bins=5)
    kept = found.ece.dims
    assert found.frequency.dims == (*kept, "bin")
    np.testing.assert_allclose(found.n.sum(kept), whole.n)
    np.testing.assert_allclose((found.brier * found.weight.sum("bin")).sum() / whole.weight.sum(),
                               whole.brier)  # fmt: skip
    place = {name: found.sizes[name] - 1 for name in kept}
    if "region" in place:
        mine = {"lat": np.flatnonzero(region.values == 1)}
    else:
        mine = {name: slice(i, i + 1) for name, i in place.items()}  # type: ignore[misc]
    weights = xr.DataArray(area(truth), dims=truth.dims).isel(mine)
    alone = calibration(p.isel(mine), truth.isel(mine), bins=5, weights=weights)
    for name in ("confidence", "frequency", "ece", "brier"):
        np.testing.assert_allclose(found[name].isel(place), alone[name])


def test_clusters_are_scored_on_a_seeded_sample() -> None:
    """issue 3, Scores: "clustering"; the sample follows from seed and cell alone."""
    predicted, truth = land_cover()
    ds = small_cube(6, 10, 12)
    labels = truth.fillna(-1).drop_attrs()
    features = {"a": ds.a, "b": ds.b}
    found = cluster_scores(features, labels, predicted, sample=200)
    again = cluster_scores(
        {name: a.chunk(time=1, lat=4) for name, a in features.items()},
        labels.chunk(lat=3),
        predicted,
        sample=200,
    )
    xr.testing.assert_identical(found, again)
    other = cluster_scores(features, labels, predicted, sample=200, seed=1)
    assert float(other.silhouette) != float(found.silhouette)
    assert int(found.n_sample) == 200
    known = labels.values >= 0
    w = area(labels)
    share = [w[labels.values == k].sum() / w[known].sum() for k in (0, 10, 20)]
    np.testing.assert_allclose(found.area_share.values, share)
    both = known & np.isfinite(predicted.values)
    rand = metrics.adjusted_rand_score(labels.values[both], predicted.values[both])
    assert float(found.adjusted_rand) == pytest.approx(rand)
    whole = cluster_scores(features, labels, sample=10**6)
    there = known & np.isfinite(ds.b.values)
    x = np.column_stack([ds.a.values[there], ds.b.values[there]])
    kind = labels.values[there]
    assert float(whole.silhouette) == pytest.approx(metrics.silhouette_score(x, kind), rel=1e-5)
    wanted = metrics.davies_bouldin_score(x, kind)
    assert float(whole.davies_bouldin) == pytest.approx(wanted, rel=1e-5)


def test_one_cluster_has_no_silhouette() -> None:
    ds = small_cube(2, 5, 5)
    found = cluster_scores({"a": ds.a}, xr.zeros_like(ds.a))
    assert np.isnan(float(found.silhouette))
    assert found.area_share.values.tolist() == [1]
