"""jupyter_mlkit's cube pipeline on the same tasks."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from . import by_hand, models
from .child import Run
from .cube import FEATURE, TARGET, stored
from .limits import forget

_ROLES = ("train", "validation", "test")


def cells(run: Run) -> None:
    """One epoch of single cells of all roles."""
    _epoch(run, batch_size=by_hand.CELLS)


def patches(run: Run) -> None:
    """One epoch of 64 x 64 patches of all roles: across chunks, with gaps, edges kept."""
    dims = {"time": 1, "lat": by_hand.EDGE, "lon": by_hand.EDGE}
    _epoch(run, input_dims=dims, batch_size=by_hand.PATCHES)


def windows(run: Run) -> None:
    """One epoch of windows of 10 steps of all roles, those with gaps included."""
    _epoch(run, input_dims={"time": by_hand.STEPS}, batch_size=by_hand.WINDOWS)


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
    identify = _identify(run)
    forget(files)
    run.start()
    kind = identify()
    run.finish(stored=sum(file.stat().st_size for file in files), kind=kind)


def fingerprint_again(run: Run) -> None:
    """Identify it once more: nothing has changed."""
    identify = _identify(run)
    identify()
    run.start()
    kind = identify()
    run.finish(kind=kind)


def _identify(run: Run) -> Callable[[], str]:
    # What is remembered between two calls lies in a folder of this run.
    os.environ["XDG_CACHE_HOME"] = str(run.scratch)
    ds, _ = _opened(run)
    from jupyter_mlkit.cubes.identity.fingerprint import fingerprint as identify

    return lambda: identify(ds(), source=str(run.path), variables=[FEATURE, TARGET]).kind


def _opened(run: Run) -> tuple[Callable[[], Any], Any]:
    """Import all that every task needs; return how to open the cube, and the split."""
    import xarray as xr
    import zarr  # noqa: F401

    from jupyter_mlkit.cubes.splits.blocks import BlockSplit

    return (
        lambda: xr.open_zarr(run.path, chunks=None),
        BlockSplit({"lat": "10 deg", "lon": "10 deg"}, shares=(0.7, 0.1, 0.2)),
    )


def _epoch(run: Run, **settings: Any) -> None:
    ds, rule = _opened(run)
    from jupyter_mlkit.cubes.sampling.sampler import Sampler

    run.start()
    sampler = Sampler(ds(), [FEATURE], TARGET, split=rule, roles=_ROLES, seed=0, **settings)
    samples, values = 0, 0
    for batch in sampler:
        samples += len(batch.y)
        values += int(np.count_nonzero(batch.valid))
        run.first()
    run.finish(samples, values=values)
