"""What a sample is made of: columns, window, and which samples are kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

DropNan = Literal["auto", "if_all_nan", "masked"]
FillNan = Literal["mean", "sample_mean", "noise", "constant"]
Straddle = Literal["mask", "drop"]
OverGaps = Literal["skip", "join"]
Ints = NDArray[np.int64]

#: Samples per draw of one chunk, and the bytes that all draws of a piece may take: those of
#: small records, which are picked at random, fit the cache.
UNIT = 16384
PIECE_BYTES, LARGE_PIECE_BYTES = 2 << 20, 4 << 20
#: Bytes of a record above which it is large: a run of its own, read as fast from anywhere.
LARGE = 1 << 10


@dataclass(frozen=True)
class Recipe:
    """What a sample is made of.

    Attributes
    ----------
    dims : tuple of str
    cells : int
        Cells of the cube.
    window : dict
        Cells by dim, in the order in which samples have them; empty for single cells.
    variables : tuple of str
        Names of the variables in a workspace, features first, then target and mask.
    n_inputs : int
        How many of `variables` are features.
    target, mask : int or None
        Place of the target and of the mask among `variables`.
    columns : tuple of (int, int)
        Variable and shift along `time` of each column of X.
    time : str or None
        Dim along which columns are shifted.
    roles : tuple of int
        Wanted role codes.
    drop_nan, straddle, strict, min_valid
        See :class:`Sampler`.
    pad : float
        What stands for inputs beyond the far edge of the cube.
    seed : int
    spans : dict
        Cells by dim within which the samples of one batch start; empty where batches are of a
        number of samples.
    """

    dims: tuple[str, ...]
    cells: int
    window: dict[str, int]
    variables: tuple[str, ...]
    n_inputs: int
    target: int | None
    mask: int | None
    columns: tuple[tuple[int, int], ...]
    time: str | None
    roles: tuple[int, ...]
    drop_nan: DropNan | None
    straddle: Straddle
    strict: bool
    min_valid: float
    pad: float
    seed: int
    spans: dict[str, int]

    @cached_property
    def window_shape(self) -> tuple[int, ...]:
        """Shape of the window of a sample."""
        return tuple(self.window.values())

    @cached_property
    def window_cells(self) -> int:
        """Number of cells in a window."""
        return math.prod(self.window_shape)

    @cached_property
    def inputs(self) -> int:
        """Values of X in a sample."""
        return self.window_cells * len(self.columns)

    @cached_property
    def record(self) -> int:
        """Values in the record of a sample.

        X, the target of each cell, and the number of the cell as one or two uint32. Of a shared
        sample the target is that of all roles, and the role of each cell follows it as a byte.
        """
        codes = -(-self.window_cells // 4) if self.shared else 0
        return self.inputs + self.window_cells + codes + self.number.itemsize // 4

    @cached_property
    def number(self) -> np.dtype[Any]:
        """Dtype that holds the number of any cell."""
        return np.dtype(np.uint32 if self.cells < 2**32 else np.int64)

    @cached_property
    def large(self) -> bool:
        """Whether a sample is read as fast from anywhere as from the cache."""
        return 4 * (self.inputs + self.window_cells) > LARGE

    @cached_property
    def shared(self) -> bool:
        """Whether a sample is kept once, whatever roles its cells have."""
        return self.large and bool(self.window)

    def unit(self, batch_size: int, slots: int) -> int:
        """Return how many samples of a box are drawn at a time, of `slots` open boxes."""
        by_bytes = (LARGE_PIECE_BYTES if self.large else PIECE_BYTES) // slots // (4 * self.record)
        return max(1, min(UNIT, by_bytes), -(-batch_size // slots))

    def places(self, shape: tuple[int, ...], apart: int) -> Offsets:
        """Return where the values of a sample lie in a workspace.

        Parameters
        ----------
        shape : tuple of int
        apart : int
            How far the same cell of the next variable lies.
        """
        strides = dict(zip(self.dims, _strides(shape), strict=True))
        steps = [strides[dim] * np.arange(size) for dim, size in self.window.items()]
        length = 1
        if self.window and list(strides)[-1] == list(self.window)[-1]:
            length = steps.pop().size
        runs = np.zeros(1, np.int64)
        for step in steps:
            runs = np.add.outer(runs, step).ravel()
        base = [
            variable * apart + (shift * strides[self.time] if self.time else 0)
            for variable, shift in self.columns
        ]
        inputs = np.add.outer(np.array(base, np.int64), runs).ravel()
        shifts = {shift * strides[self.time] if self.time else 0 for _, shift in self.columns}
        footprint = np.add.outer(np.array(sorted(shifts | {0}), np.int64), runs).ravel()
        return Offsets(inputs, runs, footprint, length)


@dataclass(frozen=True)
class Offsets:
    """Offsets in a workspace from the origin of a sample, as runs of `length` values.

    Attributes
    ----------
    inputs : ndarray of int64
        Of the columns of X.
    window : ndarray of int64
        Of the target cells, within one variable.
    footprint : ndarray of int64
        Of all cells that a sample touches, within one variable.
    length : int
    """

    inputs: Ints
    window: Ints
    footprint: Ints
    length: int


def _strides(shape: tuple[int, ...]) -> list[int]:
    found = [1]
    for size in reversed(shape[1:]):
        found.append(found[-1] * size)
    return found[::-1]


def parse_lags(
    features: tuple[str, ...], lags: Mapping[str, int | list[int]] | list[int] | None
) -> list[tuple[str, int, str]]:
    """Return (feature, lag, column name) of each column."""
    found: list[tuple[str, int, str]] = []
    for feature in features:
        wanted = lags.get(feature, 0) if isinstance(lags, Mapping) else (lags or 0)
        found += [
            (feature, lag, f"{feature}[t{-lag:+d}]" if lag else feature)
            for lag in ([wanted] if isinstance(wanted, int) else wanted)
        ]
    return found
