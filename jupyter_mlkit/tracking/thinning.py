"""Fewer points of a curve without losing a peak."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: Fewer points than this make no curve.
FEWEST = 16


def thin(values: Sequence[float], max_points: int) -> list[int]:
    """Return the indices of at most `max_points` points that show the same curve.

    The points are cut into buckets of equal count; each keeps its smallest and its largest
    finite value and, of each kind, its first value that is not finite. The first and the last
    point stay. So a spike of one step, or a single NaN, is always there, which a regular or
    random sample loses.

    Parameters
    ----------
    values : sequence of float
        The curve in its order.
    max_points : int
        Most points to keep; at least 16.

    Returns
    -------
    list of int
        Rising indices into `values`.
    """
    count = len(values)
    budget = max(max_points, FEWEST)
    if count <= budget:
        return list(range(count))
    kinds = {_kind(value) for value in values if not math.isfinite(value)}
    buckets = max(1, (budget - 2) // (2 + len(kinds)))
    kept = {0, count - 1}
    for bucket in range(buckets):
        start, end = bucket * count // buckets, (bucket + 1) * count // buckets
        kept.update(_representatives(values, start, end))
    return sorted(kept)


def _representatives(values: Sequence[float], start: int, end: int) -> set[int]:
    found: dict[str, int] = {}
    low = high = -1
    smallest, largest = math.inf, -math.inf
    for index in range(start, end):
        value = values[index]
        if value - value != 0:  # NaN or an infinity, told apart without a call per point
            found.setdefault(_kind(value), index)
            continue
        if value < smallest:
            low, smallest = index, value
        if value > largest:
            high, largest = index, value
    return {*found.values(), *(index for index in (low, high) if index >= 0)}


def _kind(value: float) -> str:
    return "nan" if math.isnan(value) else "rise" if value > 0 else "fall"
