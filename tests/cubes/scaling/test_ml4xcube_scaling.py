"""ml4xcube's names of scaling: its values, of train alone."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.compat.ml4xcube_scaling import (
    get_range,
    get_statistics,
    normalize,
    standardize,
    undo_normalizing,
    undo_standardizing,
)

from ..made import small_cube


def halves() -> xr.Dataset:
    ds = small_cube().drop_vars("height")
    train = xr.ones_like(ds.a).where(ds.lon < 0, 0.0)
    return ds.assign(split=train, filter_mask=train, land=train)


def test_statistics_are_pairs_by_name() -> None:
    ds = halves().drop_vars("split")
    found = get_statistics(ds, exclude_vars=["land"])
    assert set(found) == {"a", "b"}
    assert found["b"] == pytest.approx([float(ds.b.mean()), float(ds.b.std())], rel=1e-5)
    assert get_range(ds)["a"] == [float(ds.a.min()), float(ds.a.max())]
    arrays = {name: ds[name].values for name in ("a", "b")}
    for mine, theirs in ((get_statistics(arrays), found), (get_range(arrays), get_range(ds))):
        for name in arrays:
            np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-12)


def test_a_split_leaves_the_test_half_out() -> None:
    ds = halves()
    train = ds.where(ds.split == 1)
    assert get_statistics(ds)["a"] == pytest.approx([float(train.a.mean()), float(train.a.std())])
    assert get_range(ds)["b"] == [float(train.b.min()), float(train.b.max())]
    arrays = {str(name): data.values for name, data in ds.data_vars.items()}
    np.testing.assert_allclose(get_statistics(arrays)["b"], get_statistics(ds)["b"], rtol=1e-12)


def test_there_and_back() -> None:
    ds = halves()
    statistics, ranges = get_statistics(ds), get_range(ds)
    arrays = {str(name): data.values for name, data in ds.data_vars.items()}
    for given in (ds, arrays):
        standard = standardize(given, statistics, filter_var="land")
        ranged = normalize(given, ranges, filter_var="land")
        for name in ("a", "b"):
            back = undo_standardizing(standard[name], *statistics[name])
            np.testing.assert_allclose(back, given[name], rtol=1e-5)
            back = undo_normalizing(ranged[name], *ranges[name])
            np.testing.assert_allclose(back, given[name], rtol=1e-5)
        for name in ("split", "land"):
            np.testing.assert_array_equal(standard[name], given[name])
    assert standardize(ds, statistics).a.attrs == ds.a.attrs


def test_what_does_not_vary_becomes_zero_and_comes_back() -> None:
    flat = {"a": np.full(4, 7.0)}
    for scale, undo, constants in (
        (standardize, undo_standardizing, get_statistics(flat)),
        (normalize, undo_normalizing, get_range(flat)),
    ):
        scaled = scale(flat, constants)
        assert scaled["a"].tolist() == [0] * 4
        assert undo(scaled["a"], *constants["a"]).tolist() == [7] * 4
