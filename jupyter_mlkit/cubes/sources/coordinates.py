"""Say which coordinate of a cube is damaged, where it is so damaged that nothing opens it."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr

#: Compressors that fail where bytes are missing. (Blosc decodes what lies behind a file that was
#: cut off: numbers, but no dates.) Without a compressor, zarr itself finds the size wrong.
_STRICT = {"ZstdCodec", "GzipCodec", "Zstd", "GZip", "Zlib"}


def check_coordinates(opened: Callable[..., xr.Dataset]) -> None:
    """Read the coordinates along the dims one by one; xarray reads all of them when it opens.

    Parameters
    ----------
    opened : callable
        Opens the cube, with more options of ``xarray.open_dataset``.

    Raises
    ------
    CubeError
        ``unreadable_chunk``, naming the first coordinate that cannot be read, and its chunk.
    """
    # Reading knows about opening.
    from ..reading.slabs import SlabReader

    try:
        ds = opened(create_default_indexes=False, decode_times=False)
    except Exception:  # noqa: BLE001 - more is wrong than values: the caller says what
        return
    for name in map(str, ds.sizes):
        if name in ds.variables and ds[name].dims == (name,):
            reader = SlabReader(ds, [name], [name])
            for slab in reader:
                reader.read(name, slab)


def are_strict(ds: xr.Dataset) -> bool:
    """Return whether opening `ds`, which read the coordinates, would have found them damaged."""
    return all(
        type(codec).__name__ in _STRICT
        for name in ds.xindexes
        for codec in ds[name].encoding.get("compressors", [None])
    )
