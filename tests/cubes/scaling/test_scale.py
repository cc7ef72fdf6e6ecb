"""Constants from rows: of train alone, exact in pieces, and back again."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.scaling.rows import RowStatistics
from jupyter_mlkit.cubes.scaling.scalers import CubeScaler
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.errors import InvalidInputError

from ..made import small_cube, small_spec


def fitted(kind: Any, names: list[str], *pieces: np.ndarray) -> CubeScaler:
    rows = RowStatistics(names)
    for piece in pieces:
        rows.add(piece)
    return rows.scaler(kind)


@pytest.mark.parametrize("kind", ["standardize", "normalize", "none"])
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(0, 200), max_size=4))
@settings(max_examples=25, deadline=None)
def test_pieces_merge_exactly_and_come_back_from_json(
    kind: Any, seed: int, cuts: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(280, 10, (200, 2)) * 10 ** rng.uniform(-3, 3, 2)
    edges = [0, *sorted(cuts), 200]
    pieces = [table[i:j] for i, j in itertools.pairwise(edges)]
    whole, merged = fitted(kind, ["a", "b"], table), fitted(kind, ["a", "b"], *pieces)
    for name, constants in whole.constants().items():
        assert merged.constants()[name] == pytest.approx(constants, rel=1e-10)
    again = CubeScaler.from_json(whole.to_json())
    assert again.constants() == whole.constants()
    assert again.hash == whole.hash


def test_meaning() -> None:
    table = np.array([[270.0, 1.0], [280.0, 2.0], [290.0, 6.0]])
    standard = fitted("standardize", ["t", "y"], table).constants()
    assert standard["t"] == pytest.approx((280.0, np.std([270, 280, 290])))
    assert standard["y"] == pytest.approx((3.0, np.std([1, 2, 6])))
    assert fitted("normalize", ["t", "y"], table).constants()["t"] == (270.0, 20.0)
    assert fitted("none", ["t", "y"], table).constants()["t"] == (0.0, 1.0)


@pytest.mark.parametrize("kind", ["standardize", "normalize"])
def test_constant_columns_get_scale_one(kind: str) -> None:
    assert fitted(kind, ["c"], np.full((5, 1), 7.0)).constants()["c"] == (7.0, 1.0)


def test_names_have_to_fit() -> None:
    with pytest.raises(InvalidInputError):
        RowStatistics(["one"]).add(np.ones((3, 2)))


def test_only_train_enters() -> None:
    ds = small_cube()
    data = CubeData.from_spec(small_spec(), ds=ds)
    roles = data.split.assign(ds)
    other = CubeData.from_spec(small_spec(), ds=ds.assign(a=ds.a + 100 * (roles > 0)))

    def of_train(found: CubeData) -> CubeScaler:
        rows = RowStatistics(found.features)
        for batch in found.batches("train"):
            rows.add(batch.X)
        return rows.scaler("standardize")

    assert of_train(data).to_dict() == of_train(other).to_dict()
