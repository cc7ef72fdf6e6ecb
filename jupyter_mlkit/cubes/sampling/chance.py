"""Draws that depend on named numbers alone: the same on every machine and NumPy version."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..identity.digest import mix64

_ALL = 2**64 - 1


def _mixed(number: int) -> int:
    """Scatter one number as ``mix64`` does, without the cost of an array."""
    x = (number + 0x9E3779B97F4A7C15) & _ALL
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _ALL
    return x ^ (x >> 31)


def _state(key: tuple[int, ...]) -> int:
    state = 0
    for part in key:
        state = _mixed(state ^ (part & _ALL))
    return state


def round_keys(*key: int) -> NDArray[np.uint64]:
    """Return three odd factors and three addends, for ``permute``."""
    state = _state(key)
    found = [_mixed(number ^ state) for number in range(6)]
    return np.array([*(factor | 1 for factor in found[:3]), *found[3:]], np.uint64)


def draws(n: int, *key: int) -> NDArray[np.uint64]:
    """Return `n` 64-bit numbers that follow from `key`."""
    return mix64(np.arange(n, dtype=np.uint64) ^ np.uint64(_state(key)))


def shuffled(n: int, *key: int) -> NDArray[np.int64]:
    """Return a permutation of ``0 .. n - 1`` that follows from `key`."""
    return np.argsort(draws(n, *key), kind="stable")


def uniform(numbers: NDArray[np.int64], *key: int) -> NDArray[np.float64]:
    """Return for each of `numbers` a draw from [0, 1) that follows from it and `key`."""
    state = draws(1, *key)
    mixed = mix64(numbers.astype(np.uint64) ^ state)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
