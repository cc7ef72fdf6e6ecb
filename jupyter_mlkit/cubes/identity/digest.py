"""Digests of numbers that do not depend on the order in which they are read."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_SECOND_LANE = np.uint64(0xA5A5A5A5A5A5A5A5)


def mix64(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter 64-bit numbers (finaliser of splitmix64, Steele et al. 2014)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


class SetDigest:
    """128-bit digest of a multiset of scattered 64-bit numbers: two sums modulo 2**64.

    It finds accidents, not attackers: who can choose the members can forge it.
    """

    def __init__(self) -> None:
        self._n = 0
        self._sums = np.zeros(2, np.uint64)

    def add(self, members: NDArray[np.uint64]) -> None:
        """Add members, which have been through :func:`mix64`."""
        self._n += members.size
        lanes = [members, mix64(members ^ _SECOND_LANE)]
        # In place on an array: 64-bit sums wrap, which is wanted here.
        self._sums += np.array([lane.sum(dtype=np.uint64) for lane in lanes], np.uint64)

    def hexdigest(self) -> str:
        """Return 32 hex digits."""
        data = self._n.to_bytes(8, "little") + self._sums.astype("<u8").tobytes()
        return hashlib.blake2b(data, digest_size=16).hexdigest()
