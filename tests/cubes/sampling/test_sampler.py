"""A sampler gives exactly the samples that plain loops find."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.sampling import recipe
from jupyter_mlkit.cubes.sampling.sampler import Sampler
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.errors import CubeError

from ..made import small_cube
from .naive import assert_same, naive

SPLIT = BlockSplit({"lat": "3 deg", "lon": "4 deg"}, shares=(0.6, 0.2, 0.2), seed=3)
ROLE = st.sampled_from(["train", "validation", "test"])


def sizes(low: int, high: int) -> Any:
    return st.integers(low, high)


@given(
    chunks=st.tuples(sizes(1, 5), sizes(2, 12), sizes(2, 14)),
    order=st.permutations(["time", "lat", "lon"]),
    window=st.dictionaries(st.sampled_from(["time", "lat", "lon"]), sizes(1, 5), max_size=3),
    overlap=sizes(0, 2),
    lags=st.lists(sizes(0, 3), min_size=1, max_size=3, unique=True),
    lead=sizes(0, 2),
    role=ROLE,
    straddle=st.sampled_from(["mask", "drop"]),
    strict=st.booleans(),
    drop_nan=st.sampled_from(["auto", "if_all_nan", None]),
    min_valid=st.sampled_from([0.0, 0.3]),
    batch_size=sizes(1, 200),
    seed=sizes(0, 99),
    shuffle=st.booleans(),
    large=sizes(0, 1),
)
@settings(max_examples=40, deadline=None)
def test_samples_are_those_of_plain_loops(
    chunks: tuple[int, int, int], order: list[str], window: dict[str, int], overlap: int,
    lags: list[int], lead: int, role: Any, straddle: Any, strict: bool, drop_nan: Any,
    min_valid: float, batch_size: int, seed: int, shuffle: bool, large: int,
) -> None:  # fmt: skip
    with mock.patch.object(recipe, "LARGE", recipe.LARGE * (1 - large)):
        compare_with_loops(
            chunks, order, window, overlap, lags, lead, role, straddle, strict, drop_nan,
            min_valid, batch_size, seed, shuffle,
        )  # fmt: skip


def compare_with_loops(
    chunks: tuple[int, int, int], order: list[str], window: dict[str, int], overlap: int,
    lags: list[int], lead: int, role: Any, straddle: Any, strict: bool, drop_nan: Any,
    min_valid: float, batch_size: int, seed: int, shuffle: bool,
) -> None:  # fmt: skip
    ds = small_cube(5, 12, 14, seed=1).transpose(*order)
    step = {dim: max(1, size - overlap) for dim, size in window.items()}
    lazy = ds.chunk(dict(zip(("time", "lat", "lon"), chunks, strict=True)))
    sampler = Sampler(
        lazy, ["a", "height"], "b", split=SPLIT, roles=[role], input_dims=window, stride=step,
        lags={"a": lags}, lead=lead, straddle=straddle, strict=strict, drop_nan=drop_nan,
        min_valid=min_valid, batch_size=batch_size, seed=seed, shuffle=shuffle,
        buffer_bytes=20_000,
    )  # fmt: skip
    wanted = naive(
        ds, [*(("a", lag) for lag in lags), ("height", 0)], "b", dims=ds["b"].dims, window=window,
        step=step, role=role, split=SPLIT, lead=lead, straddle=straddle, strict=strict,
        drop_nan=drop_nan, min_valid=min_valid,
    )  # fmt: skip
    if not wanted:
        with pytest.raises(CubeError) as caught:
            list(sampler)
        assert caught.value.code == "empty_role"
        return
    assert_same(sampler, role, wanted)
    assert sampler.n_samples(role) == sampler.n_samples() == len(wanted)
    assert len(sampler) == len(list(sampler)) == -(-len(wanted) // batch_size)


@pytest.mark.parametrize("window", [{}, {"time": 2}, {"time": 5}])
@pytest.mark.parametrize("lags", [[0], [0, 2]])
def test_cells_are_used_where_they_were_decoded(window: dict[str, int], lags: list[int]) -> None:
    """Two features, and windows and lags that reach into and over whole boxes of 4 steps."""
    ds = small_cube(19, 5, 6, seed=4)
    ds = ds.assign(c=ds["a"].where(ds["b"] < ds["b"].quantile(0.9)) * 2).astype("float32")
    sampler = Sampler(
        ds.chunk(time=4), ["a", "c"], "b", split=SPLIT, roles=["train"], input_dims=window,
        lags=lags, batch_size=30, buffer_bytes=20_000,
    )  # fmt: skip
    columns = [(name, lag) for name in ("a", "c") for lag in lags]
    wanted = naive(
        ds, columns, "b", dims=ds["b"].dims, window=window, step=window, role="train", split=SPLIT
    )
    assert wanted
    assert_same(sampler, "train", wanted)
