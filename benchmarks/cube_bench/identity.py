"""Stored bytes hashed in a fresh process, beside what reading and hashing alone take."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from .child import Run
from .cube import DIMS, FEATURE, TARGET, stored
from .limits import read_warm
from .ours import identified

#: Chunks of random bits, so that what is stored is as large as what is not: 2.1 MB.
_CHUNK = (64, 90, 90)
_SHAPE = (180, 270)
_THREADS = 2


def make(folder: Path, megabytes: int) -> Path:
    """Return a store of about so many MB in `folder`, written if it is not there yet."""
    path = folder / f"random-{megabytes}.zarr"
    if (path / "made").exists():
        return path
    import xarray as xr
    import zarr

    shutil.rmtree(path, ignore_errors=True)
    layers = max(1, round(megabytes * 1e6 / (2 * 4 * _CHUNK[0] * _SHAPE[0] * _SHAPE[1])))
    shape = (layers * _CHUNK[0], *_SHAPE)
    coords = {dim: np.arange(size) for dim, size in zip(DIMS, shape, strict=True)}
    xr.Dataset(coords=coords).to_zarr(path, zarr_format=3, consolidated=False)
    group = zarr.open_group(str(path), mode="r+")
    rng = np.random.default_rng(0)
    for name in (FEATURE, TARGET):
        array = group.create_array(
            name, shape=shape, chunks=_CHUNK, dtype="uint32", dimension_names=DIMS
        )
        for start in range(0, shape[0], _CHUNK[0]):
            layer = rng.integers(0, 2**32, (_CHUNK[0], *_SHAPE), "uint32")
            array[start : start + _CHUNK[0]] = layer
    (path / "made").touch()
    return path


def read(run: Run) -> None:
    """Read the stored bytes from the page cache, one file after the other."""
    _into_page_cache(run.path)
    read_warm(run)


def ours(run: Run) -> None:
    """Identify the store; its bytes lie in the page cache."""
    identify = identified(run)
    _into_page_cache(run.path)
    run.start()
    kind = identify()
    run.finish(kind=kind)


def hash_alone(run: Run) -> None:
    """Hash as many bytes by the same code with two threads, but read none: always the same."""
    from jupyter_mlkit.cubes.identity.lanes import Words
    from jupyter_mlkit.cubes.identity.machine import LOADER

    LOADER.start().join()
    kernel = LOADER.widest(1000)
    assert kernel is not None
    code, piece = kernel, 2**16
    share = sum(file.stat().st_size for file in stored(run.path)) / _THREADS

    def work(_: int) -> None:
        data = np.zeros((code.lanes, piece), np.uint8)
        words = Words(code.lanes)
        for _ in range(int(share / data.size)):
            words.places[0] = data.ctypes.data + np.arange(code.lanes, dtype=np.uint64) * piece
            code.compress(*words.addresses, piece // 128)

    run.start()
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(work, range(_THREADS)))
    run.finish()


def _into_page_cache(path: Path) -> None:
    for file in stored(path):
        handle = os.open(file, os.O_RDONLY)
        while os.read(handle, 2**22):
            pass
        os.close(handle)
