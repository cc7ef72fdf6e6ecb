"""What a sampler is given: NaN policies, masks, classes, packed and odd data, and errors."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.sampling.sampler import Sampler
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.errors import MLKitError

from ..made import small_cube

CUBE = small_cube(4, 12, 15)
SPLIT = BlockSplit({"lat": "3 deg", "lon": "3 deg"}, shares=(0.6, 0.2, 0.2), seed=3)


def one(sampler: Sampler) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = [(batch.X, batch.y, batch.cell) for batch in sampler]
    x, y, cell = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(cell)
    return x[order], y[order], cell[order]


@pytest.mark.parametrize("how", ["mean", "sample_mean", "noise", "constant"])
def test_missing_inputs_are_filled_as_ml4xcube_names_it(how: Any) -> None:
    ds = CUBE.assign(c=CUBE["b"].shift(time=1))
    x, _, cell = one(
        Sampler(ds, ["a", "c"], "b", drop_nan=None, fill_nan=how, constant=-5, split=SPLIT)
    )
    raw = np.stack([ds["a"].values.ravel()[cell], ds["c"].values.ravel()[cell]], axis=1)
    gaps = np.isnan(raw)
    assert gaps.any()
    np.testing.assert_array_equal(x[~gaps], raw[~gaps])
    if how == "mean":
        assert x[gaps] == pytest.approx(np.nanmean(raw[:, 1]), rel=1e-5)  # of train alone
    elif how == "noise":
        assert np.nanmin(raw[:, 1]) <= x[gaps].min() < x[gaps].max() <= np.nanmax(raw[:, 1])
    else:
        assert (x[gaps] == -5).all()  # of a single cell nothing else is in the sample


def test_the_mean_of_a_sample_fills_its_gaps() -> None:
    ds = CUBE.assign(c=CUBE["b"])
    window = {"lat": 4, "lon": 5}
    for batch in Sampler(ds, ["c"], "a", input_dims=window, drop_nan=None, fill_nan="sample_mean"):
        for x, (t, j, i) in zip(batch.X[:, 0], batch.origin, strict=True):
            raw = ds["c"].values[t, j : j + 4, i : i + 5]
            wanted = np.where(np.isnan(raw), np.nanmean(raw), raw)
            np.testing.assert_allclose(x, wanted, rtol=1e-6)


def test_a_mask_says_which_targets_count() -> None:
    mask = xr.DataArray(np.arange(180).reshape(12, 15) % 3, dims=("lat", "lon"), name="m")
    whole = {int(c) for c in one(Sampler(CUBE, ["a"], "b"))[2]}
    inside = np.broadcast_to(mask.values != 0, CUBE["b"].shape).ravel()
    for given in (mask, mask.assign_coords(lat=CUBE.lat), "m"):
        ds = CUBE.assign(m=mask) if isinstance(given, str) else CUBE
        found = one(Sampler(ds, ["a"], "b", mask=given))[2]
        assert set(found.tolist()) == {c for c in whole if inside[c]}


def test_every_cell_lies_in_one_window_and_the_cube_comes_back() -> None:
    ds = CUBE[["a"]]
    found = np.full(ds["a"].shape, np.nan, np.float32)
    seen: Counter[tuple[int, ...]] = Counter()
    window = {"lon": 4, "time": 3}
    for batch in Sampler(ds, ["a"], "a", input_dims=window, roles=["train"]):
        for x, valid, (t, j, i) in zip(batch.X[:, 0], batch.valid, batch.origin, strict=True):
            for a, b in zip(*np.nonzero(valid), strict=True):
                found[t + b, j, i + a] = x[a, b]
                seen[t + b, j, i + a] += 1
    assert set(seen.values()) == {1}
    np.testing.assert_array_equal(found, ds["a"].values)


def test_lags_and_lead_are_those_of_shift() -> None:
    sampler = Sampler(CUBE, ["a"], "b", lags=[0, 2], lead=1)
    assert sampler.names == ("a", "a[t-2]")
    x, y, cell = one(sampler)
    np.testing.assert_array_equal(x[:, 0], CUBE["a"].shift(time=1).values.ravel()[cell])
    np.testing.assert_array_equal(x[:, 1], CUBE["a"].shift(time=3).values.ravel()[cell])
    np.testing.assert_array_equal(y, CUBE["b"].values.ravel()[cell])


def test_packed_integer_and_boolean_variables_are_decoded(tmp_path: Path) -> None:
    ds = CUBE.assign(k=(CUBE["a"] > 280), n=CUBE["a"].astype("i2"))
    packed = {"dtype": "i2", "scale_factor": 0.01, "add_offset": 280.0, "_FillValue": -32768}
    ds.to_zarr(tmp_path / "c.zarr", zarr_format=2, encoding={"b": packed})
    ds = xr.open_zarr(tmp_path / "c.zarr", chunks=None)
    x, y, cell = one(Sampler(ds, ["k", "n"], "b"))
    np.testing.assert_array_equal(y, ds["b"].values.ravel()[cell].astype("f4"))
    np.testing.assert_array_equal(x[:, 0], ds["k"].values.ravel()[cell])
    np.testing.assert_array_equal(x[:, 1], ds["n"].values.ravel()[cell])


def test_frequent_classes_are_thinned_on_train_alone() -> None:
    rng = np.random.default_rng(0)
    classes = (rng.random(CUBE["a"].shape) < 0.1).astype("f4")
    ds = CUBE.assign(c=(CUBE["a"].dims, classes))
    sampler = Sampler(ds, ["a"], "c", balance=True, split=SPLIT, roles=["train", "test"])
    plain = Sampler(ds, ["a"], "c", split=SPLIT, roles=["train", "test"])
    count: dict[str, Counter[float]] = {"train": Counter(), "test": Counter()}
    for batch in sampler:
        count[batch.role].update(batch.y.tolist())
    assert 0.6 < count["train"][0.0] / count["train"][1.0] < 1.6
    assert sum(count["test"].values()) == plain.n_samples("test")
    assert sampler.n_samples("train") == sum(count["train"].values())


def test_a_batch_knows_where_it_comes_from() -> None:
    sampler = Sampler(CUBE, ["a"], "b", split=SPLIT, input_dims={"lon": 4}, drop_nan=None)
    blocks = SPLIT.block_ids(CUBE).values
    for batch in sampler:
        where = batch.coords()
        assert where["lon"].shape == (len(batch), 4)
        for n, (t, j, i) in enumerate(batch.origin):
            assert where["time"][n] == CUBE.time.values[t]
            assert where["lat"][n] == CUBE.lat.values[j]
            inside = CUBE.lon.values[i : i + 4]
            np.testing.assert_array_equal(where["lon"][n, : inside.size], inside)
            assert np.isnan(where["lon"][n, inside.size :]).all()
            assert batch.block[n] == blocks[j, i + batch.valid[n].argmax()]
            area = np.cos(np.radians(CUBE.lat.values[j]))
            assert batch.weight[n][batch.valid[n]] == pytest.approx(area, rel=1e-5)
            assert (batch.weight[n][~batch.valid[n]] == 0).all()
            assert np.isnan(batch.y[n][~batch.valid[n]]).all()


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"input_dims": {"lat": 13}}, "window_too_large", "larger than the cube, which has 12"),
        ({"input_dims": {"lat": 2}, "input_overlap": {"lat": 2}}, "invalid_window", "steps of 0"),
        ({"input_dims": {"level": 2}}, "invalid_window", "'level' is no dim"),
        ({"features": ["ab"]}, "unknown_variable", "no variable 'ab'"),
        ({"features": ["name"]}, "not_numeric", "not numbers"),
        ({"features": []}, "no_features", "needs a feature"),
        ({"roles": ["tests"]}, "invalid_roles", "'tests' is no role"),
        ({"mask": xr.DataArray(np.ones(7), dims="lat")}, "other_grid", "another grid: its 'lat'"),
        ({"target": "height"}, "unsupported_grid", "has the dim 'time'"),
    ],
)  # fmt: skip
def test_wrong_inputs_are_named(changes: Any, code: str, says: str) -> None:
    ds = CUBE.assign(name=CUBE["a"].astype(str).astype(object))
    given = {"features": ["a"], "target": "b", **changes}
    with pytest.raises(MLKitError, match=says) as caught:
        len(Sampler(ds, given.pop("features"), given.pop("target"), **given))
    assert caught.value.code == code


def test_a_window_larger_than_the_block_is_named_with_both() -> None:
    sampler = Sampler(
        CUBE, ["a"], "b", split=SPLIT, roles=["test"], input_dims={"lat": 8, "lon": 8},
        straddle="drop",
    )  # fmt: skip
    with pytest.raises(MLKitError, match=r"8 cells along lat.*lat 3 deg") as caught:
        list(sampler)
    assert caught.value.code == "empty_role"


def test_a_cube_without_cells_has_no_samples() -> None:
    with pytest.raises(MLKitError, match="'lat' has no cells") as caught:
        Sampler(CUBE.isel(lat=slice(0)), ["a"], "b")
    assert caught.value.code == "empty_dimension"
