"""Where land is: the 1/120 deg mask of the ``global_land_mask`` package, read in a stream.

Importing that package holds 0.9 GB; here one row at a time is decompressed.
"""

from __future__ import annotations

import zipfile
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import MLKitError

#: Goes into the attributes of cubes that use the mask.
SOURCE = "global_land_mask 1.0 (GLOBE elevation model, 1 km)"

_ROWS, _COLUMNS, _PER_DEGREE = 21600, 43200, 120


def land_mask(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether the centre of each cell lies on land (lakes count as land).

    Parameters
    ----------
    lat : ndarray, shape (ny,)
        Degrees north, any order.
    lon : ndarray, shape (nx,)
        Degrees east, -180 to 180.

    Returns
    -------
    ndarray of bool, shape (ny, nx)
    """
    return _mask(lat.tobytes(), lon.tobytes())


@lru_cache(maxsize=4)
def _mask(lat_bytes: bytes, lon_bytes: bytes) -> NDArray[np.bool_]:
    lat, lon = np.frombuffer(lat_bytes), np.frombuffer(lon_bytes)
    rows = np.clip(((90.0 - lat) * _PER_DEGREE).astype(int), 0, _ROWS - 1)
    columns = np.clip(((lon + 180.0) * _PER_DEGREE).astype(int), 0, _COLUMNS - 1)
    land = np.empty((lat.size, lon.size), dtype=bool)
    wanted: dict[int, list[int]] = {}
    for place, row in enumerate(rows.tolist()):
        wanted.setdefault(row, []).append(place)
    with zipfile.ZipFile(_file()) as archive, archive.open("mask.npy") as stream:
        np.lib.format.read_magic(stream)
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        if shape != (_ROWS, _COLUMNS) or dtype != np.bool_:
            raise MLKitError(f"The land mask has an unknown form: {shape} {dtype}.")
        for row in range(max(wanted) + 1):
            line = stream.read(_COLUMNS)
            for place in wanted.get(row, ()):
                land[place] = np.frombuffer(line, dtype=bool)[columns] == 0  # True is ocean
    land.flags.writeable = False
    return land


def _file() -> Path:
    found = find_spec("global_land_mask")
    if found is None or found.origin is None:
        raise MLKitError(
            "The package global_land_mask is missing.", hint="Run: pip install global-land-mask"
        )
    return Path(found.origin).parent / "globe_combined_mask_compressed.npz"
