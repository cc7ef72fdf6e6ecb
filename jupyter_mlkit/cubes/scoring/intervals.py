"""Intervals of scores by a bootstrap of blocks: cells of one block are not independent."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...errors import InvalidInputError
from .blocks import BlockStats
from .sums import METRICS, Floats, known_metric

DRAWS = 2_000
#: With fewer blocks there is no interval.
FEWEST_BLOCKS = 20
#: Counts that are held at once: draws times blocks.
_HELD_COUNTS = 2**22


@dataclass(frozen=True)
class Interval:
    """A score, or a difference of scores, and where it may lie.

    Attributes
    ----------
    estimate, low, high : float
        In the score's units.
    level : float
        Confidence, such as 0.95.
    n_blocks : int
        Blocks (or folds) on which it rests.
    """

    estimate: float
    low: float
    high: float
    level: float
    n_blocks: int

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference is one at this level."""
        return self.low > 0 or self.high < 0


def interval(
    stats: BlockStats,
    metric: str = "rmse",
    *,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval | None:
    """Return the score over all blocks with a bootstrap interval.

    Whole blocks are drawn with replacement, and each draw is scored from their sums. The limits
    are the quantiles of the draws, corrected for bias and for skewness (BCa: Efron, J. Am.
    Stat. Assoc. 82, 171, 1987) and for the number of blocks (Hesterberg, Am. Stat. 69, 371,
    2015), as errors squared are skewed and blocks are few.

    Parameters
    ----------
    stats : BlockStats
    metric : str
        Of rmse, mae, bias, r2, correlation, mse.
    level : float
    draws : int
    seed : int
        The same seed and number of blocks give the same draws.

    Returns
    -------
    Interval or None
        None where there are fewer than 20 blocks, or the score is not defined.
    """
    score = METRICS[known_metric(metric)]
    return _bootstrap(stats.sums.values, score, stats.drawn, level, draws, seed)


def paired_difference(
    a: BlockStats,
    b: BlockStats,
    metric: str = "rmse",
    *,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval | None:
    """Return score(a) - score(b) on the same cells with an interval from the same draws.

    Parameters
    ----------
    a, b : BlockStats
        Of two models on the same cells.
    metric, level, draws, seed
        As for :func:`interval`.

    Returns
    -------
    Interval or None

    Raises
    ------
    InvalidInputError
        ``other_cells`` where blocks or the number or weight of their cells differ.
    """
    score = METRICS[known_metric(metric)]
    same = np.array_equal(a.blocks, b.blocks) and a.drawn == b.drawn
    if not (same and np.allclose(a.sums.values[:2], b.sums.values[:2], rtol=1e-9, atol=0)):
        raise InvalidInputError(
            "The two models were not scored on the same cells.",
            hint="Score both on the common cells.",
            code="other_cells",
        )
    n_terms = len(a.sums.values)
    both = np.concatenate([a.sums.values, b.sums.values])
    return _bootstrap(
        both, lambda s: score(s[:n_terms]) - score(s[n_terms:]), a.drawn, level, draws, seed
    )


def _bootstrap(
    sums: Floats,
    score: Callable[[Floats], Floats],
    drawn: int,
    level: float,
    draws: int,
    seed: int,
) -> Interval | None:
    if not 0 < level < 1:
        raise InvalidInputError(f"{level:g} is no confidence level.", field="level")
    with np.errstate(over="ignore", invalid="ignore"):
        estimate = float(score(sums.sum(axis=1)))
        if drawn < FEWEST_BLOCKS or not math.isfinite(estimate):
            return None
        found = score(_draw(sums, drawn, draws, seed))
        without = score(sums.sum(axis=1, keepdims=True) - sums)
    found = found[np.isfinite(found)]
    if not found.size:
        return None
    low, high = _bca(found, without[np.isfinite(without)], estimate, level, drawn)
    return Interval(estimate, low, high, level, drawn)


def _draw(sums: Floats, drawn: int, draws: int, seed: int) -> Floats:
    """Return the sums of `draws` samples of `drawn` blocks, shape (n_terms, draws)."""
    rng = np.random.default_rng(seed)
    n_blocks = sums.shape[1]
    at_once = max(1, _HELD_COUNTS // n_blocks)
    found = np.empty((draws, len(sums)))
    for start in range(0, draws, at_once):
        n = min(at_once, draws - start)
        picked = rng.integers(n_blocks, size=(n, drawn))
        picked += np.arange(n)[:, None] * n_blocks
        counts = np.bincount(picked.reshape(-1), minlength=n * n_blocks).reshape(n, n_blocks)
        found[start : start + n] = counts.astype(np.float64) @ sums.T
    return np.ascontiguousarray(found.T)


def _bca(
    found: Floats, without: Floats, estimate: float, level: float, drawn: int
) -> tuple[float, float]:
    from scipy.special import ndtr, ndtri, stdtrit

    # Draws of n blocks spread too little, by sqrt((n - 1) / n), and their quantiles are those of
    # a normal where Student's t is due: the tail is made smaller for both (Hesterberg).
    wide = math.sqrt(drawn / (drawn - 1)) * stdtrit(drawn - 1, (1 - level) / 2)
    tail = float(ndtr(wide))
    # Draws that equal the estimate count half; never beyond what the draws can resolve.
    below = (found < estimate).mean() + (found == estimate).mean() / 2
    bias = ndtri(np.clip(below, 1 / (found.size + 1), 1 - 1 / (found.size + 1)))
    influence = without.mean() - without if without.size else np.zeros(1)
    squares = (influence**2).sum()
    skewness = (influence**3).sum() / (6 * squares**1.5) if squares > 0 else 0.0
    shifted = bias + ndtri(np.array([tail, 1 - tail]))
    low, high = np.quantile(found, ndtr(bias + shifted / (1 - skewness * shifted)))
    return float(low), float(high)
