"""Read a cube in whole chunks, a bounded piece at a time, each chunk decoded once."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .boxes import Asked
from .fetch import IN_FLIGHT, Scratch
from .plan import chunk_edges, merged, stored_chunks
from .together import Together

__all__ = ["SLAB_BYTES", "Arrays", "Slab", "SlabReader", "stored_chunks"]

#: Decoded bytes of all variables in one box: two chunks of usual size, which stay in the cache.
SLAB_BYTES = 16 * 2**20
#: Bytes of which the memory of each variable holds a multiple.
_ALIGNED = 64
#: Boxes per thread that are worked on or held: they take unequal time, and keep their order.
AHEAD = 3

T = TypeVar("T")
#: Values of each variable within a box, by name.
Arrays = dict[str, NDArray[Any]]


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

    Zarr chunks are decoded straight from their files, everything else is read through xarray;
    the values are the same to the bit. What computed features share is read once for a box.
    Works in a forked child after the parent has read.

    Parameters
    ----------
    ds : xarray.Dataset
        Lazy or in memory.
    names : sequence of str
        Variables that are read together; static ones may lack some of `dims`.
    dims : sequence of str
        Dims and their order of what is read.
    offsets : mapping, optional
        Where `ds` starts within the stored cube, by dim, so that boxes meet its chunks; not
        needed for zarr, where it can be seen.
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
        self._together = Together(ds, self.names, self.dims)
        edges = chunk_edges(
            list(self._together.sources.values()),
            self.sizes,
            self.chunks,
            self.offsets,
            given=chunks is not None,
        )
        cell = sum(ds[name].dtype.itemsize for name in self.names)
        self._edges = merged(edges, cell, budget)

    def __len__(self) -> int:
        """Return the number of boxes."""
        return math.prod(self._counts)

    def __iter__(self) -> Iterator[Slab]:
        """Yield boxes in C order of `dims`."""
        return map(self.slab, range(len(self)))

    def slab(self, number: int) -> Slab:
        """Return box `number` in C order of `dims`."""
        if not 0 <= number < len(self):
            raise IndexError(f"There are {len(self)} boxes, and {number} is none of them.")
        slices = {}
        for dim, edges in zip(reversed(self.dims), reversed(self._edges), strict=True):
            number, place = divmod(number, len(edges) - 1)
            slices[dim] = slice(int(edges[place]), int(edges[place + 1]))
        ordered = {dim: slices[dim] for dim in self.dims}
        return Slab(ordered, tuple(piece.stop - piece.start for piece in ordered.values()))

    def read(self, name: str, slab: Slab) -> NDArray[Any]:
        """Return one variable within `slab`, with size 1 along dims that it lacks.

        Raises
        ------
        CubeError
            ``unreadable_chunk``, naming the variable and the index of the chunk.
        """
        out = np.empty(self._shape(name, slab), self.ds[name].dtype)
        self._together.fill(slab.slices, {name: out}, {})
        return out

    def map(
        self,
        work: Callable[[Slab, Arrays], T],
        threads: int | None = None,
        order: Sequence[int] | NDArray[np.int64] | None = None,
        may_hold: Callable[[], bool] = lambda: True,
    ) -> Iterator[T]:
        """Read boxes in threads, call `work` on each there, and yield what it returns.

        Parameters
        ----------
        work : callable
            Gets the box and the values of every variable by name, C-contiguous. The arrays are
            valid only during the call: their memory is used again for the next box.
        threads : int, optional
            Two to four, as many as there are processors, where not given.
        order : sequence of int, optional
            Numbers of the boxes to read, in the order in which results are wanted; all of them
            in C order where not given.
        may_hold : callable, optional
            Asked whether there is memory for the result of one box more, where already one more
            than there are threads are worked on or held.

        Yields
        ------
        T
            Results in the order of the boxes. At most `AHEAD` boxes per thread are worked on or
            held ahead; of remote stores, `IN_FLIGHT` chunks are on their way besides.

        Raises
        ------
        CubeError
            ``unreadable_chunk``, naming the variable and the index of the chunk.
        """
        count = threads or max(1, min(4, os.cpu_count() or 1))
        most = AHEAD * count
        numbers = iter(range(len(self)) if order is None else order)
        buffers = Scratch()

        def run(slab: Slab, asked: dict[int, Asked]) -> T:
            arrays = self._buffers(slab, buffers)
            self._together.fill(slab.slices, arrays, asked)
            return work(slab, arrays)

        remote = self._together.remote
        asked_for: deque[tuple[Slab, dict[int, Asked]]] = deque()
        running: deque[Future[T]] = deque()
        pool = ThreadPoolExecutor(count, thread_name_prefix="cube-reader")
        try:
            while True:
                while _chunks_in(asked_for) < (IN_FLIGHT if remote else 1):
                    number = next(numbers, None)
                    if number is None:
                        break
                    slab = self.slab(int(number))
                    asked_for.append((slab, self._together.ask(slab.slices) if remote else {}))
                if asked_for and (len(running) <= count or (len(running) < most and may_hold())):
                    running.append(pool.submit(run, *asked_for.popleft()))
                elif running:
                    yield running.popleft().result()
                else:
                    break
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for _, asked in asked_for:
                for chunks in asked.values():
                    for future in chunks.values():
                        future.cancel()

    @property
    def _counts(self) -> list[int]:
        return [max(0, len(edges) - 1) for edges in self._edges]

    def _shape(self, name: str, slab: Slab) -> tuple[int, ...]:
        held = self._together.sources[name].dims
        pairs = zip(self.dims, slab.shape, strict=True)
        return tuple(size if dim in held else 1 for dim, size in pairs)

    def _buffers(self, slab: Slab, buffers: Scratch) -> Arrays:
        """Return memory for all variables, side by side in their order."""
        shapes = {name: self._shape(name, slab) for name in self.names}
        sizes = [
            -(-math.prod(shapes[name]) * self.ds[name].dtype.itemsize // _ALIGNED) * _ALIGNED
            for name in self.names
        ]
        memory = np.frombuffer(buffers.take("box", sum(sizes)), np.uint8)
        found: Arrays = {}
        at = 0
        for name, size in zip(self.names, sizes, strict=True):
            shape, dtype = shapes[name], self.ds[name].dtype
            if dtype.kind in "biufcmM":
                used = math.prod(shape) * dtype.itemsize
                found[name] = memory[at : at + used].view(dtype).reshape(shape)
            else:
                found[name] = np.empty(shape, dtype)
            at += size
        return found


def _chunks_in(asked_for: deque[tuple[Slab, dict[int, Asked]]]) -> int:
    """Return how many chunks were asked for; a box that needed none counts as one."""
    return sum(max(1, sum(map(len, asked.values()))) for _, asked in asked_for)
