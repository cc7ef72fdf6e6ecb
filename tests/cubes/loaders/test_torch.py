"""PyTorch gets each sample once, whatever workers and ranks there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from jupyter_mlkit.cubes.loaders.torch import dataset
from jupyter_mlkit.cubes.sampling.sampler import Sampler

Make = Callable[..., Sampler]


def rows(batches: Any) -> np.ndarray:
    return np.sort(np.concatenate([np.asarray(y) for _, y, _ in batches]))


def wanted(sampler: Sampler) -> np.ndarray:
    return np.sort(np.concatenate([batch.y for batch in sampler]))


@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
def test_workers_share_an_epoch_without_overlap_or_loss(make: Make, start: str) -> None:
    sampler = make()
    expected = wanted(sampler)  # the parent has read the store before it forks
    batches = dataset(sampler, workers=2)
    loader = torch.utils.data.DataLoader(
        batches, batch_size=None, num_workers=2, multiprocessing_context=start, timeout=60
    )
    found = list(loader)
    np.testing.assert_array_equal(rows(found), expected)
    assert len(found) == len(loader) == len(batches)
    assert all(x.dtype == y.dtype == w.dtype == torch.float32 for x, y, w in found)


def test_persistent_workers_follow_the_epoch(make: Make) -> None:
    batches = dataset(make(), workers=1)
    loader = torch.utils.data.DataLoader(
        batches, batch_size=None, num_workers=1, persistent_workers=True, timeout=60
    )
    first = torch.cat([y for _, y, _ in loader])
    batches.set_epoch(1)
    second = torch.cat([y for _, y, _ in loader])
    assert not torch.equal(first, second)
    assert torch.equal(first.sort().values, second.sort().values)


def _rank(rank: int, sampler: Sampler, folder: str, workers: int) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2
    )
    batches = dataset(sampler, workers=workers)
    loader = torch.utils.data.DataLoader(batches, batch_size=None, num_workers=workers)
    found = [y for _, y, _ in loader]
    np.savez(f"{folder}/{rank}.npz", y=torch.cat(found).numpy(), n=[len(found), len(batches)])
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("workers", [2])
def test_ranks_get_as_many_batches_and_share_the_samples(
    make: Make, tmp_path: Any, workers: int
) -> None:
    sampler = make()
    torch.multiprocessing.spawn(_rank, (sampler, str(tmp_path), workers), nprocs=2)
    found = [np.load(tmp_path / f"{rank}.npz") for rank in range(2)]
    assert len({int(n) for part in found for n in part["n"]}) == 1
    np.testing.assert_array_equal(
        np.sort(np.concatenate([part["y"] for part in found])), wanted(sampler)
    )


def test_cells_that_do_not_count_weigh_nothing(make: Make) -> None:
    sampler = make(input_dims={"lat": 5, "lon": 5}, drop_nan=None)
    for (x, y, weight), batch in zip(dataset(sampler), sampler, strict=True):
        assert x.shape[1:] == (1, 5, 5)
        assert y.shape == weight.shape == batch.valid.shape
        assert bool((weight.numpy()[~batch.valid] == 0).all())
        assert bool(torch.isfinite(y).all())
        np.testing.assert_array_equal(y.numpy()[batch.valid], batch.y[batch.valid])


def test_without_target_items_are_inputs(make: Make) -> None:
    ds = make().ds
    (x, *_) = dataset(Sampler(ds, ["a"]))
    assert torch.is_tensor(x)
