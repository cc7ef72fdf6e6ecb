"""A prediction that is computed when it is read: by dask where the cube is dask, else by chunk."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from ..reading.slabs import Slab, SlabReader
from .boxes import Box, pieces, shape_of, within
from .frame import Frame
from .inputs import Arrays


class Predictor(Protocol):
    """Turns features into predictions, box by box.

    Attributes
    ----------
    local : bool
        Whether each cell is predicted from itself alone.
    """

    local: ClassVar[bool]

    def footprint(self, box: Box) -> Box | None:
        """Return the cells that are read for `box`, None where there is nothing to read."""

    def values(self, box: Box, arrays: Arrays) -> NDArray[Any]:
        """Return the prediction within `box` from the features of its footprint."""


def read_box(reader: SlabReader, box: Box | None) -> dict[str, NDArray[Any]]:
    """Return the features within `box`, with size 1 along dims that they lack."""
    if box is None:
        return {}
    slab = Slab(dict(zip(reader.dims, box, strict=True)), shape_of(box))
    return {name: reader.read(name, slab) for name in reader.names}


def lazy_prediction(
    predictor: Predictor, ds: xr.Dataset, names: Sequence[str], frame: Frame
) -> xr.DataArray:
    """Return the prediction, nothing of it computed.

    Parameters
    ----------
    predictor : Predictor
    ds : xarray.Dataset
    names : sequence of str
        The features.
    frame : Frame
    """
    if any(ds[name].chunks for name in names):
        return frame.array(_dask_array(predictor, ds, names, frame))
    reader = SlabReader(ds, names, frame.dims)
    return frame.array(indexing.LazilyIndexedArray(_Computed(predictor, reader, frame)))


class _Computed(BackendArray):
    """An array whose values are predicted when they are asked for, and not kept."""

    def __init__(self, predictor: Predictor, reader: SlabReader, frame: Frame) -> None:
        self._predictor = predictor
        self._reader = reader
        self._chunks = frame.chunks
        self.shape = frame.shape
        self.dtype = frame.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Return values; xarray cuts everything but slices and integers afterwards."""
        support = indexing.IndexingSupport.BASIC
        return indexing.explicit_indexing_adapter(key, self.shape, support, self._read)

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        box: list[slice] = []
        inner: list[Any] = []
        for one, size in zip(key, self.shape, strict=True):
            if isinstance(one, slice):
                positions = range(size)[one]
                low, high = (min(positions), max(positions) + 1) if len(positions) else (0, 0)
                box.append(slice(low, high))
                start = positions.start - low
                stop = start + len(positions) * positions.step
                inner.append(slice(start, stop if stop >= 0 else None, positions.step))
            else:
                at = int(one) % size
                box.append(slice(at, at + 1))
                inner.append(0)
        result: NDArray[Any] = np.empty(shape_of(tuple(box)), self.dtype)
        for piece in pieces(tuple(box), self._chunks) if result.size else ():
            arrays = read_box(self._reader, self._predictor.footprint(piece))
            result[within(piece, tuple(box))] = self._predictor.values(piece, arrays)
        return np.asarray(result[tuple(inner)])


def _dask_array(predictor: Predictor, ds: xr.Dataset, names: Sequence[str], frame: Frame) -> Any:
    """Return a dask array with one task for each of the frame's chunks."""
    import dask.array

    da: Any = dask.array
    columns = {}
    for name in names:
        held = [dim for dim in frame.dims if dim in ds[name].dims]
        picks = tuple(slice(None) if dim in held else None for dim in frame.dims)
        columns[name] = da.asarray(ds[name].transpose(*held).data[picks])
    whole: Box = tuple(slice(0, size) for size in frame.shape)
    if predictor.local:
        return _blockwise(predictor, columns, frame)
    grid = np.empty(
        [-(-size // step) for size, step in zip(frame.shape, frame.chunks, strict=True)], object
    )
    places = itertools.product(*(range(n) for n in grid.shape))
    for place, piece in zip(places, pieces(whole, frame.chunks), strict=True):
        grid[place] = _block(predictor, columns, piece, frame)
    return da.block(grid.tolist())


def _blockwise(predictor: Predictor, columns: dict[str, Any], frame: Frame) -> Any:
    """Predict chunk by chunk, in one layer of the graph."""
    import dask.array

    da: Any = dask.array
    steps = [
        {axis: step for axis, step in enumerate(frame.chunks) if column.shape[axis] > 1}
        for column in columns.values()
    ]
    aligned = [column.rechunk(at) for column, at in zip(columns.values(), steps, strict=True)]
    # An array without values gives the blocks their shape where all features are static.
    grid = da.empty(frame.shape, chunks=frame.chunks, dtype=bool)

    def work(corner: NDArray[np.bool_], *blocks: NDArray[Any]) -> NDArray[Any]:
        box = tuple(slice(0, size) for size in corner.shape)
        return predictor.values(box, dict(zip(columns, blocks, strict=True)))

    return da.map_blocks(work, grid, *aligned, dtype=frame.dtype, meta=np.empty((), frame.dtype))


def _block(predictor: Predictor, columns: dict[str, Any], piece: Box, frame: Frame) -> Any:
    """Predict one chunk from its footprint."""
    import dask.array
    from dask.delayed import delayed

    da: Any = dask.array
    box = predictor.footprint(piece)
    arrays = {} if box is None else {name: _cut(column, box) for name, column in columns.items()}
    work = delayed(predictor.values, pure=False)(piece, arrays)
    return da.from_delayed(work, shape=shape_of(piece), dtype=frame.dtype)


def _cut(column: Any, box: Box) -> Any:
    sides = zip(column.shape, box, strict=True)
    return column[tuple(slice(0, 1) if size == 1 else side for size, side in sides)]
