"""One pass over a cube that counts samples, and takes statistics of the train samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .parts import Part
from .recipe import Recipe


@dataclass(frozen=True)
class Survey:
    """What a pass over the cube found.

    Attributes
    ----------
    counts : dict
        By box, samples of each wanted role.
    mean, low, high : ndarray of float32, shape (n_columns,)
        Of the train samples; 0 where nothing was seen or asked for.
    classes : dict
        Train samples by class of the target, where asked for.
    """

    counts: dict[int, tuple[int, ...]]
    mean: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    classes: dict[float, int]


@dataclass(frozen=True)
class Found:
    """What one box contributes to a survey."""

    counts: tuple[int, ...]
    n: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    classes: dict[float, int]


def look_at(parts: list[Part], train: int | None, recipe: Recipe, *, classes: bool) -> Found:
    """Summarise the samples of a box; `train` is the place of the train role, if wanted."""
    counts = tuple(len(part) for part in parts)
    columns = len(recipe.columns)
    n, mean = np.zeros(columns, np.int64), np.zeros(columns)
    low, high = np.full(columns, np.inf, np.float32), np.full(columns, -np.inf, np.float32)
    seen: dict[float, int] = {}
    if train is not None and counts[train] and parts[train].records.size:
        inputs, marks, _ = parts[train].values(parts[train].places(), recipe)
        x = inputs.reshape(counts[train], columns, -1)
        for column in range(columns):
            values = x[:, column]
            values = values[np.isfinite(values)]
            if values.size:
                n[column], mean[column] = values.size, values.mean(dtype=np.float64)
                low[column], high[column] = values.min(), values.max()
        if classes:
            for label in np.unique(marks[np.isfinite(marks)]):
                seen[float(label)] = int((marks == label).any(axis=1).sum())
    return Found(counts, n, mean, low, high, seen)


def summed(found: Iterable[tuple[int, Found]], columns: int) -> Survey:
    """Join what the boxes contributed; means by Chan et al. (1979)."""
    counts: dict[int, tuple[int, ...]] = {}
    n, mean = np.zeros(columns, np.int64), np.zeros(columns)
    low, high = np.full(columns, np.inf, np.float32), np.full(columns, -np.inf, np.float32)
    classes: dict[float, int] = {}
    for box, part in found:
        counts[box] = part.counts
        n = n + part.n
        mean = mean + (part.mean - mean) * part.n / np.maximum(n, 1)
        low, high = np.minimum(low, part.low), np.maximum(high, part.high)
        for label, times in part.classes.items():
            classes[label] = classes.get(label, 0) + times
    return Survey(
        counts,
        mean.astype(np.float32),
        np.where(n > 0, low, 0).astype(np.float32),
        np.where(n > 0, high, 0).astype(np.float32),
        classes,
    )
