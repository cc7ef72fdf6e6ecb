"""What samples and borrowed cells are held in: given back once, and to nobody's harm."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.sampling import cutting
from jupyter_mlkit.cubes.sampling.memory import Arena, Lease
from jupyter_mlkit.cubes.sampling.sampler import Sampler
from jupyter_mlkit.cubes.sampling.shelf import Shelf
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.errors import CubeError

UNIT = 256


@pytest.fixture
def arena() -> Arena:
    return Arena(100 * UNIT, UNIT)


def test_single_units_fill_the_gaps_and_runs_stay_whole(arena: Arena) -> None:
    first, second = arena.take(10), arena.take(10)
    assert (first, second) == (0, 10)
    assert arena.take_any(3).tolist() == [20, 21, 22]
    arena.give(2, 3)
    arena.give(7, 1)
    # A run does not fit into the gaps; single ones do, the lowest first.
    assert arena.take(5) == 23
    assert arena.take_any(6).tolist() == [2, 3, 4, 7, 28, 29]
    assert arena.held == (10 + 10 + 3 - 4 + 5 + 6) * UNIT


def test_what_is_given_back_in_any_order_is_one_run_again(arena: Arena) -> None:
    units = arena.take_any(40)
    arena.give_each(units[np.random.default_rng(0).permutation(40)])
    assert arena.held == 0
    assert arena.take(100) == 0


def test_nothing_is_taken_where_there_is_too_little(arena: Arena) -> None:
    arena.take(98)
    with pytest.raises(CubeError, match="all there is for it"):
        arena.take_any(3)
    assert arena.take_any(2).tolist() == [98, 99]
    assert arena.take_any(0).tolist() == []


def test_copies_are_aligned_in_units_of_any_size() -> None:
    arena = Arena(1 << 16, 4 * 37)
    leases = [Lease(arena) for _ in range(5)]
    arrays = [np.arange(n, dtype=np.float64).reshape(-1, 1) for n in (1, 18, 19, 200, 0)]
    copies = [lease.copy(values) for lease, values in zip(leases, arrays, strict=True)]
    for copy, values in zip(copies, arrays, strict=True):
        assert copy.flags.aligned
        np.testing.assert_array_equal(copy, values)
    del leases, copies
    gc.collect()
    assert arena.held == 0


def test_a_record_is_given_back_once_all_roles_have_drawn_it(arena: Arena) -> None:
    shelf = Shelf(arena)
    loan = shelf.loan()
    rows = loan.take(np.array([1, 2, 3]))
    shelf.drawn(rows)
    assert arena.held == 2 * UNIT
    shelf.drawn(rows[1:])
    assert arena.held == UNIT
    del loan
    gc.collect()
    assert arena.held == 0


def test_a_loan_that_ends_leaves_what_others_have_by_now(arena: Arena) -> None:
    shelf = Shelf(arena)
    first = shelf.loan()
    rows = first.take(np.array([1, 1, 1]))
    shelf.drawn(rows[:2])
    second = shelf.loan()
    again = second.take(np.array([1, 1]))
    assert set(again) == set(rows[:2])
    del first
    gc.collect()
    assert arena.held == 2 * UNIT
    assert set(shelf.loan().take(np.ones(2, int))).isdisjoint(again)


@pytest.mark.parametrize("skip", [0, 20])
def test_patches_are_whole_though_their_memory_is_used_again(
    skip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.arange(24 * 192 * 192, dtype=np.float32).reshape(24, 192, 192)
    ds = xr.Dataset(
        {name: (("time", "lat", "lon"), values + number) for number, name in enumerate("xy")},
        coords={"time": np.arange(24), "lat": np.arange(192) / 10, "lon": np.arange(192) / 10},
    ).chunk(time=8, lat=48, lon=48)
    arenas: list[Arena] = []
    make = cutting.Arena

    def made(*args: int, **more: int) -> Arena:
        arenas.append(make(*args, **more))
        return arenas[-1]

    monkeypatch.setattr(cutting, "Arena", made)
    sampler = Sampler(
        ds, ["x"], "y", split=BlockSplit({"lat": 64, "lon": 64, "time": 4}, seed=1),
        roles=("train", "validation", "test"), seed=3, batch_size=5,
        input_dims={"time": 1, "lat": 40, "lon": 40}, drop_nan="if_all_nan",
    )  # fmt: skip
    if skip:
        whole = list(sampler)
        position = next(sampler.position for n, _ in enumerate(sampler, 1) if n == skip)
        batches, expected = list(sampler.resume(position)), whole[skip:]
        assert len(batches) == len(expected)
    else:
        batches = list(sampler)
        # A patch is drawn by each role that has cells in it.
        assert len({(b.role, cell) for b in batches for cell in b.cell}) == sum(map(len, batches))
    for batch in batches:
        for x, y, valid, origin in zip(batch.X, batch.y, batch.valid, batch.origin, strict=True):
            window = tuple(slice(a, a + n) for a, n in zip(origin, (1, 40, 40), strict=True))
            cube = values[window]
            here = tuple(slice(0, n) for n in cube.shape)
            np.testing.assert_array_equal(x.reshape(1, 40, 40)[here], cube)
            np.testing.assert_array_equal(
                y.reshape(1, 40, 40)[here][valid.reshape(1, 40, 40)[here]],
                (cube + 1)[valid.reshape(1, 40, 40)[here]],
            )
    gc.collect()
    assert {arena.held for arena in arenas} == {0}
