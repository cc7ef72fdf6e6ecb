"""ml4xcube as it is used, in an environment of its own: it needs zarr 2 and an older xarray."""

from __future__ import annotations

import random
from typing import Any

from . import by_hand
from .child import Run
from .cube import FEATURE, TARGET

_NAMES = (FEATURE, TARGET)
_SEED = 0


def cells(run: Run) -> None:
    """PTXrDataset: a chunk an item, samples without NaN, batches cut by hand."""
    _chunks(run, None, by_hand.CELLS)


def patches(run: Run) -> None:
    """PTXrDataset with patches: none across chunks, 0 where a value is missing."""
    size = [("time", 1), ("lat", by_hand.EDGE), ("lon", by_hand.EDGE)]
    # With any gap in it the patch is dropped, and a chunk whose patches all are fails: filled.
    _chunks(run, size, by_hand.PATCHES, drop_nan="if_all_nan", fill_method="constant", const=0.0)


def windows(run: Run) -> None:
    """PTXrDataset with windows without NaN."""
    _chunks(run, [("time", by_hand.STEPS), ("lat", 1), ("lon", 1)], by_hand.WINDOWS)


def statistics(run: Run) -> None:
    """``get_statistics``: of all roles together, as it knows no other."""
    import xarray as xr
    from ml4xcube.preprocessing import get_statistics

    run.start()
    get_statistics(xr.open_zarr(run.path)[list(_NAMES)])
    run.finish()


def split(run: Run) -> None:
    """``assign_block_split`` and ``XrDataset`` with a target: arrays of train and test."""
    import xarray as xr
    from ml4xcube.datasets.xr_dataset import XrDataset
    from ml4xcube.splits import assign_block_split

    run.start()
    ds = xr.open_zarr(run.path)[list(_NAMES)]
    ds = assign_block_split(ds, [("time", 256), ("lat", 40), ("lon", 20)], 0.7)
    # Otherwise it may draw a chunk index again and again until all are met.
    data = XrDataset(ds, rand_chunk=False, to_pred=TARGET, scale_fn=None)
    (x, _), (x_test, _) = data.get_datasets()
    run.finish(len(x) + len(x_test))


def _chunks(run: Run, size: list[tuple[str, int]] | None, batch: int, **settings: Any) -> None:
    import numpy as np
    import xarray as xr
    from ml4xcube.datasets.pytorch import PTXrDataset

    run.start()
    ds = xr.open_zarr(run.path)[list(_NAMES)]
    data = PTXrDataset(ds, sample_size=size, process_chunks=True, **settings)
    order = list(range(len(data)))
    random.Random(_SEED).shuffle(order)
    rng = np.random.default_rng(_SEED)
    samples, chunks = 0, 0
    for i in order:
        chunk = data[i]
        table = np.stack([chunk[name] for name in _NAMES], axis=1)
        for part in by_hand.batches(table, batch, rng):
            samples += len(part)
            run.first()
        chunks += 1
        if run.over:
            break
    run.finish(samples, share=chunks / len(order))
