"""Digests of numbers that do not depend on the order in which they are read."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: 24 hex digits: with the kind in front it fits MLflow's 36 characters for a digest.
_HEX_BYTES = 12
_SECOND_LANE = np.uint64(0xA5A5A5A5A5A5A5A5)


def digest_of(*parts: Any) -> str:
    """Return 24 hex digits of `parts`, which are JSON-ready."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=_HEX_BYTES).hexdigest()


def mix64(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter 64-bit numbers (finaliser of splitmix64, Steele et al. 2014)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def lane_sums(members: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return two sums modulo 2**64 of scattered numbers and of a second scattering of them."""
    lanes = (members, mix64(members ^ _SECOND_LANE))
    return np.array([lane.sum(dtype=np.uint64) for lane in lanes], np.uint64)


class SetDigest:
    """128-bit digest of a multiset of scattered 64-bit numbers: two sums modulo 2**64.

    It finds accidents, not attackers: who can choose the members can forge it.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sums = np.zeros(2, np.uint64)

    def add(self, count: int, sums: NDArray[np.uint64]) -> None:
        """Add `count` members, of which :func:`lane_sums` are given."""
        self.count += count
        # In place on an array: 64-bit sums wrap, which is wanted here.
        self._sums += sums

    def digest(self) -> bytes:
        """Return 16 bytes."""
        data = self.count.to_bytes(8, "little") + self._sums.astype("<u8").tobytes()
        return hashlib.blake2b(data, digest_size=16).digest()
