"""jupyter_mlkit's cube pipeline on the same tasks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from . import by_hand, models
from .child import Run
from .cube import FEATURE, TARGET, stored
from .limits import forget

#: What we or xarray import when it is first needed: an import, like those at the top.
LAZY = ("zarr", "dask.array", "numba")
_ROLES = ("train", "validation", "test")


def cells(run: Run) -> None:
    """One epoch of single cells of all roles."""
    _epoch(run, batch_size=by_hand.CELLS)


def patches(run: Run) -> None:
    """One epoch of 64 x 64 patches of all roles: across chunks, with gaps, edges kept."""
    # A patch that lies in blocks of several roles is a sample of each: blocks are larger.
    dims = {"time": 1, "lat": by_hand.EDGE, "lon": by_hand.EDGE}
    rule = {"time": 64, "lat": 2 * by_hand.EDGE, "lon": 2 * by_hand.EDGE}
    _epoch(run, rule, input_dims=dims, batch_size=by_hand.PATCHES, drop_nan="if_all_nan")


def windows(run: Run) -> None:
    """One epoch of windows of 10 steps of all roles, those with gaps included."""
    dims = {"time": by_hand.STEPS}
    _epoch(run, input_dims=dims, batch_size=by_hand.WINDOWS, drop_nan="if_all_nan")


def statistics(run: Run) -> None:
    """Mean and standard deviation of the train role."""
    ds, split = _opened(run)
    from jupyter_mlkit.cubes.scaling.scalers import StandardScaler

    run.start()
    StandardScaler().fit(ds(), split=split)
    run.finish()


def split(run: Run) -> None:
    """Arrays of each role."""
    ds, rule = _opened(run)
    from jupyter_mlkit.cubes.reading.arrays import split_arrays

    run.start()
    parts = split_arrays(ds(), [FEATURE], TARGET, rule)
    arrays = sum(x.nbytes + y.nbytes for x, y in parts.values())
    run.finish(sum(len(y) for _, y in parts.values()), arrays_mb=arrays / 1e6)


def predict(kind: str) -> Callable[[Run], None]:
    """Return a prediction of every cell, written beside the cube."""

    def work(run: Run) -> None:
        ds, _ = _opened(run)
        from jupyter_mlkit.cubes.prediction.predict import predict as predict_cube

        model = models.fitted(kind)
        run.start()
        cube, share = models.part(ds(), kind)
        predict_cube(model, cube, features=[FEATURE, TARGET], path=run.scratch / "out.zarr")
        run.finish(share=share)

    return work


predict_linear, predict_mlp, predict_trees = map(predict, ("linear", "mlp", "trees"))


def fingerprint(run: Run) -> None:
    """Identify the cube by its stored bytes, read from the disk."""
    files = stored(run.path)
    identify = identified(run)
    forget(files)
    run.start()
    kind = identify()
    run.finish(stored=sum(file.stat().st_size for file in files), kind=kind)


def fingerprint_again(run: Run) -> None:
    """Identify it once more: nothing has changed."""
    identify = identified(run)
    identify()
    run.start()
    kind = identify()
    run.finish(kind=kind)


def identified(run: Run) -> Callable[[], str]:
    """Import all that is needed; return what identifies the cube and tells the kind."""
    # What is remembered between two calls lies in a folder of this run.
    os.environ["XDG_CACHE_HOME"] = str(run.scratch)
    ds, _ = _opened(run)
    from jupyter_mlkit.cubes.identity.fingerprint import fingerprint as identify

    return lambda: identify(ds(), variables=[FEATURE, TARGET]).kind


def _opened(run: Run, blocks: Mapping[str, int] | None = None) -> tuple[Callable[[], Any], Any]:
    """Import all that every task needs; return how to open the cube, and the split."""
    import xarray as xr

    for name in LAZY:
        with contextlib.suppress(ModuleNotFoundError):
            import_module(name)

    from jupyter_mlkit.cubes.sampling.engine import kernels
    from jupyter_mlkit.cubes.splits.blocks import BlockSplit

    kernels()  # numba sets itself up at its first function, once in a process

    return (
        lambda: xr.open_zarr(run.path, chunks=None),
        BlockSplit(blocks or {"lat": "10 deg", "lon": "10 deg"}, shares=(0.7, 0.1, 0.2)),
    )


def _epoch(run: Run, blocks: Mapping[str, int] | None = None, **settings: Any) -> None:
    ds, rule = _opened(run, blocks)
    from jupyter_mlkit.cubes.sampling.sampler import Sampler

    run.start()
    sampler = Sampler(ds(), [FEATURE], TARGET, split=rule, roles=_ROLES, seed=0, **settings)
    samples, values = 0, 0
    for batch in sampler:
        samples += len(batch.y)
        values += int(np.count_nonzero(batch.valid))
        run.first()
    run.finish(samples, values=values)
