"""The zarr group of a prediction: made empty, then filled chunk by chunk by many threads.

Format 2, as GDAL, netCDF-C, xcube and zarr-python 2 and 3 all read it, with a compressor that
every one of them has. Chunks are encoded and written without zarr's event loop: it encodes in
the thread that asks, which here is one of several.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .boxes import Box, pieces, shape_of, within
from .frame import Frame
from .stage import Stage

_SEPARATOR = "."


def compressor() -> Any:
    """Return the codec of predictions: fast, as it must not be slower than the model."""
    import numcodecs  # type: ignore[import-untyped, unused-ignore]

    return numcodecs.Blosc("lz4", clevel=5, shuffle=numcodecs.Blosc.SHUFFLE)


def make_empty(path: Path, frame: Frame) -> None:
    """Write coordinates and attributes, and make the variable without any chunk."""
    import zarr

    skeleton = xr.Dataset(coords=frame.coords, attrs=frame.dataset_attrs)
    skeleton.to_zarr(path, mode="w", zarr_format=2, consolidated=False)
    group = zarr.open_group(str(path), mode="r+")
    attributes: dict[str, Any] = {"_ARRAY_DIMENSIONS": list(frame.dims), **frame.attrs}
    if frame.grid_mapping is not None:
        attributes["grid_mapping"] = frame.grid_mapping
    if frame.auxiliary():
        attributes["coordinates"] = " ".join(frame.auxiliary())
    group.create_array(
        frame.name,
        shape=frame.shape,
        chunks=frame.chunks,
        dtype=frame.dtype,
        compressors=compressor(),
        fill_value=float("nan"),
        attributes=attributes,
        chunk_key_encoding={"name": "v2", "separator": _SEPARATOR},
    )
    # All metadata are known before the first value.
    zarr.consolidate_metadata(str(path), zarr_format=2)


class ChunkWriter:
    """Writes boxes that are made of whole chunks; safe to use from many threads."""

    def __init__(self, stage: Stage, frame: Frame) -> None:
        self._stage = stage
        self._frame = frame
        self._folder = stage.cube / frame.name
        self._codec = compressor()

    def write(self, box: Box, values: NDArray[Any]) -> None:
        """Write `values`, which lie at `box`. A chunk without any value is left out.

        Raises
        ------
        OSError
            The disk is full, or the folder is gone.
        """
        chunks = self._frame.chunks
        for piece in pieces(box, chunks):
            part = values[within(piece, box)]
            if _is_empty(part):
                continue
            if part.shape != chunks or not part.flags.c_contiguous:
                # Chunks at the end of the cube are stored in full size.
                whole = np.full(chunks, np.nan, self._frame.dtype)
                whole[tuple(slice(0, n) for n in shape_of(piece))] = part
                part = whole
            key = _SEPARATOR.join(
                str(side.start // step) for side, step in zip(piece, chunks, strict=True)
            )
            # Without dims the single chunk is called 0.
            self._stage.write(self._folder / (key or "0"), self._codec.encode(part))


def _is_empty(values: NDArray[Any]) -> bool:
    # Most chunks are told apart by one value.
    first_missing = not values.size or bool(np.isnan(values[(0,) * values.ndim]))
    return first_missing and bool(np.isnan(values).all())
