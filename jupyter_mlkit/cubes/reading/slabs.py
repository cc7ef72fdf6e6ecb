"""Read a cube in whole chunks, a bounded piece at a time, each chunk decoded once."""

from __future__ import annotations

import itertools
import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError
from ..sources.open import remote_errors

#: Decoded bytes of all variables that are held at once.
SLAB_BYTES = 64 * 2**20

T = TypeVar("T")
#: Values of each variable within a box, by name.
Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Slab:
    """A box of a cube.

    Attributes
    ----------
    slices : dict
        Positions by dim.
    shape : tuple of int
        Its size along the reader's dims.
    """

    slices: dict[str, slice]
    shape: tuple[int, ...]


class SlabReader:
    """Walks over a cube in boxes that are made of whole chunks.

    Parameters
    ----------
    ds : xarray.Dataset
        Lazy or in memory.
    names : sequence of str
        Variables that are read together; static ones may lack some of `dims`.
    dims : sequence of str
        Dims and their order of what is read.
    offsets : mapping, optional
        Where `ds` starts within the stored cube, by dim, so that boxes meet its chunks.
    chunks : mapping, optional
        Cells by dim that boxes are made of; the stored chunks where not given.
    budget : int
        Decoded bytes per box at most, unless a single chunk is larger.
    """

    def __init__(
        self,
        ds: xr.Dataset,
        names: Sequence[str],
        dims: Sequence[str],
        *,
        offsets: Mapping[str, int] | None = None,
        chunks: Mapping[str, int] | None = None,
        budget: int = SLAB_BYTES,
    ) -> None:
        self.ds = ds
        self.names = tuple(names)
        self.dims = tuple(dims)
        self.sizes = {dim: int(ds.sizes[dim]) for dim in self.dims}
        self.offsets = {dim: int((offsets or {}).get(dim, 0)) for dim in self.dims}
        known = stored_chunks(ds, self.names, self.dims) if chunks is None else chunks
        # Where nothing is chunked, any box will do.
        self.chunks = {dim: known.get(dim, 1) for dim in self.dims}
        self._steps = self._plan(budget)

    def __iter__(self) -> Iterator[Slab]:
        """Yield boxes in C order of `dims`."""
        return map(self.slab, range(len(self)))

    def slab(self, index: int) -> Slab:
        """Return box number `index` in C order of `dims`."""
        along = [self._edges(dim) for dim in self.dims]
        places = np.unravel_index(index, [len(edges) for edges in along]) if along else ()
        edges = [pairs[int(place)] for pairs, place in zip(along, places, strict=True)]
        return Slab(
            dict(zip(self.dims, (slice(*pair) for pair in edges), strict=True)),
            tuple(stop - start for start, stop in edges),
        )

    def __len__(self) -> int:
        """Return the number of boxes."""
        return math.prod(len(self._edges(dim)) for dim in self.dims)

    def read(self, name: str, slab: Slab) -> NDArray[np.generic]:
        """Return one variable within `slab`, with size 1 along dims that it lacks.

        Raises
        ------
        CubeError
            ``unreadable_chunk``, naming the variable and the index of the chunk.
        """
        variable = self.ds[name]
        held = [dim for dim in self.dims if dim in variable.dims]
        picked = variable.isel({dim: slab.slices[dim] for dim in held}).transpose(*held)
        try:
            values = np.asarray(picked.values)
        except _read_errors() as error:
            raise self._unreadable(name, held, slab, error) from error
        shape = [
            size if dim in held else 1 for dim, size in zip(self.dims, slab.shape, strict=True)
        ]
        return values.reshape(shape)

    def map(
        self,
        work: Callable[[Slab, Arrays], T],
        threads: int | None = None,
        order: Sequence[int] | NDArray[np.int64] | None = None,
    ) -> Iterator[T]:
        """Read boxes in threads, call `work` on each there, and yield what it returns.

        Parameters
        ----------
        work : callable
            Gets the box and the values of every variable by name. The arrays are valid only
            during the call: their memory is used again.
        threads : int, optional
            Two to four, as many as there are processors, where not given.
        order : sequence of int, optional
            Numbers of the boxes to read, in the order in which results are wanted; all of them
            in C order where not given.

        Yields
        ------
        T
            Results in the order of the boxes; a few boxes are read ahead.

        Raises
        ------
        CubeError
            ``unreadable_chunk``, naming the variable and the index of the chunk.
        """
        count = threads or max(1, min(4, os.cpu_count() or 1))
        numbers = iter(range(len(self)) if order is None else order)

        def run(number: int) -> T:
            slab = self.slab(number)
            return work(slab, {name: self.read(name, slab) for name in self.names})

        pool = ThreadPoolExecutor(count, thread_name_prefix="cube-reader")
        ahead: deque[Future[T]] = deque()
        try:
            for number in numbers:
                ahead.append(pool.submit(run, int(number)))
                if len(ahead) > 2 * count:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _plan(self, budget: int) -> dict[str, int]:
        """Grow the box chunk by chunk, fastest dim first, until the budget is used."""
        steps = dict(self.chunks)
        cell = sum(self.ds[name].dtype.itemsize for name in self.names)
        for dim in reversed(self.dims):
            room = max(1, budget // max(1, cell * math.prod(steps.values())))
            wanted = math.ceil(self.sizes[dim] / steps[dim]) + 1
            steps[dim] *= min(room, wanted)
            if room < wanted:
                break
        return steps

    def _edges(self, dim: str) -> list[tuple[int, int]]:
        size, step, offset = self.sizes[dim], self._steps[dim], self.offsets[dim]
        starts = [0, *range(step - offset % step, size, step)]
        return list(zip(starts, [*starts[1:], size], strict=True)) if size else []

    def _unreadable(self, name: str, held: list[str], slab: Slab, error: Exception) -> CubeError:
        """Find the chunk that fails and say which it is."""
        variable = self.ds[name]
        chunk = _chunks_of(variable)
        spans = []
        for dim in held:
            step, offset = chunk.get(dim, self.sizes[dim]), self.offsets[dim]
            first = (slab.slices[dim].start + offset) // step
            last = (slab.slices[dim].stop - 1 + offset) // step
            spans.append(
                [
                    (k, max(0, k * step - offset), (k + 1) * step - offset)
                    for k in range(first, last + 1)
                ]
            )
        for pieces in itertools.product(*spans):
            box = {dim: slice(a, b) for dim, (_, a, b) in zip(held, pieces, strict=True)}
            try:
                np.asarray(variable.isel(box).values)
            except _read_errors() as cause:
                error = cause
                index = ", ".join(f"{dim} {k}" for dim, (k, _, _) in zip(held, pieces, strict=True))
                return CubeError(
                    f"Chunk ({index}) of '{name}' cannot be read: {_reason(error)}.",
                    hint="Fetch this chunk again from where the cube came from, or leave its "
                    "region or period out.",
                    code="unreadable_chunk",
                )
        return CubeError(
            f"'{name}' cannot be read: {_reason(error)}.",
            hint="It can be read on a second try: the store or the network is unstable.",
            code="unreadable_chunk",
        )


def _read_errors() -> tuple[type[Exception], ...]:
    import zarr

    return (
        *remote_errors(),
        ValueError,
        RuntimeError,
        EOFError,
        TypeError,
        zarr.errors.BaseZarrError,
    )


def _reason(error: Exception) -> str:
    lines = str(error).strip().rstrip(".").splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def stored_chunks(ds: xr.Dataset, names: Sequence[str], dims: Sequence[str]) -> dict[str, int]:
    """Return the largest chunk of any variable by dim; dims that nothing chunks are left out."""
    chunks = [_chunks_of(ds[name]) for name in names]
    found = {dim: [chunk[dim] for chunk in chunks if dim in chunk] for dim in dims}
    return {
        dim: max(1, min(max(sizes), int(ds.sizes[dim]))) for dim, sizes in found.items() if sizes
    }


def _chunks_of(variable: xr.DataArray) -> dict[str, int]:
    """Return the stored (or dask) chunk size by dim, as far as it is known."""
    if variable.chunksizes:
        return {str(dim): int(sizes[0]) for dim, sizes in variable.chunksizes.items()}
    stored = variable.encoding.get("chunks") or variable.encoding.get("chunksizes")
    preferred = variable.encoding.get("preferred_chunks")
    if preferred:
        return {str(dim): int(size) for dim, size in preferred.items() if dim in variable.dims}
    if stored and len(stored) == variable.ndim:
        return {str(dim): int(size) for dim, size in zip(variable.dims, stored, strict=True)}
    return {}
