"""Batches for PyTorch: an ``IterableDataset`` of whole batches."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from ..sampling.arguments import require_sampler, whole
from ..sampling.sampler import Sampler
from .arrays import training_arrays


def dataset(sampler: Sampler, workers: int = 0) -> Any:
    """Return an ``IterableDataset`` whose items are whole batches (X, y, weight).

    Every worker of a ``DataLoader`` and every rank of ``torch.distributed`` gets a part of its
    own; together they hold each sample once. Ranks get as many batches each. Without a target
    an item is X.

    Parameters
    ----------
    sampler : Sampler
    workers : int
        ``num_workers`` of the DataLoader, so that ``len`` is exact.

    Returns
    -------
    torch.utils.data.IterableDataset
        With ``set_epoch(epoch)``; call it before each epoch.

    Examples
    --------
    >>> batches = dataset(sampler, workers=2)
    >>> loader = DataLoader(batches, batch_size=None, num_workers=2)
    >>> for epoch in range(10):
    ...     batches.set_epoch(epoch)
    ...     for X, y, weight in loader:
    ...         loss = (weight * (model(X) - y) ** 2).sum() / weight.sum()
    """
    require_sampler("sampler", sampler)
    return _kind()(sampler, whole("workers", workers, 0))


@cache
def _kind() -> Any:
    """Make the class when torch is there; it is pickled by :func:`dataset`."""
    torch = import_module("torch")

    class Batches(torch.utils.data.IterableDataset):  # type: ignore[name-defined, misc]
        def __init__(self, sampler: Sampler, workers: int) -> None:
            super().__init__()
            self.sampler = sampler
            self.workers = workers
            # Persistent workers keep their copy of the sampler: they see the epoch here.
            self.epoch = torch.tensor(sampler.epoch).share_memory_()
            # A spawned worker knows no rank of its own: it takes that of its parent.
            self.rank, self.world = _rank()
            if self.world > 1:
                sampler.survey()

        def __reduce__(self) -> tuple[Any, ...]:
            return dataset, (self.sampler, self.workers), vars(self)

        def set_epoch(self, epoch: int) -> None:
            """Choose the epoch of the next iteration."""
            self.epoch.fill_(epoch)
            self.sampler.set_epoch(epoch)

        def __len__(self) -> int:
            parts = max(1, self.workers)
            return sum(len(self._part(i, parts)) for i in range(parts))

        def __iter__(self) -> Iterator[Any]:
            info = torch.utils.data.get_worker_info()
            worker, parts = (0, 1) if info is None else (info.id, info.num_workers)
            epoch = int(self.epoch)
            if epoch != self.sampler.epoch:
                self.sampler.set_epoch(epoch)
            for batch in self._part(worker, parts):
                if batch.y is None:
                    yield torch.from_numpy(batch.X)
                else:
                    yield tuple(map(torch.from_numpy, training_arrays(batch)))

        def _part(self, worker: int, parts: int) -> Sampler:
            if self.world * parts == 1:
                return self.sampler
            return self.sampler.shard(
                self.rank * parts + worker, self.world * parts, even=self.world > 1
            )

    return Batches


def _rank() -> tuple[int, int]:
    distributed = import_module("torch.distributed")
    if distributed.is_available() and distributed.is_initialized():
        return int(distributed.get_rank()), int(distributed.get_world_size())
    return 0, 1
