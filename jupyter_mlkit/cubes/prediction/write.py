"""Write a prediction to zarr: read, predict and encode in threads, resumable, by many processes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError, InvalidInputError
from ..reading.slabs import Slab, SlabReader
from .boxes import Box
from .cores import shared_cores
from .frame import Frame
from .inputs import Arrays
from .lazy import Predictor, read_box
from .stage import Stage
from .store import ChunkWriter, make_empty
from .tiling import Tiling

#: Decoded bytes of all features per box; each thread holds one, and a few are read ahead.
_BUDGET = 24 * 2**20
_THREADS = max(1, min(4, os.cpu_count() or 1))


@dataclass(frozen=True)
class Job:
    """A prediction that is to be written.

    Attributes
    ----------
    predictor : Predictor
    ds : xarray.Dataset
        With the features.
    names : tuple of str
        The features.
    frame : Frame
    tilings : tuple of Tiling
        Along these dims a box reads more than itself.
    """

    predictor: Predictor
    ds: xr.Dataset
    names: tuple[str, ...]
    frame: Frame
    tilings: tuple[Tiling, ...] = ()

    def boxes(self) -> SlabReader:
        """Return the reader whose boxes are predicted: whole chunks of the result."""
        dims, chunks = self.frame.dims, dict(zip(self.frame.dims, self.frame.chunks, strict=True))
        if not self.tilings:
            return SlabReader(self.ds, self.names, dims, chunks=chunks, budget=_BUDGET)
        # What a box needs from around it is not the reader's to know: it reads nothing itself.
        return SlabReader(self.ds, (), dims, chunks=self._wide(chunks), budget=0)

    def _wide(self, chunks: dict[str, int]) -> dict[str, int]:
        """Grow boxes along the window dims, as windows across their edges are computed twice."""
        # Every piece of a dim that is one window would compute that window again.
        whole = {t.dim: t.size for t in self.tilings if t.window == t.size}
        steps = {**chunks, **whole}
        sizes = {t.dim: t.size for t in self.tilings}
        bytes_per_cell = 4 * len(self.names)
        while True:
            growing = [dim for dim in sizes if steps[dim] < sizes[dim]]
            if not growing or 2 * math.prod(steps.values()) * bytes_per_cell > _BUDGET:
                return steps
            shortest = min(growing, key=lambda dim: steps[dim])
            steps[shortest] *= 2


def write_prediction(
    job: Job,
    path: Path,
    *,
    key: str | None,
    part: tuple[int, int] | None = None,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> bool:
    """Predict box by box, and put the cube in place when its last box is done.

    Parameters
    ----------
    job : Job
    path : Path
    key : str or None
        Of everything that determines the result. Processes with the same key work on the same
        cube, and a later one goes on where a killed one was; None where it cannot be known.
    part : (int, int), optional
        The number of this process, and how many there are: boxes are dealt out in turn.
    overwrite : bool
    progress : callable, optional

    Returns
    -------
    bool
        Whether the cube stands at `path`; False where other parts of it are still to be done.

    Raises
    ------
    ConflictError
        ``already_exists``.
    CubeError
        ``unreadable_chunk``.
    InvalidInputError
        The model's answer cannot be used, ``not_writable``, or `part` is wrong.
    """
    if part is not None:
        _check_part(part, key)
    with _writable(path):
        stage = Stage.open(path, key, lambda cube: make_empty(cube, job.frame), overwrite=overwrite)
    reader = job.boxes()
    number, count = part or (0, 1)
    done = stage.done()
    todo = [i for i in range(number, len(reader), count) if i not in done]
    try:
        _fill(job, reader, stage, todo, progress)
    except BaseException as error:
        # What another try can go on from is kept; what a wrong model left is not.
        lasting = isinstance(error, CubeError | _DiskError) or not isinstance(error, Exception)
        if key is None or (part is None and not lasting):
            stage.discard()
        raise
    if len(stage.done()) < len(reader):
        return False
    with _writable(path):
        stage.finish()
    return True


class _DiskError(InvalidInputError):
    """A chunk could not be written."""

    code = "not_writable"


def into_memory(job: Job) -> NDArray[Any]:
    """Return the whole prediction as an array.

    Raises
    ------
    CubeError
        ``unreadable_chunk``.
    """
    result = np.empty(job.frame.shape, job.frame.dtype)

    def keep(box: Box, values: NDArray[Any]) -> None:
        result[box] = values

    reader = job.boxes()
    for _ in _pass(job, reader, range(len(reader)), keep):
        pass
    return result


def _fill(
    job: Job,
    reader: SlabReader,
    stage: Stage,
    todo: Sequence[int],
    progress: Callable[[float], None] | None,
) -> None:
    writer = ChunkWriter(stage, job.frame)
    numbers = {_corner(reader.slab(i)): i for i in todo}

    def put(box: Box, values: NDArray[Any]) -> None:
        with _writable(stage.target):
            writer.write(box, values)
            stage.mark(numbers[tuple(side.start for side in box)])

    for count in _pass(job, reader, todo, put):
        if progress is not None:
            progress(count / len(todo))


def _pass(
    job: Job, reader: SlabReader, todo: Sequence[int], put: Callable[[Box, NDArray[Any]], None]
) -> Iterator[int]:
    """Predict the boxes `todo` in threads, `put` each there, and yield how many are done."""
    features = SlabReader(job.ds, job.names, job.frame.dims)

    def work(slab: Slab, arrays: Arrays) -> None:
        enter()
        box = tuple(slab.slices[dim] for dim in job.frame.dims)
        if job.tilings:
            arrays = read_box(features, job.predictor.footprint(box))
        put(box, job.predictor.values(box, arrays))

    threads = max(1, min(_THREADS, len(todo)))
    with shared_cores(threads) as enter:
        for count, _ in enumerate(reader.map(work, threads, todo), start=1):
            yield count


def _corner(slab: Slab) -> tuple[int, ...]:
    return tuple(side.start for side in slab.slices.values())


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _DiskError(
            f"The prediction cannot be written to {path}: {error.strerror or error}.",
            hint="Check the free space and the permissions of that folder.",
        ) from error


def _check_part(part: tuple[int, int], key: str | None) -> None:
    if not (part[1] >= 1 and 0 <= part[0] < part[1]):
        raise InvalidInputError(
            f"There is no part {part[0]} of {part[1]}.",
            hint="Parts are (0, n) to (n - 1, n).",
            field="part",
        )
    if key is None:
        raise InvalidInputError(
            "Processes cannot tell that they work on the same prediction: this model or cube "
            "has no identity.",
            hint="Name them: attrs={'mlkit_model_uri': ..., 'mlkit_cube_fingerprint': ...}.",
            field="part",
        )
