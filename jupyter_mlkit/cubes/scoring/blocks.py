"""Sufficient statistics of errors block by block, of which intervals are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInputError
from ..view.samples import Samples
from .samples import checked_rows
from .sums import ErrorSums, Floats, error_terms


@dataclass(frozen=True)
class BlockStats:
    """Sums of errors of each block.

    Attributes
    ----------
    blocks : ndarray of int64, shape (n_blocks,)
        Their ids, sorted; of moving blocks, the first time of each.
    sums : ErrorSums of shape (n_blocks,)
    drawn : int
        Blocks that make up one bootstrap sample: all of them where they are disjoint, fewer
        where they overlap.
    """

    blocks: NDArray[np.int64]
    sums: ErrorSums
    drawn: int

    def __add__(self, other: BlockStats) -> BlockStats:
        """Return the statistics of both; a block that both hold is one."""
        if self.drawn < self.blocks.size or other.drawn < other.blocks.size:
            raise InvalidInputError("Moving blocks do not add up: add, then call moving().")
        blocks = np.union1d(self.blocks, other.blocks)
        total = ErrorSums.zeros((blocks.size,))
        for part in (self, other):
            scattered = np.zeros_like(total.values)
            scattered[:, np.searchsorted(blocks, part.blocks)] = part.sums.values
            total = total + ErrorSums(scattered, part.sums.about)
        return BlockStats(blocks, total, blocks.size)

    def moving(self, length: int) -> BlockStats:
        """Return the overlapping blocks of `length` neighbours, for series in time.

        The blocks are single times, numbered in their order; `length` should exceed the
        autocorrelation length (Kuensch, Ann. Statist. 17, 1217, 1989). Times without a cell
        are missing from a block.

        Raises
        ------
        InvalidInputError
            `length` is not between 1 and the number of times.
        """
        times = np.arange(self.blocks[0], self.blocks[-1] + 1) if self.blocks.size else self.blocks
        if not 1 <= length <= times.size:
            raise InvalidInputError(
                f"Blocks of {length} times do not fit a series of {times.size}.", field="length"
            )
        series = np.zeros((len(self.sums.values), times.size))
        series[:, self.blocks - times[0]] = self.sums.values
        windows = np.lib.stride_tricks.sliding_window_view(series, length, axis=1).sum(axis=-1)
        starts = times[: windows.shape[1]]
        return BlockStats(starts, ErrorSums(windows, self.sums.about), max(1, times.size // length))


def block_statistics(
    prediction: NDArray[np.floating[Any]],
    samples: Samples,
    block: NDArray[np.integer[Any]] | None = None,
) -> BlockStats:
    """Return the sums of errors of each block.

    Pieces add up: ``block_statistics(...) + block_statistics(...)``.

    Parameters
    ----------
    prediction : ndarray, shape (n,) or (n, 1)
        In the target's units; NaN where the model has no answer.
    samples : Samples
        Whose ``block`` says to which block of the split a cell belongs.
    block : ndarray of int, shape (n,), optional
        Other blocks, such as the position in time for :meth:`BlockStats.moving`.

    Raises
    ------
    InvalidInputError
        As for :func:`score_samples`.
    """
    predicted, truth = checked_rows(prediction, samples.y)
    known = np.isfinite(truth)
    about = float(truth[known].mean()) if known.any() else 0.0
    terms = error_terms(predicted, truth, np.asarray(samples.weight, np.float64), about)
    ids = samples.block if block is None else np.asarray(block, np.int64)
    blocks, place = np.unique(ids, return_inverse=True)
    sums = np.stack([np.bincount(place, term, blocks.size) for term in terms]).astype(np.float64)
    # A block without a scored cell is none.
    scored = sums[0] > 0
    return BlockStats(
        blocks[scored].astype(np.int64), ErrorSums(_rows(sums, scored), about), int(scored.sum())
    )


def _rows(sums: Floats, scored: NDArray[np.bool_]) -> Floats:
    return np.ascontiguousarray(sums[:, scored])
