"""Folds, random cells, combined splits, masks on disk, and what specs make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score

from jupyter_mlkit import spec as specs
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.cubes.splits.combined import CombinedSplit
from jupyter_mlkit.cubes.splits.folds import BlockKFold
from jupyter_mlkit.cubes.splits.from_spec import split_from_spec
from jupyter_mlkit.cubes.splits.gaps import GapSplit
from jupyter_mlkit.cubes.splits.mask import open_mask, save_mask
from jupyter_mlkit.cubes.splits.random import RandomSplit
from jupyter_mlkit.cubes.splits.regions import RegionSplit
from jupyter_mlkit.cubes.splits.stored import split_from_dict, split_from_json
from jupyter_mlkit.cubes.splits.times import TimeSplit
from jupyter_mlkit.errors import ConflictError, CubeError, SpecError

from ..made import globe, small_cube
from .frames import FRAMES

SIZES = {"lat": "5 deg", "lon": "5 deg"}


@pytest.mark.parametrize("kind", list(FRAMES))
def test_every_cell_is_in_the_test_of_one_fold(kind: str) -> None:
    frame = FRAMES[kind]
    sizes = {"y": "60 km", "x": "80 km"} if kind == "plane" else {"lat": "10 deg", "lon": "20 deg"}
    folds = BlockKFold(sizes, n_splits=4, seed=1)
    roles = [fold.assign(frame).values for fold in folds.folds()]
    assert (sum((role == 2).astype(int) for role in roles) == 1).all()
    assert (sum((role == 1).astype(int) for role in roles) == 1).all()
    ids = folds.block_ids(frame)
    for role in roles:
        by_block = xr.DataArray(role, dims=ids.dims, coords=ids.coords).groupby(ids)
        assert (by_block.min().values == by_block.max().values).all()


def test_folds_agree_with_an_oracle_on_flat_coordinates() -> None:
    """The idea of verde.BlockKFold: blocks of flattened coordinates, each in one test."""
    cube = small_cube()
    pairs = list(BlockKFold(SIZES, 3, seed=4).split(cube))
    lat, lon = np.meshgrid(cube.lat, cube.lon, indexing="ij")
    flat = np.stack([np.floor(lat / 5), np.floor(np.mod(lon, 360) / 5)], -1).reshape(-1, 2)
    block = np.tile(np.unique(flat, axis=0, return_inverse=True)[1].ravel(), cube.sizes["time"])
    tested = np.concatenate([test for _, test in pairs])
    assert np.array_equal(np.sort(tested), np.arange(cube.b.size))
    for train, test in pairs:
        assert not set(block[train]) & set(block[test])
        assert len(train) + len(test) == cube.b.size


def test_balanced_folds_hold_equal_cells_and_say_that_they_depend_on_the_extent() -> None:
    """BlockKFold(balance=True) depends on the extent and says so."""
    cube = small_cube(gaps=0.5)
    plain, even = BlockKFold(SIZES, 4), BlockKFold(SIZES, 4, balance=True).resolve(cube, "b")
    valid = np.isfinite(cube.b).sum("time")
    counts = [
        [int(valid.where(fold.assign(cube) == 2).sum()) for fold in folds.folds()]
        for folds in (plain, even)
    ]
    assert np.ptp(counts[1]) < 0.05 * np.mean(counts[1]) < np.ptp(counts[0])
    assert even.depends_on_extent
    assert not plain.depends_on_extent
    fold = even.folds()[2]
    assert "extent" in fold.to_dict()["folds"]["note"]
    again = split_from_json(fold.to_json())
    assert (again.assign(cube).values == fold.assign(cube).values).all()
    with pytest.raises(SpecError, match="follow from a cube"):
        BlockKFold(SIZES, 4, balance=True).folds()[0].assign(cube)


def test_scikit_learn_takes_the_folds_as_cv() -> None:
    cube = small_cube()
    cells = np.flatnonzero(np.isfinite(cube.b.values))
    x, y = cube.a.values.reshape(-1, 1)[cells], cube.b.values.ravel()[cells]
    folds = list(BlockKFold(SIZES, 5).split(cube.b, cells=cells))
    assert np.array_equal(np.sort(np.concatenate([t for _, t in folds])), np.arange(len(cells)))
    assert (cross_val_score(LinearRegression(), x, y, cv=folds) > 0.9).all()


def test_random_cells_are_drawn_by_their_coordinates() -> None:
    frame = globe(2.5)
    roles = RandomSplit((0.6, 0.15, 0.25), seed=5).assign(frame)
    shares = np.bincount(roles.values.ravel(), minlength=3) / roles.size
    np.testing.assert_allclose(shares, (0.6, 0.15, 0.25), atol=0.006)
    test = roles.values == 2
    for axis in range(3):
        one, other = np.delete(test, 0, axis), np.delete(test, -1, axis)
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.01
    assert (RandomSplit(seed=6).assign(frame).values != roles.values).any()
    with pytest.raises(CubeError, match="no coordinate"):
        RandomSplit().resolve(frame.assign(v=("member", np.zeros(3))))


def test_a_cell_has_a_role_where_both_agree() -> None:
    frame = globe(5.0)
    place, later = BlockSplit(SIZES), TimeSplit("2002-06-20", "2002-07-05")
    both = (place & later).resolve(frame)
    a, b = xr.broadcast(place.assign(frame), later.assign(frame))
    found = both.assign(frame).transpose(*a.dims)
    assert (found.values == np.where(a.values == b.values, a.values, 3)).all()
    assert both.assign(frame).dims == ("time", "lat", "lon")
    third = CombinedSplit([both, RandomSplit()])
    assert len(third.parts) == 3
    ids = both.block_ids(frame)
    by_block = found.transpose(*ids.dims).groupby(ids)
    assert (by_block.min().values == by_block.max().values).all()
    with pytest.raises(SpecError):
        CombinedSplit([place])


def test_a_mask_on_disk_holds_roles_rule_and_hash(tmp_path: Path) -> None:
    frame = globe(5.0)
    split = BlockSplit({**SIZES, "time": 2}) & TimeSplit("2002-06-20", "2002-07-05")
    path = split.save_mask(frame, tmp_path / "mask.zarr")
    mask = open_mask(path)
    wanted = split.resolve(frame).assign(frame)
    assert mask.dtype == np.int8
    assert (mask.values == wanted.values).all()
    assert mask.attrs["flag_meanings"] == "train validation test buffer"
    again = split_from_json(mask.attrs["mlkit_split"])
    assert again.hash == mask.attrs["mlkit_split_hash"] == split.resolve(frame).hash
    xr.testing.assert_equal(mask.lat, frame.lat)
    assert sum(file.stat().st_size for file in path.rglob("*")) < 100_000
    with pytest.raises(ConflictError):
        save_mask(split, frame, path)
    for wrong in (tmp_path / "none.zarr", tmp_path):
        with pytest.raises(CubeError):
            open_mask(wrong)


@pytest.mark.parametrize("kind", ["swath", "cells", "plane"])
def test_a_mask_on_disk_fits_every_grid(kind: str, tmp_path: Path) -> None:
    split = RandomSplit().resolve(FRAMES[kind])
    mask = open_mask(split.save_mask(FRAMES[kind], tmp_path / "mask.zarr"))
    assert (mask.values == split.assign(FRAMES[kind]).values).all()
    assert set(mask.coords) >= set(FRAMES[kind].coords)


def test_every_spec_makes_its_rule() -> None:
    made = split_from_spec(
        specs.CombinedSplit(
            parts=[
                specs.BlockSplit(sizes=SIZES, buffer=specs.BufferSpec(space="500 km", time="16D")),
                specs.TimeSplit("2002-06-20", "2002-07-05", buffer="8D"),
                specs.GapSplit(seed=7),
            ]
        ),
        target="b",
        lead="16D",
    )
    assert isinstance(made, CombinedSplit)
    block, later, gap = made.parts
    assert isinstance(block, BlockSplit)
    assert block.to_dict()["buffer"] == {"space": "500000 m", "time": "16D"}
    assert isinstance(later, TimeSplit)
    assert (later.buffer, later.lead) == ("8D", "16D")
    assert isinstance(gap, GapSplit)
    assert (gap.target, gap.seed) == ("b", 7)
    assert isinstance(split_from_spec(specs.RandomSplit()), RandomSplit)
    areas = specs.RegionSplit(test=["srex:AMZ"], validation=["srex:WAF"])
    assert isinstance(split_from_spec(areas), RegionSplit)


@pytest.mark.parametrize(
    ("split", "digest"),
    [
        (BlockSplit({"lat": "10 deg", "lon": "10 deg"}), "0c336395bf422204"),
        (
            BlockSplit({"lat": "10 deg", "lon": "10 deg", "time": "16D"}, (0.6, 0.2, 0.2), 7),
            "d205adb8d955326f",
        ),
        (BlockSplit({"y": "20 km", "x": "20 km"}), "ae35e5c077db901d"),
        (TimeSplit("2002-07-16", "2002-07-24"), "c57172ad1283fb9e"),
        (TimeSplit("2002-07-16", "2002-07-24").resolve(globe(2.5)), "c57172ad1283fb9e"),
    ],
)
def test_digests_of_runs_in_stores_stay_what_they_are(split: BlockSplit, digest: str) -> None:
    assert split.hash == digest


@pytest.mark.parametrize(
    "rule", [{}, {"kind": "none"}, {"kind": "block"}, {"kind": "time", "x": 1}]
)
def test_a_broken_rule_is_an_error(rule: dict[str, object]) -> None:
    with pytest.raises(SpecError) as caught:
        split_from_dict(rule)
    assert caught.value.code == "invalid_rule"
    with pytest.raises(SpecError):
        split_from_json("no json")


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.5, 0.2, 0.2), (0, 0.5, 0.5), (1.2, -0.1, -0.1)])
def test_shares_that_are_none_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(SpecError) as caught:
        BlockSplit(SIZES, shares)  # type: ignore[arg-type]
    assert caught.value.field == "split.shares"
