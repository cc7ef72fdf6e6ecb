"""Draws that depend on named numbers alone: the same on every machine and NumPy version."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..identity.digest import mix64


def draws(n: int, *key: int) -> NDArray[np.uint64]:
    """Return `n` 64-bit numbers that follow from `key`."""
    state = np.zeros(1, np.uint64)
    for part in key:
        state = mix64(state ^ np.array([part & 0xFFFFFFFFFFFFFFFF], np.uint64))
    return mix64(np.arange(n, dtype=np.uint64) ^ state)


def shuffled(n: int, *key: int) -> NDArray[np.int64]:
    """Return a permutation of ``0 .. n - 1`` that follows from `key`."""
    return np.argsort(draws(n, *key), kind="stable")


def uniform(numbers: NDArray[np.int64], *key: int) -> NDArray[np.float64]:
    """Return for each of `numbers` a draw from [0, 1) that follows from it and `key`."""
    state = draws(1, *key)
    mixed = mix64(numbers.astype(np.uint64) ^ state)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
