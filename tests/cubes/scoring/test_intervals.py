"""Intervals of scores: blocks, folds, seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jupyter_mlkit.cubes.demo.cube import LOCAL_STD, NOISE_STD, RANGE_DAYS, RANGE_DEG
from jupyter_mlkit.cubes.demo.smooth import SmoothField
from jupyter_mlkit.cubes.scoring.blocks import BlockStats, block_statistics
from jupyter_mlkit.cubes.scoring.folds import fold_difference, fold_interval, training_spread
from jupyter_mlkit.cubes.scoring.intervals import interval, paired_difference
from jupyter_mlkit.cubes.scoring.samples import score_samples
from jupyter_mlkit.errors import InvalidInputError

from .made import rows

METRICS = ("rmse", "mae", "bias", "r2")


def blocked(n_blocks: int, *, seed: int = 0, each: int = 40) -> tuple[np.ndarray, BlockStats]:
    rng = np.random.default_rng(seed)
    block = np.repeat(np.arange(n_blocks) * 7 - 3, each)
    y = rng.normal(290, 5, block.size)
    error = np.repeat(rng.normal(0, 1, n_blocks), each) + rng.normal(0, 1, block.size)
    samples = rows(y, rng.uniform(0.5, 1, block.size), block)
    return y + error, block_statistics(y + error, samples)


def test_statistics_of_blocks_add_up_to_the_score() -> None:
    rng = np.random.default_rng(0)
    block = rng.integers(0, 30, 2000) * 10**12
    samples = rows(rng.normal(290, 5, 2000), rng.uniform(0, 1, 2000), block)
    prediction = samples.y + rng.normal(1, 2, 2000)
    prediction[rng.random(2000) < 0.2] = np.nan
    whole = block_statistics(prediction, samples)
    order = rng.permutation(2000)
    parts = np.split(order, [300, 900])
    pieces = [block_statistics(prediction[part], samples.take(part)) for part in parts]
    joined = pieces[0] + pieces[1] + pieces[2]
    assert np.array_equal(whole.blocks, joined.blocks)
    np.testing.assert_allclose(
        joined.sums.moved(whole.sums.about).values, whole.sums.values, rtol=1e-9, atol=1e-6
    )
    score = score_samples(prediction, samples)
    for metric in METRICS:
        assert interval(whole, metric).estimate == pytest.approx(score[metric])  # type: ignore[union-attr]


def test_the_bootstrap_draws_whole_blocks() -> None:
    """Against a bootstrap that scores the rows of the drawn blocks one by one."""
    _, stats = blocked(40)
    found = interval(stats, "rmse", draws=4000)
    rng = np.random.default_rng(9)
    squares, w = stats.sums.values[[4, 1]]
    picked = rng.integers(40, size=(4000, 40))
    draws = np.sqrt(squares[picked].sum(axis=1) / w[picked].sum(axis=1))
    low, high = np.quantile(draws, [0.025, 0.975])
    assert found is not None
    assert found.low < found.estimate < found.high
    assert found.low == pytest.approx(low, abs=0.05)
    assert found.high == pytest.approx(high, abs=0.05)


def test_coverage_of_the_95_percent_interval() -> None:
    """definitions.md, Scoring: "coverage of the 95 % interval over 200 demo draws lies in
    [91, 98] %"."""
    lat = 60 - (np.arange(24) + 0.5) * 2.5
    lon = -100 + (np.arange(80) + 0.5) * 2.5
    days = np.arange(6) * 8.0
    block = np.broadcast_to((lat // 10)[:, None] * 1000 + lon // 10, (6, 24, 80))
    weight = np.broadcast_to(np.cos(np.radians(lat))[:, None], block.shape)
    variance = LOCAL_STD**2 + NOISE_STD**2
    truth = {
        "rmse": math.sqrt(variance),
        "mae": math.sqrt(variance * 2 / math.pi),
        "bias": 0.0,
        "r2": 1 - variance / 100,
    }
    hits = dict.fromkeys(truth, 0)
    for draw in range(200):
        rng = np.random.default_rng([11, draw])
        # A fifth of the blocks is tested, as in the demo.
        mine = np.isin(block[0], rng.choice(np.unique(block), 24, replace=False))
        smooth = SmoothField([draw, 1], range_deg=RANGE_DEG, range_days=RANGE_DAYS)
        local = smooth.at(days, lat, lon, mine)
        keep = mine & (rng.random(block.shape) < 0.5)
        y = rng.normal(290, 10, int(keep.sum())).astype("f4")
        error = LOCAL_STD * local[keep] + rng.normal(0, NOISE_STD, y.size)
        stats = block_statistics(y + error, rows(y, weight[keep], block[keep]))
        for metric, value in truth.items():
            found = interval(stats, metric, seed=draw)
            assert found is not None
            hits[metric] += found.low <= value <= found.high
    assert all(182 <= n <= 196 for n in hits.values()), hits


def test_fewer_than_20_blocks_give_no_interval() -> None:
    """definitions.md, Split: "fewer than 20: warning, and no interval is given"."""
    assert interval(blocked(19)[1]) is None
    assert interval(blocked(20)[1]) is not None
    assert paired_difference(blocked(19)[1], blocked(19)[1]) is None


def test_the_same_seed_gives_the_same_interval() -> None:
    stats = blocked(30)[1]
    assert interval(stats, seed=3) == interval(stats, seed=3)
    assert interval(stats, seed=3) != interval(stats, seed=4)


def test_paired_differences_use_the_same_draws() -> None:
    """definitions.md, Scoring: "paired differences use the same draws"."""
    rng = np.random.default_rng(5)
    block = np.repeat(np.arange(50), 30)
    samples = rows(rng.normal(290, 5, 1500), np.ones(1500), block)
    shared = np.repeat(rng.normal(0, 3, 50), 30) + rng.normal(0, 1, 1500)
    a = block_statistics(samples.y + shared, samples)
    b = block_statistics(samples.y + 0.97 * shared, samples)
    found = paired_difference(a, b)
    alone_a, alone_b = interval(a), interval(b)
    assert found is not None
    assert alone_a is not None
    assert alone_b is not None
    assert found.estimate == pytest.approx(alone_a.estimate - alone_b.estimate)
    # One alone varies by far more than their difference, which is found.
    assert alone_a.low < alone_b.estimate < alone_a.high
    assert found.excludes_zero
    assert found.high - found.low < 0.1 * (alone_a.high - alone_a.low)
    same = paired_difference(a, a)
    assert same is not None
    assert (same.low, same.high) == (0, 0)


def test_differences_need_the_same_cells() -> None:
    samples = rows(np.arange(400.0), np.ones(400), np.repeat(np.arange(40), 10))
    whole = block_statistics(samples.y + 1, samples)
    missing = (samples.y + 1).astype("f8")
    missing[7] = np.nan
    with pytest.raises(InvalidInputError) as caught:
        paired_difference(whole, block_statistics(missing, samples))
    assert caught.value.code == "other_cells"


def test_moving_blocks_are_for_series_in_time() -> None:
    """definitions.md, Scoring: "moving blocks where there is only time"."""
    rng = np.random.default_rng(2)
    n, length = 600, 12
    error = np.convolve(rng.normal(0, 1, n + 9), np.ones(10) / np.sqrt(10), mode="valid")
    time = np.arange(n) + 17
    samples = rows(rng.normal(0, 5, n), np.ones(n), time)
    single = block_statistics(samples.y + error, samples)
    moving = single.moving(length)
    assert moving.blocks.size == n - length + 1
    assert moving.drawn == n // length
    first = error[:length] ** 2
    assert moving.sums.values[4, 0] == pytest.approx(first.sum(), rel=1e-4)
    wide, narrow = interval(moving, "bias"), interval(single, "bias")
    assert wide is not None
    assert narrow is not None
    # Errors of neighbours are alike: single times pretend to know more.
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)
    with pytest.raises(InvalidInputError):
        single.moving(n + 1)


def test_folds_are_corrected_for_shared_train_cells() -> None:
    """definitions.md, Scoring: "Folds: Nadeau-Bengio corrected t"."""
    scores = [2.1, 2.4, 1.9, 2.6, 2.2]
    found = fold_interval(scores)
    half = 2.7764451 * math.sqrt((1 / 5 + 1 / 4) * np.var(scores, ddof=1))
    assert found.estimate == pytest.approx(2.24)
    assert found.low == pytest.approx(2.24 - half)
    assert found.high == pytest.approx(2.24 + half)
    difference = fold_difference(scores, [s - 0.5 for s in scores])
    assert difference.low == pytest.approx(0.5)
    with pytest.raises(InvalidInputError):
        fold_interval([1.0])


def test_seeds_give_training_spread_only() -> None:
    """definitions.md, Scoring: "seeds give training spread only, and are called that"."""
    found = training_spread([1.0, 2.0, 3.0])
    assert (found.mean, found.std, found.n_seeds) == (2, 1, 3)
    assert not hasattr(found, "low")
