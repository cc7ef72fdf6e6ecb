"""``batch_dims`` gives the batches that xbatcher gives, and loses nothing of an epoch."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.loaders.torch import dataset
from jupyter_mlkit.cubes.sampling.batch import Batch
from jupyter_mlkit.cubes.sampling.sampler import Position, Sampler
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.errors import CubeError, InvalidInputError

from ..made import small_cube
from .naive import by_cell

CUBE = small_cube(6, 28, 36, gaps=0).drop_vars("height")
#: No two cells of ``a`` are equal, so that a value tells its cell.
CUBE["a"].values[:] = np.random.default_rng(0).permutation(CUBE["a"].size).reshape(6, 28, 36)
SPLIT = BlockSplit({"lat": "3 deg", "lon": "4 deg"}, shares=(0.6, 0.2, 0.2), seed=3)
TWO = {"time": 2}
CONCAT = {"concat_input_dims": True}
#: Arguments of xbatcher, and of a sampler where they differ.
CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"input_dims": {"lat": 7, "lon": 9}, "batch_dims": {"time": 2}}, {}),
    ({"input_dims": {"lat": 7, "lon": 9}}, {"batch_dims": {}}),
    ({"input_dims": {"lat": 7}, "batch_dims": {"time": 3}}, {}),
    ({"input_dims": {"lat": 7}, "batch_dims": {"time": 3, "lon": 12}}, {}),
    ({"input_dims": {"time": 2, "lon": 6}, "batch_dims": {"lat": 7}}, {}),
    (
        {"input_dims": {"lat": 7, "lon": 8}, "input_overlap": {"lon": 4}, "batch_dims": TWO},
        {},
    ),
    (
        {"input_dims": {"lat": 7, "lon": 9}, "batch_dims": {"lat": 14, "time": 2}, **CONCAT},
        {"batch_dims": {"lat": 14, "time": 2, "lon": 36}},
    ),
    (
        {"input_dims": {"lat": 7, "lon": 9}, "batch_dims": {"lat": 14, "lon": 18}, **CONCAT},
        {},
    ),
    (
        {"input_dims": {"lat": 7, "lon": 9}, "batch_dims": {"time": 2}, **CONCAT},
        {"batch_dims": {"lat": 28, "time": 2, "lon": 36}},
    ),
    (
        {"input_dims": {"time": 2, "lat": 4}, "batch_dims": {"lat": 28, "lon": 6}, **CONCAT},
        {"batch_dims": {"time": 6, "lat": 28, "lon": 6}},
    ),
]  # fmt: skip


def samples(ds: xr.Dataset, window: dict[str, int]) -> tuple[np.ndarray, ...]:
    """The samples of a batch of xbatcher in the order of their first cells: cells, a and b."""
    inside = [f"{dim}_input" if f"{dim}_input" in ds.dims else dim for dim in window]
    rest = [str(dim) for dim in ds["a"].dims if dim not in inside]
    found = []
    for name in ("a", "b"):
        values = ds[name].transpose(*rest, *inside).values
        found.append(values.reshape(-1, *values.shape[len(rest) :]))
    first = found[0].reshape(len(found[0]), -1)[:, 0]
    numbers = np.argsort(CUBE["a"].values.ravel())[first.astype(int)]
    sort = np.argsort(numbers)
    return numbers[sort], *(values[sort] for values in found)


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_are_bit_for_bit_those_of_xbatcher(
    case: int, shuffle: bool, tmp_path: Path
) -> None:
    import xbatcher

    theirs, changes = CASES[case]
    CUBE.chunk(time=4, lat=9, lon=11).to_zarr(tmp_path / "c.zarr", zarr_format=2)
    ds = xr.open_zarr(tmp_path / "c.zarr", chunks=None)
    given = {name: value for name, value in theirs.items() if name != "concat_input_dims"}
    sampler = Sampler(ds, ["a"], "b", **{**given, **changes}, drop_nan=None, shuffle=shuffle)
    wanted = {}
    for batch in xbatcher.BatchGenerator(CUBE, **theirs):
        cells, a, b = samples(batch, theirs["input_dims"])
        wanted[int(cells[0])] = (cells, a, b)
    found = list(sampler)
    # xbatcher drops what is left at the far edges.
    whole = {int(batch.cell[0]): batch for batch in found if batch.valid.all()}
    assert sorted(whole) == sorted(wanted)
    for first, (cells, a, b) in wanted.items():
        batch = whole[first]
        np.testing.assert_array_equal(batch.cell, cells)
        np.testing.assert_array_equal(batch.X[:, 0], a)
        np.testing.assert_array_equal(batch.y, b)
        assert batch.X.dtype == a.dtype
    assert len(sampler) == len(found)
    if not shuffle:
        assert [int(b.cell[0]) for b in list(sampler)] == [int(b.cell[0]) for b in found]


def test_the_sizes_of_all_dims_hold_edges_too() -> None:
    """What xbatcher drops comes in smaller batches: every cell is in one window."""
    sampler = Sampler(
        CUBE, ["a"], "b", input_dims={"lat": 8, "lon": 10}, batch_dims={"time": 4}, drop_nan=None
    )
    seen: Counter[tuple[int, ...]] = Counter()
    for batch in sampler:
        assert len(batch) in (2, 4)
        assert len(np.unique(batch.origin[:, 1:], axis=0)) == 1
        for valid, (t, j, i) in zip(batch.valid, batch.origin, strict=True):
            seen.update((t, j + a, i + b) for a, b in zip(*np.nonzero(valid), strict=True))
    assert len(seen) == CUBE["b"].size
    assert set(seen.values()) == {1}


@given(
    window=st.sampled_from([None, {"lat": 4}, {"lat": 5, "lon": 6}, {"time": 2, "lat": 4}]),
    batch=st.dictionaries(
        st.sampled_from(["time", "lat", "lon"]), st.integers(6, 20), max_size=3
    ),
    options=st.sampled_from(
        [{}, {"strict": True}, {"straddle": "drop"}, {"min_valid": 0.5}, {"fill_nan": "mean"},
         {"lags": [0, 1]}, {"drop_nan": None}]
    ),
    chunks=st.tuples(st.integers(2, 5), st.integers(3, 12), st.integers(4, 14)),
    seed=st.integers(0, 99),
    shuffle=st.booleans(),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_only_what_comes_together_differs(
    window: Any, batch: Any, options: Any, chunks: Any, seed: int, shuffle: bool
) -> None:
    ds = small_cube(6, 20, 24, seed=1).drop_vars("height")
    lazy = ds.chunk(dict(zip(("time", "lat", "lon"), chunks, strict=True)))
    batch = {dim: min(size, ds.sizes[dim]) for dim, size in batch.items()}
    given: dict[str, Any] = {
        "split": SPLIT, "roles": ["train", "test"], "input_dims": window, "seed": seed, **options
    }  # fmt: skip
    plain = list(Sampler(lazy, ["a"], "b", **given))
    sampler = Sampler(
        lazy, ["a"], "b", **given, batch_dims=batch, shuffle=shuffle, buffer_bytes=100_000
    )
    whole = list(sampler)
    assert len(whole) == len(sampler)
    for role in ("train", "test"):
        expected, found = by_cell(plain, role), by_cell(whole, role)
        assert sorted(found) == sorted(expected)
        for cell, (x, y) in expected.items():
            np.testing.assert_array_equal(found[cell][0], x)
            np.testing.assert_array_equal(found[cell][1], y)
        assert sampler.n_samples(role) == len(found)
    # Each batch is one box of the cube, and whole.
    steps = window or {}
    spans = [
        -(-batch[dim] // steps.get(dim, 1)) * steps.get(dim, 1) if dim in batch
        else steps.get(dim, ds.sizes[dim])
        for dim in ("time", "lat", "lon")
    ]  # fmt: skip
    places = [(b.role, *np.unique(b.origin // spans, axis=0).tolist()) for b in whole]
    assert all(len(place) == 2 for place in places)
    assert len({(role, tuple(place)) for role, place in places}) == len(whole)


def cells(batches: list[Batch]) -> list[list[int]]:
    return [[*batch.cell.tolist()] for batch in batches]


@pytest.mark.parametrize("shuffle", [False, True])
def test_an_epoch_goes_on_and_is_shared(shuffle: bool) -> None:
    sampler = Sampler(
        CUBE.chunk(time=3, lat=9, lon=11), ["a"], "b", split=SPLIT, roles=["train", "test"],
        input_dims={"lat": 4, "lon": 6}, batch_dims={"time": 2}, shuffle=shuffle,
        buffer_bytes=50_000,
    )  # fmt: skip
    sampler.set_epoch(3)
    whole = list(sampler)
    assert sampler.position == Position(3, len(whole))
    for stop in (0, 1, len(whole) // 2, len(whole) - 1, len(whole)):
        rest = list(sampler.resume(Position(3, stop)))
        assert cells(rest) == cells(whole[stop:])
        for one, other in zip(rest, whole[stop:], strict=True):
            np.testing.assert_array_equal(one.X, other.X)
            np.testing.assert_array_equal(one.y, other.y)
    parts = [sampler.shard(rank, 3) for rank in range(3)]
    together = [tuple(c) for part in parts for c in cells(list(part))]
    assert Counter(together) == Counter(map(tuple, cells(whole)))
    assert sum(map(len, parts)) == len(whole)
    sampler.set_epoch(4)
    assert (cells(list(sampler)) == cells(whole)) != shuffle


def test_batches_of_a_place_are_drawn_over_the_cube() -> None:
    ds = small_cube(8, 64, 64, gaps=0).chunk(time=8, lat=16, lon=16)
    sampler = Sampler(ds, ["a"], "b", input_dims={"lat": 4, "lon": 4}, batch_dims={"time": 2})
    chunk = np.array([batch.origin[0, 1:] // 16 @ np.array([4, 1]) for batch in sampler])
    mixed = [len(set(chunk[i : i + 16].tolist())) for i in range(0, len(chunk) - 16, 16)]
    assert min(mixed) >= 4
    assert np.mean(mixed) > 6


def test_torch_gets_batches_of_a_place() -> None:
    sampler = Sampler(CUBE, ["a"], "b", input_dims={"lat": 7, "lon": 9}, batch_dims={"time": 3})
    found = [tuple(x.shape) for x, _, _ in dataset(sampler)]
    assert found == [(3, 1, 7, 9)] * len(sampler)
    with pytest.raises(CubeError, match="cannot be shared evenly") as caught:
        len(sampler.shard(0, 3, even=True))
    assert caught.value.code == "uneven_batches"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"batch_dims": {"level": 2}}, "'level' is no dim"),
        ({"batch_dims": {"lat": 3}, "input_dims": {"lat": 4}}, "holds no window, which has 4"),
        ({"batch_dims": {"time": 0}}, "holds no window, which has 1"),
        ({"batch_dims": {"time": 2}, "batch_size": 8}, "either of batch_size samples"),
        ({"batch_dims": {"time": 1.5}}, "batch_dims.time is 1.5"),
        ({"batch_dims": ["time"]}, "a mapping of dims to cells"),
    ],
)
def test_batches_that_cannot_be_are_refused(options: Any, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says) as caught:
        Sampler(CUBE, ["a"], "b", **options)
    assert caught.value.hint
