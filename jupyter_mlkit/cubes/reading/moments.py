"""Number, mean, spread and range of values: of a piece, and of pieces merged."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """What is known of the finite values that were kept.

    Attributes
    ----------
    n, mean, squares : ndarray of float64
        Number, mean and sum of squared deviations from it; zero where there is none.
    low, high : ndarray of float64
        Least and greatest; inf and -inf where there is none.
    """

    n: Floats
    mean: Floats
    squares: Floats
    low: Floats
    high: Floats

    @classmethod
    def none(cls, shape: tuple[int, ...] = ()) -> Moments:
        """Return the moments of no values at all, for each of `shape`."""
        return cls(
            np.zeros(shape),
            np.zeros(shape),
            np.zeros(shape),
            np.full(shape, np.inf),
            np.full(shape, -np.inf),
        )

    @property
    def std(self) -> Floats:
        """Population standard deviation; NaN where there is no value."""
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Floats = np.sqrt(self.squares / self.n)
        return found

    def __add__(self, other: Moments) -> Moments:
        """Merge exactly (Chan, Golub & LeVeque 1983)."""
        n = self.n + other.n
        share = other.n / np.maximum(n, 1)
        step = other.mean - self.mean
        return Moments(
            n,
            self.mean + step * share,
            self.squares + other.squares + step**2 * (self.n * share),
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
        )

    def add_at(self, box: tuple[Any, ...], other: Moments) -> None:
        """Merge `other` into the part of these moments that `box` names, in place."""
        merged = (
            Moments(self.n[box], self.mean[box], self.squares[box], self.low[box], self.high[box])
            + other
        )
        for name in ("n", "mean", "squares", "low", "high"):
            getattr(self, name)[box] = getattr(merged, name)

    def over(self, axis: int | tuple[int, ...] | None = None) -> Moments:
        """Return the moments of all along `axis` together."""
        n = self.n.sum(axis)
        mean = (self.n * self.mean).sum(axis) / np.maximum(n, 1)
        around = np.expand_dims(mean, axis) if axis is not None else mean
        squares = (self.squares + self.n * (self.mean - around) ** 2).sum(axis)
        return Moments(
            np.asarray(n),
            np.asarray(mean),
            np.asarray(squares),
            np.asarray(self.low.min(axis, initial=np.inf)),
            np.asarray(self.high.max(axis, initial=-np.inf)),
        )


def moments_of(values: NDArray[Any], keep: NDArray[np.bool_]) -> Moments:
    """Return the moments of what is finite and kept.

    Parameters
    ----------
    values : ndarray, any shape, C-contiguous
        Real numbers.
    keep : ndarray of bool
        Broadcasts to `values`.
    """
    values = _plain(values)
    split = next((i for i, size in enumerate(keep.shape) if size != 1), keep.ndim)
    rows = int(np.prod(values.shape[:split], dtype=np.int64))
    flat = values.reshape(rows, -1) if values.size else values.reshape(0, 0)
    kept = np.broadcast_to(keep, (*keep.shape[:split], *values.shape[split:])).reshape(1, -1)
    if values.size == 0 or not kept.any():
        return Moments.none()
    if not compiled():
        return _by_numpy(flat, kept)
    from .kernels import moments

    order = _ORDERS.get(values.dtype.char)
    bits = flat if order is None else flat.view(order.dtype)
    whole = np.iinfo(bits.dtype)
    kind = bits.dtype.type
    n, mean, squares, low, high = moments(
        flat,
        bits,
        kept.view(np.uint8),
        kind(8 * kind().itemsize - 1),
        kind(0 if order is None else whole.max),
        kind(1 if order is None else order.infinite),
        kind(whole.max),
        kind(whole.min),
    )
    if n == 0:
        return Moments.none()
    ends = np.array([low, high], bits.dtype)
    if order is not None:
        ends = (ends ^ ((ends >> kind(8 * kind().itemsize - 1)) & kind(whole.max))).view(flat.dtype)
    found = [np.asarray(number, dtype=np.float64) for number in (n, mean, squares, *ends)]
    return Moments(*found)


def cell_moments_of(
    values: NDArray[Any], keep: NDArray[np.bool_], group: NDArray[np.int64], groups: int
) -> Moments:
    """Return the moments of each cell, of the rows of each group apart.

    Parameters
    ----------
    values : ndarray, shape (rows, cells), C-contiguous
        Real numbers.
    keep : ndarray of bool, shape (rows or 1, cells)
    group : ndarray of int64, shape (rows,)
    groups : int

    Returns
    -------
    Moments
        Of shape (groups, cells).
    """
    found = Moments.none((groups, values.shape[1]))
    values = _plain(values)
    if compiled():
        from .kernels import cell_moments

        flags = np.ascontiguousarray(keep).view(np.uint8)
        parts = (found.n, found.mean, found.squares, found.low, found.high)
        cell_moments(values, flags, group, *parts)
        return found
    for g in np.unique(group).tolist():
        rows = group == g
        some = np.broadcast_to(keep, values.shape)[rows]
        merged = _by_numpy(values[rows], some, axis=0)
        found.add_at((g,), merged)
    return found


def compiled() -> bool:
    """Return whether the compiled kernels are there."""
    return find_spec("numba") is not None


@dataclass(frozen=True)
class _Order:
    """Integers of the same size as a float, and the bits of its infinity."""

    dtype: np.dtype[Any]
    infinite: int


_ORDERS = {
    "f": _Order(np.dtype(np.int32), 0x7F800000),
    "d": _Order(np.dtype(np.int64), 0x7FF0000000000000),
}


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Return numbers of one of the few types that the kernels are compiled for."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind == "f" and values.dtype.char not in _ORDERS:
        values = values.astype(np.float32 if size < 4 else np.float64)
    elif values.dtype == np.uint64:
        values = values.astype(np.float64)
    elif kind in "iub" and values.dtype.char not in "hl":
        values = values.astype(np.int16 if size == 1 else np.int64)
    return np.ascontiguousarray(values)


def _by_numpy(values: NDArray[Any], keep: NDArray[np.bool_], axis: int | None = None) -> Moments:
    numbers = values.astype(np.float64)
    taken = np.isfinite(numbers) & keep
    n = taken.sum(axis)
    mean = np.where(taken, numbers, 0).sum(axis) / np.maximum(n, 1)
    shift = np.where(taken, numbers - mean, 0)
    found = (
        n,
        mean,
        (shift**2).sum(axis),
        np.where(taken, numbers, np.inf).min(axis),
        np.where(taken, numbers, -np.inf).max(axis),
    )
    return Moments(*(np.asarray(part, dtype=np.float64) for part in found))
