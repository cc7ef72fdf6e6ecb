"""A number for each cell that follows from its coordinates alone."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from ..grids.coordinates import cell_coordinates, days_since_1970
from ..grids.positions import positions
from ..identity.digest import mix64
from ..view.data import CubeData
from ..view.samples import Samples


class CellNames:
    """Names cells by their coordinates: the same number in every cube that holds the cell.

    Parameters
    ----------
    data : CubeData

    Raises
    ------
    CubeError
        ``unsupported_grid`` where a dim has no coordinate.
    """

    def __init__(self, data: CubeData) -> None:
        self._shape = tuple(int(data.ds.sizes[dim]) for dim in data.dims)
        scattered = data.grid.kind in ("curvilinear", "unstructured")
        together = data.grid.horizontal if scattered else ()
        self._parts: list[tuple[tuple[int, ...], NDArray[np.uint64]]] = [
            ((axis,), _hashes(cell_coordinates(data.ds, data.grid, dim), _salt(data, dim)))
            for axis, dim in enumerate(data.dims)
            if dim not in together
        ]
        if together:
            self._parts += _of_places(data)

    def places(self, samples: Samples) -> tuple[NDArray[np.intp], ...]:
        """Return the position of each sample along each dim."""
        return np.unravel_index(samples.cell, self._shape)

    def of(self, samples: Samples) -> NDArray[np.uint64]:
        """Return the number of each sample's cell."""
        name = np.zeros(len(samples), np.uint64)
        places = self.places(samples)
        for axes, hashes in self._parts:
            name += hashes[tuple(places[axis] for axis in axes)]
        return name


def _of_places(data: CubeData) -> list[tuple[tuple[int, ...], NDArray[np.uint64]]]:
    """Return a number for latitude and longitude (and the time) of each horizontal cell."""
    found = positions(data.ds, data.grid)
    dims = [dim for dim in data.dims if dim in data.grid.horizontal]
    axes = tuple(data.dims.index(dim) for dim in dims)
    y, x = (np.asarray(one.transpose(*dims).values, np.float64) for one in (found.y, found.x))
    both = mix64(_hashes(y, b"y") ^ mix64(_hashes(x, b"x")))
    parts = [(axes, both)]
    if data.grid.cell_time is not None:
        days = days_since_1970(data.ds[data.grid.cell_time])
        parts.append((axes, _hashes(days, b"time")))
    return parts


def _salt(data: CubeData, dim: str) -> bytes:
    return (data.grid.axis(dim) or dim).encode()


def _hashes(values: NDArray[np.float64], salt: bytes) -> NDArray[np.uint64]:
    """Return a number for each coordinate; the sum over the dims names a cell."""
    salted = np.frombuffer(hashlib.blake2b(salt, digest_size=8).digest(), np.uint64)
    # Adding 0 makes -0.0 and 0.0 one.
    return mix64(mix64(np.ascontiguousarray(values + 0.0).view(np.uint64) ^ salted))
