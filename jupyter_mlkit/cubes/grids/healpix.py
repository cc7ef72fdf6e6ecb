"""HEALPix cells: which cubes have them, and where their centres are.

Formulas: K. M. Gorski et al., ApJ 622, 759 (2005), sections 4.1 and 5.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError
from .crs import mapping_of

#: Attributes that give the resolution: of CF (1.13), xdggs, easy.gems.
_LEVELS = ("refinement_level", "level", "healpix_level")
_NSIDES = ("healpix_nside", "nside")
_ORDERS = ("indexing_scheme", "healpix_order", "order")
_INDEX_NAMES = ("cell_ids", "healpix_index", "cell", "cells", "pix", "ipix")

#: Row and longitude of the lowest corner of each of the twelve base cells (paper, figure 4).
_FACE_ROW = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
_FACE_COLUMN = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])


@dataclass(frozen=True)
class Healpix:
    """How a cube numbers its HEALPix cells.

    Attributes
    ----------
    dim : str
        Dim of the cells.
    nside : int
    nested : bool
        Else ring order.
    index : str or None
        Coordinate that holds the number of each cell; None where all cells are there in order.
    """

    dim: str
    nside: int
    nested: bool
    index: str | None


def healpix_of(ds: xr.Dataset) -> Healpix | None:
    """Return how `ds` numbers its cells, None where it has no HEALPix cells.

    Read are the attributes of the grid mapping and those of a coordinate of cell numbers.
    """
    mapping = mapping_of(ds)
    index = next((name for name in map(str, ds.coords) if _numbers_cells(ds, name)), None)
    attrs: Mapping[Any, Any] = mapping if index is None else {**mapping, **ds[index].attrs}
    if "healpix" not in (attrs.get("grid_mapping_name"), attrs.get("grid_name")):
        return None
    nside = _nside(attrs)
    if nside is None:
        return None
    nested = next((str(attrs[name]) for name in _ORDERS if name in attrs), "nested")
    order = nested.lower()
    if not order.startswith(("nest", "ring")):
        raise CubeError(
            f"HEALPix cells in the order '{nested}' are not known.",
            hint="Known are 'nested' and 'ring'.",
            code="unsupported_grid",
        )
    whole = (str(dim) for dim, size in ds.sizes.items() if size == 12 * nside**2)
    dim = str(ds[index].dims[0]) if index is not None else next(whole, None)
    return None if dim is None else Healpix(dim, nside, order.startswith("nest"), index)


def with_cell_numbers(ds: xr.Dataset) -> xr.Dataset:
    """Return `ds` with the number of each HEALPix cell as a coordinate that says what it is.

    A crop then keeps its place, whatever becomes of the grid mapping; other cubes are returned
    as they are.
    """
    cells = healpix_of(ds)
    if cells is None:
        return ds
    attrs = {
        "standard_name": "healpix_index",
        "grid_name": "healpix",
        "level": cells.nside.bit_length() - 1,
        "indexing_scheme": "nested" if cells.nested else "ring",
    }
    if cells.index is not None:
        return ds.assign_coords({cells.index: ds[cells.index].assign_attrs(attrs)})
    import pandas as pd

    # A range costs no memory, whatever the number of cells.
    variable = xr.Variable((cells.dim,), pd.RangeIndex(ds.sizes[cells.dim]), attrs)
    return ds.assign_coords({cells.dim: variable})


def cell_centres(
    number: NDArray[np.integer[Any]], nside: int, *, nested: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return latitude and longitude (0 to 360) of the centres of cells in degrees.

    Parameters
    ----------
    number : ndarray of int
        From 0 to ``12 * nside**2 - 1``.
    nside : int
    nested : bool
        Else ring order.
    """
    cell: NDArray[np.int64] = np.asarray(number, dtype=np.int64)
    if cell.size and not (cell.min() >= 0 and cell.max() < 12 * nside**2):
        raise CubeError(
            f"A cell number is outside 0 .. {12 * nside**2 - 1}, which nside {nside} has.",
            code="unsupported_grid",
        )
    row, column, shift = (_nested_rows if nested else _ring_rows)(cell, nside)
    cap = np.minimum(np.minimum(row, 4 * nside - row), nside)
    polar = 1 - cap**2 / (3.0 * nside**2)
    z = np.where(
        row < nside, polar, np.where(row > 3 * nside, -polar, (2 * nside - row) / 1.5 / nside)
    )
    lon = (column - 0.5 * (shift + 1)) * 90.0 / cap
    return np.degrees(np.arcsin(z)), np.mod(lon, 360.0)


def _ring_rows(
    number: NDArray[np.int64], nside: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return ring (from 1 at the north pole), place on it (from 1), and whether it is shifted."""
    npix, cap = 12 * nside**2, 2 * nside * (nside - 1)
    mirrored = np.where(number < 6 * nside**2, number, npix - 1 - number)
    north = (1 + _isqrt(1 + 2 * np.minimum(mirrored, cap))) // 2
    row = np.where(number < cap, north, np.where(number >= npix - cap, 4 * nside - north, 0))
    belt = (number >= cap) & (number < npix - cap)
    row = np.where(belt, (number - cap) // (4 * nside) + nside, row)
    before = np.where(
        number < cap,
        2 * row * (row - 1),
        np.where(
            belt,
            cap + (row - nside) * 4 * nside,
            npix - 2 * (4 * nside - row) * (4 * nside - row + 1),
        ),
    )
    shift = np.where(belt, (row - nside) % 2, 0)
    return row, number - before + 1, shift


def _nested_rows(
    number: NDArray[np.int64], nside: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    face, inside = np.divmod(number, nside**2)
    ix, iy = _every_other_bit(inside), _every_other_bit(inside >> 1)
    row = _FACE_ROW[face] * nside - ix - iy - 1
    cap = np.minimum(np.minimum(row, 4 * nside - row), nside)
    shift = np.where((row >= nside) & (row <= 3 * nside), (row - nside) & 1, 0)
    column = (_FACE_COLUMN[face] * cap + ix - iy + 1 + shift) // 2
    return row, (column - 1) % (4 * cap) + 1, shift


def _every_other_bit(value: NDArray[np.int64]) -> NDArray[np.int64]:
    value = value & 0x5555555555555555
    for shift, mask in (
        (1, 0x3333333333333333),
        (2, 0x0F0F0F0F0F0F0F0F),
        (4, 0x00FF00FF00FF00FF),
        (8, 0x0000FFFF0000FFFF),
        (16, 0x00000000FFFFFFFF),
    ):
        value = (value | value >> shift) & mask
    return value


def _isqrt(value: NDArray[np.int64]) -> NDArray[np.int64]:
    root = np.sqrt(value.astype(np.float64)).astype(np.int64)
    # A float64 root of a large square may miss it by one.
    root -= root**2 > value
    return np.asarray(root + ((root + 1) ** 2 <= value), dtype=np.int64)


def _nside(attrs: Mapping[Any, Any]) -> int | None:
    for name in _LEVELS:
        if name in attrs:
            return int(2 ** int(attrs[name]))
    for name in _NSIDES:
        if name in attrs:
            nside = int(attrs[name])
            if nside >= 1 and math.log2(nside).is_integer():
                return nside
    return None


def _numbers_cells(ds: xr.Dataset, name: str) -> bool:
    coord = ds.variables[name]
    if coord.ndim != 1 or not np.issubdtype(coord.dtype, np.integer):
        return False
    attrs = coord.attrs
    return (
        attrs.get("standard_name") == "healpix_index"
        or attrs.get("grid_name") == "healpix"
        or name in _INDEX_NAMES
    )
