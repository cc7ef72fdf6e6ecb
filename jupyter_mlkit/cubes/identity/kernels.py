"""The digest of values in one compiled pass; imported only where numba is there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, uint64  # type: ignore[import-untyped, unused-ignore]
from numpy.typing import NDArray


@njit(inline="always")  # type: ignore[misc, unused-ignore]
def _mix64(value: Any) -> Any:
    mixed = value + uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> uint64(27))) * uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> uint64(31))


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def row_sums(
    bits: NDArray[Any],
    base: NDArray[np.uint64],
    step: Any,
    floating: bool,
    magnitude: Any,
    exponent: Any,
    quiet: Any,
) -> tuple[Any, Any]:
    """Return both lane sums of rows whose first cells have the places `base`.

    ``magnitude`` masks off the sign; above ``exponent`` is NaN, which all become ``quiet``.
    """
    first = uint64(0)
    second = uint64(0)
    for row in range(bits.shape[0]):
        place = base[row]
        for column in range(bits.shape[1]):
            number = uint64(bits[row, column])
            if floating:
                size = number & magnitude
                number = quiet if size > exponent else (uint64(0) if size == 0 else number)
            member = _mix64(_mix64(place) ^ number)
            first += member
            second += _mix64(member ^ uint64(0xA5A5A5A5A5A5A5A5))
            place += step
    return first, second
