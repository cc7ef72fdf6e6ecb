"""Say which coordinate of a cube is damaged, where it is so damaged that nothing opens it."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr


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
