"""Deal records to buckets, so that any few of them are drawn over a whole box."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from .chance import draws
from .parts import Drawn


class Dealer:
    """Deals the samples of a box, piece by piece while they are in the cache.

    Each piece is dealt to as many buckets, of which the first of all pieces are drawn first.

    Parameters
    ----------
    kernels : module
    take : callable
        Returns the first of as many places as a piece has samples.
    expected : sequence of int
        About how many samples of each wanted role there will be.
    unit : int
        Samples of a bucket of all pieces at most, if there are no more; 0 leaves the records in
        the order of their cells.
    key : tuple of int
        What the draw follows from.
    """

    def __init__(
        self,
        kernels: ModuleType,
        take: Callable[[int], int],
        expected: Sequence[int],
        unit: int,
        key: tuple[int, ...],
    ) -> None:
        self.kernels = kernels
        self._take = take
        self._buckets = [_power(-(-n // unit)) if unit else 1 for n in expected]
        self._key = key
        self._pieces: list[list[tuple[int, int]]] = [[] for _ in expected]

    def places(self, slots: NDArray[np.uint8], sizes: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return at which place each sample of the next piece is drawn.

        `slots` are their wanted roles, `sizes` tells how many there are of each.
        """
        rounds = [
            -(-n // buckets) for n, buckets in zip(sizes.tolist(), self._buckets, strict=True)
        ]
        first_round = _sums(rounds)
        chance = draws(2 * int(first_round[-1]), *self._key, len(self._pieces[0]))
        factors, turns = chance.view(np.int64).reshape(2, -1)
        factors |= 1
        starts, at = [], self._take(slots.size)
        for slot, (n, buckets) in enumerate(zip(sizes.tolist(), self._buckets, strict=True)):
            self._pieces[slot].append((at, n))
            starts.append(at + even(n, buckets)[:-1])
            if n % buckets:
                # The last round is short: it goes to the first buckets, as their sizes say.
                last = first_round[slot + 1] - 1
                factors[last], turns[last] = 1, 0
            at += n
        shifts = np.array([buckets.bit_length() - 1 for buckets in self._buckets])
        found = np.empty(slots.size, np.int32)
        self.kernels.deal(
            slots, shifts, np.concatenate(starts), _sums(self._buckets), factors, turns,
            first_round, found,
        )  # fmt: skip
        return found

    def drawn(self) -> list[Drawn]:
        """Return in which order places are drawn, by wanted role."""
        found = []
        for pieces, buckets in zip(self._pieces, self._buckets, strict=True):
            edges = np.array([first + even(n, buckets) for first, n in pieces], np.int64)
            edges = edges.reshape(len(pieces), buckets + 1)
            sizes = np.diff(edges, axis=1).T.ravel()
            ranks = np.concatenate([[0], np.cumsum(sizes)])
            found.append(Drawn(edges[:, :-1].T.ravel(), ranks))
        return found


def even(n: int, parts: int) -> NDArray[np.int64]:
    """Return the borders of parts of `n` samples; the first ones hold one more than the others."""
    number = np.arange(parts + 1, dtype=np.int64)
    found: NDArray[np.int64] = number * (n // parts) + np.minimum(number, n % parts)
    return found


def _power(n: int) -> int:
    """Return the least power of two that is not below `n`."""
    return 1 << max(0, n - 1).bit_length()


def _sums(sizes: Sequence[int]) -> NDArray[np.int64]:
    """Return where each of some runs begins once they are joined, and where the last ends."""
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
