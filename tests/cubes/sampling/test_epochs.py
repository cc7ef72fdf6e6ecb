"""Epochs: every sample once, the same for the same seed, in parts, and from any position on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.reading.slabs import SlabReader
from jupyter_mlkit.cubes.sampling import engine, plain, recipe
from jupyter_mlkit.cubes.sampling.batch import Batch
from jupyter_mlkit.cubes.sampling.sampler import Position, Sampler
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.errors import CubeError

from ..made import small_cube

SPLIT = BlockSplit({"lat": "3 deg", "lon": "4 deg"}, shares=(0.6, 0.2, 0.2), seed=3)
WINDOWS = st.sampled_from([None, {"lat": 5, "lon": 6}, {"time": 3}, {"time": 2, "lat": 4}])
CUBE = small_cube(8, 24, 28)


def make(**changes: Any) -> Sampler:
    given: dict[str, Any] = {"split": SPLIT, "roles": ("train", "test"), "batch_size": 37}
    return Sampler(CUBE.chunk(time=3, lat=7, lon=9), ["a"], "b", **{**given, **changes})


def assert_equal(some: list[Batch], others: list[Batch]) -> None:
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        assert one.role == other.role
        np.testing.assert_array_equal(one.cell, other.cell)
        np.testing.assert_array_equal(one.X, other.X)
        np.testing.assert_array_equal(one.y, other.y)


def cells(batches: Any) -> Counter[tuple[str, int]]:
    return Counter((batch.role, int(cell)) for batch in batches for cell in batch.cell)


@given(window=WINDOWS, seed=st.integers(0, 2**40), epoch=st.integers(0, 5), shuffle=st.booleans())
@settings(max_examples=5, deadline=None)
def test_the_same_seed_gives_the_same_batches(
    window: Any, seed: int, epoch: int, shuffle: bool
) -> None:
    found = []
    for _ in range(2):
        sampler = make(input_dims=window, seed=seed, shuffle=shuffle, drop_nan=None)
        sampler.set_epoch(epoch)
        found.append(list(sampler))
    assert_equal(*found)
    other = make(input_dims=window, seed=seed + 1, drop_nan=None)
    other.set_epoch(epoch)
    assert cells(other) == cells(found[0])


@given(window=WINDOWS, data=st.data(), epoch=st.integers(0, 3))
@settings(max_examples=6, deadline=None)
def test_a_resumed_epoch_gives_the_remaining_batches(window: Any, data: Any, epoch: int) -> None:
    sampler = make(input_dims=window, drop_nan=None, buffer_bytes=30_000)
    sampler.set_epoch(epoch)
    whole = list(sampler)
    stop = data.draw(st.integers(0, len(whole)))
    fresh = make(input_dims=window, drop_nan=None, buffer_bytes=30_000)
    assert_equal(list(fresh.resume(Position(epoch, stop))), whole[stop:])
    # After the resumed epoch the next iteration is a whole one again.
    resumed = fresh.resume(Position(epoch, stop))
    list(resumed)
    assert resumed.position == Position(epoch, len(whole))
    assert_equal(list(resumed), whole)


@given(window=WINDOWS, world=st.integers(1, 5), inner=st.integers(1, 2), epoch=st.integers(0, 2))
@settings(max_examples=6, deadline=None)
def test_parts_hold_every_sample_once(window: Any, world: int, inner: int, epoch: int) -> None:
    sampler = make(input_dims=window, drop_nan=None)
    sampler.set_epoch(epoch)
    whole = cells(sampler)
    assert set(whole.values()) == {1}
    total: Counter[tuple[str, int]] = Counter()
    for rank in range(world):
        for worker in range(inner):
            part = sampler.shard(rank, world).shard(worker, inner)
            found = list(part)
            assert len(found) == len(part)
            assert sum(map(len, found)) == part.n_samples()
            total += cells(found)
    assert total == whole


@pytest.mark.parametrize("window", [None, {"lat": 5}])
def test_even_parts_give_as_many_batches(window: Any) -> None:
    sampler = make(input_dims=window, drop_nan=None)
    parts = [sampler.shard(rank, 3, even=True) for rank in range(3)]
    found = [list(part) for part in parts]
    assert {len(batches) for batches in found} == {len(part) for part in parts}
    assert len({len(batches) for batches in found}) == 1
    assert cells(batch for batches in found for batch in batches) == cells(sampler)
    assert all(0 < len(batch) <= 37 for batches in found for batch in batches)
    with pytest.raises(CubeError, match="cannot be shared evenly"):
        len(Sampler(CUBE, ["a"], "b").shard(0, 5000, even=True))


@pytest.mark.parametrize("window", [None, {"lat": 5, "lon": 6}, {"time": 3}])
def test_each_chunk_is_decoded_once_an_epoch(
    window: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    CUBE.chunk(time=3, lat=7, lon=9).to_zarr(tmp_path / "c.zarr", zarr_format=2)
    ds = xr.open_zarr(tmp_path / "c.zarr", chunks=None)
    seen: list[int] = []
    read = SlabReader.map

    def counted(self: Any, work: Any, *, order: Any, **others: Any) -> Any:
        seen.extend(int(number) for number in order)
        return read(self, work, order=order, **others)

    monkeypatch.setattr(SlabReader, "map", counted)
    sampler = Sampler(ds, ["a"], "b", roles=["train"], input_dims=window, drop_nan=None)
    assert sum(len(batch) for batch in sampler) > 0
    boxes = len(sampler._boxes.reader)
    assert sorted(seen) == list(range(boxes))
    edges = [set(axis.edges) - {axis.size} for axis in sampler._boxes.grid.axes]
    assert all(
        edge % chunk == 0 for along, chunk in zip(edges, (3, 7, 9), strict=True) for edge in along
    )


@pytest.mark.parametrize("window", [None, {"lat": 5, "lon": 6}, {"time": 3, "lat": 2}])
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("large", [recipe.LARGE, 0])
def test_without_numba_batches_are_the_same(
    window: Any, strict: bool, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "LARGE", large)
    fast = list(make(input_dims=window, strict=strict, drop_nan=None))
    monkeypatch.setattr(engine, "import_module", lambda *_: plain)
    slow = make(input_dims=window, strict=strict, drop_nan=None)
    assert slow._kernels is plain
    assert_equal(fast, list(slow))


def test_batches_mix_chunks_evenly() -> None:
    ds = small_cube(16, 64, 64, gaps=0.4).chunk(time=8, lat=8, lon=8)
    sampler = Sampler(ds, ["a"], "b", batch_size=512, buffer_bytes=2 << 20)
    place = np.array([], int)
    for batch in sampler:
        index = batch.origin // 8
        chunks = index @ np.array([64, 8, 1])
        assert len(np.unique(chunks)) >= 4
        place = np.append(place, batch.origin[:, 1].mean())
    # A batch is spread over the cube, not over neighbours: means of latitude rows scatter little.
    assert place[: len(place) // 2].std() < 12


def test_samples_of_one_chunk_come_in_no_order() -> None:
    ds = small_cube(16, 64, 64, gaps=0.0).chunk(time=16, lat=32, lon=32)
    cell = np.concatenate([batch.cell for batch in Sampler(ds, ["a"], "b")])
    steps = np.abs(np.diff(cell))
    # Two cells drawn at random lie a third of the cube apart in the mean.
    assert steps.mean() == pytest.approx(ds["b"].size / 3, rel=0.05)
    assert np.corrcoef(cell[1:], cell[:-1])[0, 1] == pytest.approx(0, abs=0.1)


def test_unshuffled_boxes_come_in_the_order_of_the_cube() -> None:
    for chunks in ({"time": 3}, {"time": 2, "lat": 7}):
        ds = CUBE.chunk(chunks)
        sampler = Sampler(ds, ["a"], "b", shuffle=False, batch_size=100)
        cell = np.concatenate([batch.cell for batch in sampler])
        time = cell // (24 * 28)
        assert (np.diff(time // chunks["time"]) >= 0).all()
        if chunks == {"time": 3}:
            assert (np.diff(cell) > 0).all()


def test_reading_stops_with_the_loop() -> None:
    for batch in make():
        assert len(batch)
        break
    assert len(list(make())) == len(make())


def test_the_order_does_not_follow_from_which_thread_was_first() -> None:
    # Windows across chunks, whose cells come in from one neighbour or the other first.
    sampler = make(input_dims={"lat": 5, "lon": 6}, buffer_bytes=20_000)
    orders = [np.concatenate([batch.cell for batch in sampler]) for _ in range(15)]
    for order in orders[1:]:
        np.testing.assert_array_equal(order, orders[0])
