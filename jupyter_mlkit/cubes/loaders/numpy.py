"""Batches of several epochs as NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator

from ..sampling.arguments import require_sampler, whole
from ..sampling.batch import Batch
from ..sampling.sampler import Sampler


def epochs(sampler: Sampler, n: int) -> Iterator[Batch]:
    """Return the batches of `n` epochs, each in an order of its own.

    Parameters
    ----------
    sampler : Sampler
        Its present epoch is the first; a resumed one gives the rest of that.
    n : int

    Returns
    -------
    iterator of Batch
    """
    require_sampler("sampler", sampler)
    return _epochs(sampler, whole("n", n, 0))


def _epochs(sampler: Sampler, n: int) -> Iterator[Batch]:
    first = sampler.epoch
    for epoch in range(first, first + n):
        if epoch > first:
            sampler.set_epoch(epoch)
        yield from sampler
