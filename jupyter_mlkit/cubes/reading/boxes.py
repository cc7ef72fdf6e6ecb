"""Read boxes of one variable: through its chunks where they are known, else through xarray."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .chunks import Chunks, Index
from .fetch import Scratch
from .stored import Positions, Stored, stored
from .unreadable import read_errors, unreadable

#: A selection along one axis: a position, evenly spaced ones, or any.
Pick = int | slice | NDArray[np.int64]
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
    def remote(self) -> bool:
        """Whether it pays to :meth:`ask` for a box before it is read."""
        return self._chunks is not None and self._chunks.remote

    def ask(self, box: Mapping[str, slice]) -> Asked:
        """Start to fetch the chunks of a box, where they are remote."""
        if self._chunks is None or not self._chunks.remote:
            return {}
        asked: Asked = {}
        for piece in self._pieces(box):
            future = self._chunks.ask(piece.chunk)
            if future is not None:
                asked[piece.chunk] = future
        return asked

    def read(self, box: Mapping[str, slice], out: NDArray[Any], asked: Asked | None = None) -> None:
        """Write the values of a box into `out`, whose axes are the dims of the variable.

        Raises
        ------
        CubeError
            ``unreadable_chunk``, naming the variable and the index of the chunk.
        """
        if self._chunks is None or self.stored is None:
            out[...] = self.values(box)
            return
        asked = self.ask(box) if asked is None else asked
        for piece in self._pieces(box):
            try:
                future = asked.pop(piece.chunk, None)
                self._read_piece(piece, out, future)
            except read_errors() as error:
                raise unreadable(self._variable, self._named(piece.chunk), error) from error

    def values(self, box: Mapping[str, slice]) -> NDArray[Any]:
        """Return the values of a box as xarray reads them; in memory, a view."""
        try:
            found: NDArray[Any] = np.asarray(self._variable.isel(box).values)
        except read_errors() as error:
            raise self._found_unreadable(box, error) from error
        return found

    def _read_piece(self, piece: _Piece, out: NDArray[Any], asked: Future[Any] | None) -> None:
        assert self._chunks is not None
        assert self.stored is not None
        chunks, decode = self._chunks, self.stored.decode
        simple = all(isinstance(pick, slice) for pick in piece.outer)
        target = out[(*piece.outer, ...)] if simple else None
        if (
            target is not None
            and not decode
            and target.shape == chunks.shape
            and target.flags.c_contiguous
            and target.dtype == chunks.dtype
            and self.stored.axes == tuple(range(len(chunks.shape)))
            and all(_is_whole(p, n) for p, n in zip(piece.inner, chunks.shape, strict=True))
        ):
            chunks.read(piece.chunk, target, self._scratch, asked)
            return
        size = int(np.prod(chunks.shape, dtype=np.int64)) * chunks.dtype.itemsize
        whole = np.frombuffer(self._scratch.take("chunk", size), chunks.dtype)
        whole = whole.reshape(chunks.shape)
        chunks.read(piece.chunk, whole, self._scratch, asked)
        values = _picked(whole, piece.inner).transpose(np.argsort(np.argsort(self.stored.axes)))
        for step in decode:
            values = step(values)
        if target is not None:
            target[...] = values
        else:
            out[np.ix_(*map(_as_array, piece.outer, out.shape))] = values

    def _pieces(self, box: Mapping[str, slice]) -> Iterator[_Piece]:
        assert self.stored is not None
        found = self.stored
        per_axis: list[list[tuple[int, Pick, Pick | None]]] = [[] for _ in found.chunks]
        for axis, place in found.fixed.items():
            chunk = place // found.chunks[axis]
            per_axis[axis] = [(chunk, place - chunk * found.chunks[axis], None)]
        for dim, axis, along in zip(self.dims, found.axes, found.positions, strict=True):
            per_axis[axis] = list(segments(along[box.get(dim, slice(None))], found.chunks[axis]))
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

    def _found_unreadable(self, box: Mapping[str, slice], error: Exception) -> Exception:
        """Find the chunk that fails, where xarray reads, and say which it is."""
        chunks = known_chunks(self._variable)
        spans = []
        for dim in self.dims:
            size = self._variable.sizes[dim]
            step = chunks.get(dim, size)
            start, stop, _ = box.get(dim, slice(None)).indices(size)
            spans.append([(k, step) for k in range(start // step, -(-stop // step))])
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


def _is_whole(pick: Pick, size: int) -> bool:
    return isinstance(pick, slice) and (pick.start, pick.stop, pick.step) == (0, size, 1)


def _picked(whole: NDArray[Any], inner: Sequence[Pick]) -> NDArray[Any]:
    """Select along each axis on its own; an int drops its axis."""
    values = whole[tuple(pick if isinstance(pick, slice) else slice(None) for pick in inner)]
    for axis in reversed(range(len(inner))):
        pick = inner[axis]
        if not isinstance(pick, slice):
            values = np.take(values, pick, axis=axis)
    return values


def _as_array(pick: Pick, size: int) -> NDArray[np.int64]:
    return np.arange(size)[pick] if isinstance(pick, slice) else np.asarray(pick)
