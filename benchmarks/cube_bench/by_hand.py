"""What users write around blocks that a library hands out: masks, permutations, batches.

The same careful numpy for all peers, so that they are compared by how they read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

CELLS, PATCHES, WINDOWS = 4096, 32, 1024  # samples in a batch
EDGE, STEPS = 64, 10


def cells(block: Sequence[Values], rng: np.random.Generator) -> Iterator[Values]:
    """Yield batches of the cells of a block that have every variable, in random order."""
    valid = np.isfinite(block[0])
    for values in block[1:]:
        valid &= np.isfinite(values)
    table = np.stack([values[valid] for values in block], axis=1)
    yield from batches(table, CELLS, rng)


def patches(block: Sequence[Values], rng: np.random.Generator) -> Iterator[Values]:
    """Yield batches of the whole 64 x 64 patches of a block (time, lat, lon) with any value."""
    rows, columns = (n // EDGE for n in block[0].shape[1:])
    if not rows or not columns:
        return
    stacked = np.stack([values[:, : rows * EDGE, : columns * EDGE] for values in block])
    n, times = len(block), stacked.shape[1]
    cut = stacked.reshape(n, times, rows, EDGE, columns, EDGE).transpose(1, 2, 4, 0, 3, 5)
    table = cut.reshape(-1, n, EDGE, EDGE)
    table = table[np.isfinite(table).any(axis=(1, 2, 3))]
    yield from batches(table, PATCHES, rng)


def windows(block: Sequence[Values], rng: np.random.Generator) -> Iterator[Values]:
    """Yield batches of the complete windows of 10 steps without a gap."""
    spans = block[0].shape[0] // STEPS
    stacked = np.stack([values[: spans * STEPS] for values in block])
    cut = stacked.reshape(len(block), spans, STEPS, -1)
    whole = np.isfinite(cut).all(axis=(0, 2))
    table = cut.transpose(1, 3, 0, 2)[whole]
    yield from batches(table, WINDOWS, rng)


def batches(table: Values, size: int, rng: np.random.Generator) -> Iterator[Values]:
    """Yield the rows of `table` in random order."""
    order = rng.permutation(len(table))
    for start in range(0, len(table), size):
        yield table[order[start : start + size]]
