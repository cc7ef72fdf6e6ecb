"""Reading in threads: in order, bounded, and gone when nobody asks for more."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from jupyter_mlkit.cubes.reading.slabs import AHEAD, Arrays, Slab, SlabReader

from .conftest import DIMS, Writer, numbers, opened

TIMEOUT = 30.0


def readers() -> int:
    return sum(thread.name.startswith("cube-reader") for thread in threading.enumerate())


def first_sum(slab: Slab, arrays: Arrays) -> tuple[tuple[int, ...], float]:
    starts = tuple(piece.start for piece in slab.slices.values())
    return starts, float(np.nansum(arrays["a"], dtype="f8"))


@pytest.fixture
def cube(written: Writer) -> xr.Dataset:
    return opened(written(numbers("f4")))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_that_was_asked_for(cube: xr.Dataset, threads: int) -> None:
    reader = SlabReader(cube, ["a"], DIMS, budget=1)
    straight = list(reader.map(first_sum, threads))
    assert len(straight) == len(reader) == 27
    assert [starts for starts, _ in straight] == sorted(starts for starts, _ in straight)
    order = np.random.default_rng(1).permutation(len(reader))
    assert list(reader.map(first_sum, threads, order)) == [straight[i] for i in order]
    assert list(reader.map(first_sum, threads, [4, 4, 0])) == [straight[i] for i in (4, 4, 0)]
    assert list(reader.map(first_sum, threads, [])) == []


def test_boxes_are_counted_and_found_by_number(cube: xr.Dataset) -> None:
    reader = SlabReader(cube, ["a"], DIMS, budget=1)
    assert [reader.slab(i) for i in range(len(reader))] == list(reader)
    for number in (-1, len(reader)):
        with pytest.raises(IndexError):
            reader.slab(number)


def test_look_ahead_is_bounded_and_stops_with_the_reader(cube: xr.Dataset) -> None:
    reader = SlabReader(cube, ["a"], DIMS, budget=1)
    begun: list[Slab] = []
    results = reader.map(lambda slab, _: begun.append(slab), threads=2)
    assert not begun
    assert readers() == 0
    for taken in range(3):
        next(results)
        assert len(begun) <= taken + 1 + 2 * AHEAD
    results.close()  # type: ignore[attr-defined]
    assert readers() == 0
    assert len(begun) <= 3 + 2 * AHEAD


def test_an_error_in_the_work_arrives_and_ends_the_threads(cube: xr.Dataset) -> None:
    reader = SlabReader(cube, ["a"], DIMS, budget=1)

    def work(slab: Slab, _: Arrays) -> int:
        if slab.slices["lat"].start == 8:
            raise KeyError("mine")
        return 1

    got = []
    with pytest.raises(KeyError, match="mine"):
        got.extend(reader.map(work, threads=2))
    assert readers() == 0
    again = reader.map(work, threads=2)
    assert [next(again) for _ in range(6)] == [1] * 6
    with pytest.raises(KeyError, match="mine"):
        next(again)


def test_memory_is_used_again(cube: xr.Dataset) -> None:
    reader = SlabReader(cube, ["a"], DIMS, budget=1)
    places = set(reader.map(lambda _, arrays: arrays["a"].ctypes.data, threads=1))
    assert len(places) == 1


def test_zarrs_event_loop_takes_no_part(cube: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("zarr's event loop was asked")

    reader = SlabReader(cube.isel(lon=slice(2, None)), ["a"], DIMS)
    monkeypatch.setattr(zarr.core.sync, "_get_loop", refuse)
    monkeypatch.setattr(zarr.core.sync, "sync", refuse)
    assert len(list(reader.map(first_sum))) == len(reader)
    assert reader.read("a", reader.slab(0)).size


def in_child(work: Callable[[], bool]) -> bool:
    """Return what `work` returns in a forked child; False where it hangs or fails."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        threading.Event().wait(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
@pytest.mark.parametrize("stored_as", ["plain", "filtered"])
def test_a_forked_child_reads_what_its_parent_has_read(written: Writer, stored_as: str) -> None:
    """torch's DataLoader forks by default; zarr's event loop does not survive that."""
    filters = [zarr.codecs.TransposeCodec(order=(2, 1, 0))] if stored_as == "filtered" else []
    ds = opened(written(numbers("f4"), filters=filters))
    reader = SlabReader(ds, ["a"], DIMS, budget=1)
    expected = list(reader.map(first_sum))
    assert ds.a.values.size  # by zarr, too
    assert in_child(lambda: list(reader.map(first_sum)) == expected)
    # While threads of the parent are at work.
    busy = reader.map(first_sum, threads=2)
    next(busy)
    fresh = SlabReader(ds, ["a"], DIMS, budget=1)
    assert in_child(lambda: list(fresh.map(first_sum)) == expected)
    assert len(list(busy)) == len(expected) - 1


def test_a_reader_can_be_pickled(cube: xr.Dataset, tmp_path: Path) -> None:
    import pickle

    reader = SlabReader(cube, ["a"], DIMS, budget=1)
    expected = list(reader.map(first_sum))
    assert list(pickle.loads(pickle.dumps(reader)).map(first_sum)) == expected
    assert tmp_path.exists()


def test_boxes_are_whole_chunks_within_the_budget(cube: xr.Dataset) -> None:
    cell, chunk = 4, 3 * 4 * 5 * 4
    for budget in (1, chunk, 2 * chunk, 6 * chunk, 100 * chunk):
        reader = SlabReader(cube, ["a"], DIMS, budget=budget)
        for slab in reader:
            assert cell * np.prod(slab.shape) <= max(budget, chunk)
            for dim, step in zip(DIMS, (3, 4, 5), strict=True):
                assert slab.slices[dim].start % step == 0


def test_a_crop_meets_the_chunks_of_the_store(cube: xr.Dataset) -> None:
    crop = cube.isel(time=slice(1, 7), lat=slice(2, 9), lon=slice(0, 13, 2))
    reader = SlabReader(crop, ["a"], DIMS, budget=1)
    edges = {dim: sorted({slab.slices[dim].start for slab in reader}) for dim in DIMS}
    assert edges == {"time": [0, 2, 5], "lat": [0, 2, 6], "lon": [0, 3, 5]}
