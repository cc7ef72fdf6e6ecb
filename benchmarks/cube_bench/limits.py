"""What bounds everybody: the codec, the disk, memory."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from . import models
from .child import Run
from .cube import CHUNK, DIMS, FEATURE, TARGET, stored

_T = TypeVar("_T")
_THREADS = 2
_CHUNK_BYTES = 4 * int(np.prod(CHUNK))


def decode(run: Run) -> None:
    """Every chunk once: file bytes, then its codec into a reused buffer, by two threads."""
    from numcodecs.zstd import Zstd

    files = stored(run.path)
    codec = Zstd()

    def work(mine: Sequence[Path]) -> None:
        values = np.empty(_CHUNK_BYTES, np.uint8)
        for file in mine:
            codec.decode(file.read_bytes(), out=values)
            run.first()

    run.start()
    _in_threads(work, files)
    run.finish()


def read_cold(run: Run) -> None:
    """Read the stored bytes from the disk, one file after the other."""
    files = stored(run.path)
    forget(files)
    buffer = memoryview(bytearray(_CHUNK_BYTES + 2**20))
    run.start()
    total = 0
    for file in files:
        with file.open("rb", buffering=0) as stream:
            while got := stream.readinto(buffer):
                total += got
    run.finish(stored=total)


def read_warm(run: Run) -> None:
    """Read the stored bytes from the page cache, one file after the other."""
    buffer = memoryview(bytearray(_CHUNK_BYTES + 2**20))
    files = stored(run.path)
    run.start()
    total = 0
    for file in files:
        with file.open("rb", buffering=0) as stream:
            while got := stream.readinto(buffer):
                total += got
    run.finish(stored=total)


def memcpy(run: Run) -> None:
    """As many bytes as the cube has, from one buffer to another, by two threads."""
    pieces = len(stored(run.path))

    def work(mine: Sequence[int]) -> None:
        source, target = np.zeros(_CHUNK_BYTES, np.uint8), np.empty(_CHUNK_BYTES, np.uint8)
        for _ in mine:
            np.copyto(target, source)

    run.start()
    _in_threads(work, range(pieces))
    run.finish()


def _copy(fast: bool) -> Callable[[Run], None]:
    """Return a copy by codecs alone, no zarr: read both variables and write one by chunks.

    It writes as the cube is stored (zstd), or by lz4, which takes a third of the time.
    """

    def work(run: Run) -> None:
        from numcodecs.blosc import Blosc
        from numcodecs.zstd import Zstd

        files = stored(run.path)
        pairs = list(zip(files[::2], files[1::2], strict=True))
        decoder = Zstd()
        encoder = Blosc("lz4") if fast else decoder

        def copy(mine: Sequence[tuple[Path, Path]]) -> None:
            first, second = (np.empty(CHUNK, np.float32) for _ in range(2))
            for one, other in mine:
                decoder.decode(one.read_bytes(), out=first)
                decoder.decode(other.read_bytes(), out=second)
                target = run.scratch / other.relative_to(run.path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(encoder.encode(second))
                run.first()

        run.start()
        _in_threads(copy, pairs)
        run.finish()

    return work


copy_codec, copy_fast = map(_copy, (False, True))


def copy_zarr(run: Run) -> None:
    """Read both variables and write one, block by block, by zarr in two threads."""
    import zarr

    source = zarr.open_group(str(run.path), mode="r")
    names = [TARGET, *(name for name, _ in source.arrays() if name.startswith("air"))]
    arrays = [source[name] for name in names]
    run.start()
    target = zarr.create_array(
        str(run.scratch / "copy.zarr"),
        shape=arrays[0].shape,
        chunks=CHUNK,
        dtype="float32",
        fill_value=float("nan"),
    )
    blocks = list(np.ndindex(*arrays[0].cdata_shape))

    def work(mine: Sequence[tuple[int, ...]]) -> None:
        for block in mine:
            _, values = (array.get_block_selection(block) for array in reversed(arrays))
            target.set_block_selection(block, values)
            run.first()

    _in_threads(work, blocks)
    run.finish()


def forget(files: Sequence[Path]) -> None:
    """Drop files from the page cache, as far as the kernel is ours to ask."""
    for file in files:
        handle = os.open(file, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def _in_threads(work: Callable[[Sequence[_T]], None], items: Sequence[_T]) -> None:
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(work, [items[i::_THREADS] for i in range(_THREADS)]))


def _alone(kind: str) -> Callable[[Run], None]:
    """Return a model that predicts the valid cells of the cube, which lie in memory."""

    def work(run: Run) -> None:
        import xarray as xr

        model = models.fitted(kind)
        ds, share = models.part(xr.open_zarr(run.path, chunks=None), kind)
        boxes = [
            {dim: slice(i, i + n) for dim, i, n in zip(DIMS, corner, CHUNK, strict=True)}
            for corner in itertools.product(
                *(range(0, ds.sizes[dim], n) for dim, n in zip(DIMS, CHUNK, strict=True))
            )
        ]
        tables = []
        for box in boxes:
            columns = [ds[name].isel(box).values for name in (FEATURE, TARGET)]
            valid = np.isfinite(columns[0]) & np.isfinite(columns[1])
            if valid.any():
                tables.append(np.stack([column[valid] for column in columns], axis=1))
        run.start()
        for table in tables:
            model.predict(table)
        run.finish(sum(map(len, tables)), share=share)

    return work


mlp_alone, trees_alone = map(_alone, ("mlp", "trees"))
