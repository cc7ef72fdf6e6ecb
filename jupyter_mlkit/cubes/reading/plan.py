"""Cut a cube into boxes of whole chunks that fit a budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .boxes import known_chunks, segments
from .stored import Positions

Edges = list[NDArray[np.int64]]


class Source(Protocol):
    """A variable that is read, or what it is computed from."""

    def along(self, dim: str) -> list[tuple[int, Positions]] | None:
        """Return size of chunks and positions in the store along `dim`; None if not known."""


def stored_chunks(ds: xr.Dataset, names: Sequence[str], dims: Sequence[str]) -> dict[str, int]:
    """Return the largest chunk of any variable by dim; dims that nothing chunks are left out."""
    chunks = [known_chunks(ds[name]) for name in names]
    found = {dim: [chunk[dim] for chunk in chunks if dim in chunk] for dim in dims}
    return {
        dim: max(1, min(max(sizes), int(ds.sizes[dim]))) for dim, sizes in found.items() if sizes
    }


def chunk_edges(
    sources: Sequence[Source],
    sizes: Mapping[str, int],
    chunks: Mapping[str, int],
    offsets: Mapping[str, int],
    *,
    given: bool,
) -> Edges:
    """Return where chunks begin along each dim, and the size of the dim at the end.

    Parameters
    ----------
    sources : sequence of Source
        What is read together.
    sizes, chunks, offsets : mapping
        Size, chunk and start within the stored cube, by dim, in the order of the result.
    given : bool
        Whether `chunks` were asked for; else those of the store lead, wherever they can be seen.
    """
    found = []
    for dim, size in sizes.items():
        starts = None if given else _stored_starts(sources, dim)
        if starts is None:
            step = chunks[dim]
            first = step - offsets[dim] % step
            starts = np.concatenate([[0], np.arange(first, size, step)])
        found.append(np.append(starts, size) if size else np.zeros(0, np.int64))
    return found


def merged(edges: Edges, cell: int, budget: int) -> Edges:
    """Join chunks to boxes, fastest dim first, until the budget is used.

    Parameters
    ----------
    edges : list of ndarray
        From :func:`chunk_edges`.
    cell : int
        Bytes of one cell of all variables.
    budget : int
        Bytes of a box at most, unless one chunk is larger.
    """
    found = list(edges)
    used = max(1, cell) * math.prod(map(_longest, edges))
    for axis in reversed(range(len(edges))):
        room = max(1, budget // used)
        wanted = max(1, len(edges[axis]) - 1)
        step = min(room, wanted)
        if step > 1:
            found[axis] = np.append(edges[axis][:-1:step], edges[axis][-1])
            used = used // _longest(edges[axis]) * _longest(found[axis])
        if room < wanted:
            break
    return found


def _longest(edges: NDArray[np.int64]) -> int:
    return int(np.diff(edges).max()) if len(edges) > 1 else 1


def _stored_starts(sources: Sequence[Source], dim: str) -> NDArray[np.int64] | None:
    """Return where the chunks begin of that variable whose chunks are the largest along `dim`."""
    leading = 0
    found: NDArray[np.int64] | None = None
    for source in sources:
        known = source.along(dim)
        if known is None:
            return None
        for chunk, along in known:
            if chunk <= leading:
                continue
            if not isinstance(along, range) and np.any(np.diff(along // chunk) < 0):
                return None  # in no order: no box of neighbours is made of whole chunks
            places = np.arange(len(along))
            starts = [places[within].min() for _, _, within in segments(along, chunk)]
            leading, found = chunk, np.sort(np.asarray(starts, dtype=np.int64))
    return found
