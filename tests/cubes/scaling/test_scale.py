"""Scaling constants: of train alone, exact in pieces, and back again."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.scaling.scaler import Scaler
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.cubes.view.samples import Samples
from jupyter_mlkit.errors import InvalidInputError

from ..made import small_cube, small_spec


def scaled(scaler: Scaler, x: np.ndarray) -> np.ndarray:
    return ((x - scaler.x_offset) / scaler.x_scale).astype(np.float32)


def table(x: np.ndarray, y: np.ndarray) -> Samples:
    n = len(y)
    zeros = np.zeros(n, np.int64)
    return Samples(x.astype("f4"), y.astype("f4"), np.ones(n), zeros, zeros)


@pytest.mark.parametrize("kind", ["standardize", "normalize", "none"])
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(0, 200), max_size=4))
@settings(max_examples=25, deadline=None)
def test_round_trip_and_pieces(kind: Any, seed: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    scales = 10 ** rng.uniform(-3, 3, 2)
    samples = table(rng.normal(280, 10, (200, 2)) * scales, rng.normal(290, 5, 200))
    scaler = Scaler.fit(kind, samples, ["a", "b"])
    edges = [0, *sorted(cuts), 200]
    pieces = [samples.take(np.arange(i, j)) for i, j in itertools.pairwise(edges)]
    merged = Scaler.fit(kind, iter(pieces), ["a", "b"])
    np.testing.assert_allclose(merged.x_offset, scaler.x_offset, rtol=1e-12)
    np.testing.assert_allclose(merged.x_scale, scaler.x_scale, rtol=1e-10)
    back = scaler.transform_y(samples.y) * scaler.y_scale + scaler.y_offset
    np.testing.assert_allclose(back, samples.y, atol=1e-5)
    again = Scaler.from_dict(json.loads(json.dumps(scaler.to_dict())))
    assert again.names == ("a", "b")
    np.testing.assert_array_equal(scaled(again, samples.X), scaled(scaler, samples.X))
    assert (again.y_offset, again.y_scale) == (scaler.y_offset, scaler.y_scale)
    assert scaled(scaler, samples.X).dtype == np.float32


def test_meaning() -> None:
    samples = table(np.array([[270.0], [280.0], [290.0]]), np.array([1.0, 2.0, 6.0]))
    standard = Scaler.fit("standardize", samples, ["t", "y"])
    assert standard.constants()["t"] == pytest.approx((280.0, np.std([270, 280, 290])))
    assert standard.constants()["y"] == pytest.approx((3.0, np.std([1, 2, 6])))
    ranged = Scaler.fit("normalize", samples, ["t"])
    assert ranged.constants() == {"t": (270.0, 20.0)}
    assert scaled(ranged, samples.X).ravel().tolist() == [0, 0.5, 1]
    none = Scaler.fit("none", samples, ["t"])
    np.testing.assert_array_equal(scaled(none, samples.X), samples.X)


def test_constant_columns_stay_finite() -> None:
    samples = table(np.full((5, 1), 7.0), np.full(5, 3.0))
    for kind in ("standardize", "normalize"):
        scaler = Scaler.fit(kind, samples, ["c"])  # type: ignore[arg-type]
        assert (scaled(scaler, samples.X) == 0).all()
        assert (scaler.transform_y(samples.y) * scaler.y_scale + scaler.y_offset == 3).all()


def test_names_have_to_fit() -> None:
    with pytest.raises(InvalidInputError):
        Scaler.fit("standardize", table(np.ones((3, 2)), np.ones(3)), ["one"])


def test_only_train_enters() -> None:
    ds = small_cube()
    data = CubeData.from_spec(small_spec(), ds=ds)
    roles = data.split.assign(ds)
    shifted = ds.assign(a=ds.a + 100 * (roles > 0))
    other = CubeData.from_spec(small_spec(), ds=shifted)
    mine = Scaler.fit("standardize", data.batches("train"), data.features)
    theirs = Scaler.fit("standardize", other.batches("train"), data.features)
    assert mine.to_dict() == theirs.to_dict()
