"""Read boxes of one variable: through its chunks where they are known, else through xarray."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .chunks import Chunks, Index
from .fetch import Scratch
from .stored import Positions, Stored, lazy_data, stored
from .unreadable import read_errors, unreadable

#: A selection along one axis: a position, evenly spaced ones, or any.
Pick = int | slice | NDArray[np.int64]
#: A selection along several dims; all of those that it does not name.
Box = Mapping[str, Any]
#: What was asked for ahead of reading a box.
Asked = dict[Index, Future[Any]]


@dataclass(frozen=True)
class _Piece:
    """The part of a box that lies in one chunk: which chunk, where in it, where in the box."""

    chunk: Index
    inner: tuple[Pick, ...]
    outer: tuple[Pick, ...]


class BoxReader:
    """Reads boxes of one variable, each chunk that they touch once.

    Parameters
    ----------
    variable : xarray.DataArray
        Lazy or in memory.
    scratch : Scratch
        Memory that is used again, of each thread.

    Attributes
    ----------
    stored : Stored or None
        The zarr array behind it, where it is known.
    """

    def __init__(self, variable: xr.DataArray, scratch: Scratch) -> None:
        self._variable = variable
        self.dims = tuple(map(str, variable.dims))
        self._scratch = scratch
        self.stored: Stored | None = stored(variable)
        self._chunks = None if self.stored is None else Chunks(self.stored.array)

    @property
    def by_dask(self) -> bool:
        """Whether dask computes it: its chunks cannot be seen, or something was done to them."""
        lazy = self.stored is None and self._variable.chunks is not None
        return lazy and hasattr(self._variable.data, "__dask_graph__")

    @property
    def remote(self) -> bool:
        """Whether it pays to :meth:`ask` for a box before it is read."""
        return self._chunks is not None and self._chunks.remote

    def ask(self, box: Box, asked: Asked) -> None:
        """Start to fetch the chunks of a box into `asked`, where they are remote."""
        if self._chunks is None or not self._chunks.remote:
            return
        for piece in self._pieces(box):
            future = None if piece.chunk in asked else self._chunks.ask(piece.chunk)
            if future is not None:
                asked[piece.chunk] = future

    def read(self, box: Box, out: NDArray[Any]) -> None:
        """Write the values of a box into `out`, whose axes are the dims of the variable.

        Raises
        ------
        CubeError
            ``unreadable_chunk``, naming the variable and the index of the chunk.
        """
        if self.stored is None:
            out[...] = self.values(box)
        else:
            read_together([(self, box, out)], {})

    def part(self, box: Box) -> tuple[Any, ...]:
        """Return what is the same for the same positions in the store."""
        if self.stored is None:
            kept = [box.get(dim, slice(None)) for dim in self.dims]
            return tuple(k.tobytes() if isinstance(k, np.ndarray) else str(k) for k in kept)
        picked = [
            taken(along, box.get(dim, slice(None)))
            for dim, along in zip(self.dims, self.stored.positions, strict=True)
        ]
        return tuple(k if isinstance(k, range) else k.tobytes() for k in picked)

    def along(self, dim: str) -> list[tuple[int, Positions]] | None:
        """Return size of the chunks and positions along `dim`; None where they are not known."""
        if dim not in self.dims or lazy_data(self._variable.variable) is None:
            return []
        if self.stored is None:
            return None
        place = self.dims.index(dim)
        return [(self.stored.chunks[self.stored.axes[place]], self.stored.positions[place])]

    def values(self, box: Box) -> NDArray[Any]:
        """Return the values of a box as xarray reads them; in memory, a view."""
        try:
            found: NDArray[Any] = np.asarray(self._variable.isel(box).values)
        except read_errors() as error:
            raise self._found_unreadable(box, error) from error
        return found

    def _read_chunk(
        self,
        chunk: Index,
        parts: Sequence[tuple[BoxReader, _Piece, NDArray[Any]]],
        asked: Future[Any] | None,
    ) -> None:
        """Decode a chunk once, and write what `parts` hold of it."""
        assert self._chunks is not None
        straight = next((i for i, part in enumerate(parts) if _is_chunk(*part)), None)
        if straight is None:
            shape, dtype = self._chunks.shape, self._chunks.dtype
            size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
            whole = np.frombuffer(self._scratch.take("chunk", size), dtype).reshape(shape)
        else:
            _, piece, out = parts[straight]
            whole = out[(*piece.outer, ...)]
        self._chunks.read(chunk, whole, self._scratch, asked)
        for i, (reader, piece, out) in enumerate(parts):
            if i != straight:
                reader._put(piece, whole, out)

    def _put(self, piece: _Piece, whole: NDArray[Any], out: NDArray[Any]) -> None:
        assert self.stored is not None
        values = picked(whole, piece.inner).transpose(np.argsort(np.argsort(self.stored.axes)))
        for step in self.stored.decode:
            values = step(values)
        if all(isinstance(pick, slice) for pick in piece.outer):
            out[(*piece.outer, ...)] = values
        else:
            out[np.ix_(*map(_as_array, piece.outer, out.shape))] = values

    def _pieces(self, box: Box) -> Iterator[_Piece]:
        assert self.stored is not None
        found = self.stored
        per_axis: list[list[tuple[int, Pick, Pick | None]]] = [[] for _ in found.chunks]
        for axis, place in found.fixed.items():
            chunk = place // found.chunks[axis]
            per_axis[axis] = [(chunk, place - chunk * found.chunks[axis], None)]
        for dim, axis, along in zip(self.dims, found.axes, found.positions, strict=True):
            picked = taken(along, box.get(dim, slice(None)))
            per_axis[axis] = list(segments(picked, found.chunks[axis]))
        for parts in itertools.product(*per_axis):
            yield _Piece(
                tuple(chunk for chunk, _, _ in parts),
                tuple(inner for _, inner, _ in parts),
                tuple(parts[axis][2] for axis in found.axes),  # type: ignore[misc]
            )

    def _named(self, chunk: Index) -> list[tuple[str, int]]:
        assert self.stored is not None
        names = dict(zip(self.stored.axes, self.dims, strict=True))
        return [(names.get(axis, f"axis {axis}"), k) for axis, k in enumerate(chunk)]

    def _found_unreadable(self, box: Box, error: Exception) -> Exception:
        """Find the chunk that fails, where xarray reads, and say which it is."""
        chunks = known_chunks(self._variable)
        spans = []
        for dim in self.dims:
            size = self._variable.sizes[dim]
            step = chunks.get(dim, size)
            places = taken(range(size), box.get(dim, slice(None)))
            spans.append([(k, step) for k in dict.fromkeys(place // step for place in places)])
        for parts in itertools.product(*spans):
            box = {
                dim: slice(k * step, (k + 1) * step)
                for dim, (k, step) in zip(self.dims, parts, strict=True)
            }
            try:
                np.asarray(self._variable.isel(box).values)
            except read_errors() as cause:
                index = [(dim, k) for dim, (k, _) in zip(self.dims, parts, strict=True)]
                return unreadable(self._variable, index, cause)
        return unreadable(self._variable, [], error)


def read_together(wanted: Iterable[tuple[BoxReader, Box, NDArray[Any]]], asked: Asked) -> None:
    """Write boxes of variables behind which lies the same zarr array; decode each chunk once.

    Parameters
    ----------
    wanted : iterable of (BoxReader, mapping, ndarray)
        What is read from it, and where it goes.
    asked : dict
        Chunks that are on their way; of those that are remote, the rest is asked for.

    Raises
    ------
    CubeError
        ``unreadable_chunk``, naming the variable and the index of the chunk.
    """
    parts: dict[Index, list[tuple[BoxReader, _Piece, NDArray[Any]]]] = {}
    for reader, box, out in wanted:
        reader.ask(box, asked)
        for piece in reader._pieces(box):
            parts.setdefault(piece.chunk, []).append((reader, piece, out))
    for chunk, holders in parts.items():
        reader = holders[0][0]
        try:
            reader._read_chunk(chunk, holders, asked.pop(chunk, None))
        except read_errors() as error:
            raise unreadable(reader._variable, reader._named(chunk), error) from error


def read_by_dask(wanted: Sequence[tuple[BoxReader, Box, NDArray[Any]]]) -> None:
    """Write boxes of variables that dask computes; what their graphs share is computed once.

    Raises
    ------
    CubeError
        ``unreadable_chunk``, naming the variable and the index of the chunk.
    """
    from dask.base import compute

    try:
        found = compute(*(reader._variable.isel(box).data for reader, box, _ in wanted))  # type: ignore[no-untyped-call]
    except read_errors():
        for reader, box, _ in wanted:
            reader.values(box)
        raise
    for (_, _, out), values in zip(wanted, found, strict=True):
        out[...] = values


def taken(along: Positions, pick: slice | NDArray[np.int64]) -> Positions:
    """Return some of the positions along an axis."""
    return along[pick] if isinstance(pick, slice) else np.asarray(along, dtype=np.int64)[pick]


def values_of(variable: xr.DataArray) -> NDArray[Any]:
    """Return all values of a small variable, such as a coordinate.

    Raises
    ------
    CubeError
        ``unreadable_chunk``, naming the variable and the index of the chunk.
    """
    return BoxReader(variable, Scratch()).values({})


def loaded(frame: xr.Dataset) -> xr.Dataset:
    """Return `frame` in memory; it holds coordinates only.

    Raises
    ------
    CubeError
        ``unreadable_chunk``, as in :func:`values_of`.
    """
    try:
        return frame.compute()
    except read_errors():
        for name in frame.variables:
            values_of(frame[name])
        raise


def segments(along: Positions, chunk: int) -> Iterator[tuple[int, Pick, Pick]]:
    """Cut positions along an axis at the borders of chunks.

    Yields
    ------
    int
        Index of the chunk.
    slice or ndarray
        Where in the chunk.
    slice or ndarray
        Which of the positions.
    """
    if isinstance(along, range) and along.step > 0:
        first = 0
        while first < len(along):
            k = along[first] // chunk
            last = min(len(along), -(-((k + 1) * chunk - along.start) // along.step))
            inner = slice(along[first] - k * chunk, along[last - 1] - k * chunk + 1, along.step)
            yield k, inner, slice(first, last)
            first = last
        return
    places = np.asarray(along, dtype=np.int64)
    # Positions in any order: those of one chunk together, so that it is decoded once.
    order = np.argsort(places // chunk, kind="stable")
    owners = (places // chunk)[order]
    for run in np.split(order, np.flatnonzero(np.diff(owners)) + 1):
        if run.size:
            k = int(places[run[0]] // chunk)
            yield k, places[run] - k * chunk, run


def known_chunks(variable: xr.DataArray) -> dict[str, int]:
    """Return the stored (or dask) chunk size by dim, as far as it is known."""
    if variable.chunksizes:
        return {str(dim): int(sizes[0]) for dim, sizes in variable.chunksizes.items()}
    kept = variable.encoding.get("chunks") or variable.encoding.get("chunksizes")
    preferred = variable.encoding.get("preferred_chunks")
    if preferred:
        return {str(dim): int(size) for dim, size in preferred.items() if dim in variable.dims}
    if kept and len(kept) == variable.ndim:
        return {str(dim): int(size) for dim, size in zip(variable.dims, kept, strict=True)}
    return {}


def _is_chunk(reader: BoxReader, piece: _Piece, out: NDArray[Any]) -> bool:
    """Return whether a chunk as it is stored goes into `out` as it is."""
    assert reader._chunks is not None
    assert reader.stored is not None
    chunks, stored_as = reader._chunks, reader.stored
    if stored_as.decode or not all(isinstance(pick, slice) for pick in piece.outer):
        return False
    target = out[(*piece.outer, ...)]
    return (
        target.shape == chunks.shape
        and target.flags.c_contiguous
        and target.dtype == chunks.dtype
        and stored_as.axes == tuple(range(len(chunks.shape)))
        and all(_is_whole(p, n) for p, n in zip(piece.inner, chunks.shape, strict=True))
    )


def _is_whole(pick: Pick, size: int) -> bool:
    return isinstance(pick, slice) and (pick.start, pick.stop, pick.step) == (0, size, 1)


def picked(whole: NDArray[Any], inner: Sequence[Pick]) -> NDArray[Any]:
    """Select along each axis on its own; an int drops its axis."""
    values = whole[tuple(pick if isinstance(pick, slice) else slice(None) for pick in inner)]
    for axis in reversed(range(len(inner))):
        pick = inner[axis]
        if not isinstance(pick, slice):
            values = np.take(values, pick, axis=axis)
    return values


def _as_array(pick: Pick, size: int) -> NDArray[np.int64]:
    return np.arange(size)[pick] if isinstance(pick, slice) else np.asarray(pick)
