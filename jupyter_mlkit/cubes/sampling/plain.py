"""The inner loops of the sampler in NumPy, where numba is missing: the same results, slower.

Every function has its twin in :mod:`.kernels`, which says what it does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Places = NDArray[np.int32]
Codes = NDArray[np.int8]

#: Elements that are looked up at once.
_AT_ONCE = 1 << 20


def encode(target: Floats, roles: Codes, out: Codes) -> None:
    """Write the role of each cell whose target is finite, else -1."""
    out[:] = np.where(np.isfinite(target), roles, np.int8(-1))


def scan_cells(
    flat: Floats,
    codes: Codes,
    rows: Ints,
    numbers: Ints,
    inner: int,
    offsets: Ints,
    drop: int,
    slots: NDArray[np.int8],
    origins: NDArray[np.int32],
    cells: NDArray[np.int64],
    counts: Ints,
) -> None:
    """List the cells of each wanted role, see :func:`.kernels.scan_cells`."""
    for row, number in zip(rows.tolist(), numbers.tolist(), strict=True):
        code = codes[row : row + inner]
        slot = slots[code]
        keep = slot >= 0
        if drop and keep.any():
            found = np.isfinite(flat[row + offsets[:, None] + np.arange(inner)])
            keep &= found.all(axis=0) if drop == 1 else found.any(axis=0)
        places = np.flatnonzero(keep)
        for wanted in range(len(counts)):
            mine = places[slot[places] == wanted]
            start, stop = counts[wanted], counts[wanted] + mine.size
            origins[wanted, start:stop] = row + mine
            cells[wanted, start:stop] = number + mine
            counts[wanted] = stop


def tally(codes: Codes, origins: Places, runs: Ints, length: int, out: NDArray[np.int32]) -> None:
    """Count the codes 0 to 3 within each window."""
    for part, places in _pieces(origins, runs, length):
        held = codes[places]
        for code in range(4):
            out[part, code] = (held == code).sum(axis=1)


def missing(flat: Floats, origins: Places, runs: Ints, length: int, out: NDArray[np.int32]) -> None:
    """Count the values within each window that are not finite."""
    for part, places in _pieces(origins, runs, length):
        out[part] = (~np.isfinite(flat[places])).sum(axis=1)


def cut(flat: Floats, origins: Places, runs: Ints, length: int, dest: Places, out: Floats) -> None:
    """Copy the values of each window to its place in `out`."""
    for part, places in _pieces(origins, runs, length):
        out[dest[part]] = flat[places]


def cut_target(
    flat: Floats,
    codes: Codes,
    role: int,
    origins: Places,
    runs: Ints,
    length: int,
    shift: int,
    dest: Places,
    out: Floats,
) -> None:
    """Copy target values of `role`; what is another's or missing becomes NaN."""
    for part, places in _pieces(origins, runs, length):
        values = flat[places + shift]
        out[dest[part]] = np.where(codes[places] == role, values, np.float32(np.nan))


def place(source: Floats, order: Places, dest: Places, out: Floats) -> None:
    """Copy rows ``order`` of `source` to rows ``dest`` of `out`."""
    out[dest] = source[order]


def place_run(source: Floats, start: int, dest: Places, out: Floats) -> None:
    """Copy rows from `start` on to rows ``dest`` of `out`."""
    out[dest] = source[start : start + dest.size]


def place_cells(
    source: NDArray[np.int64], order: Places, dest: Places, out: NDArray[np.int64]
) -> None:
    """Copy numbers ``order`` of `source` to ``dest`` of `out`."""
    out[dest] = source[order]


def deal(n: int, starts: Ints, factors: Ints, turns: Ints, dest: Places) -> None:
    """Deal `n` samples to as many buckets as `starts` has, see :func:`.kernels.deal`."""
    buckets = starts.size
    group, place = np.divmod(np.arange(n), buckets)
    bucket = (factors[group] * place + turns[group]) & (buckets - 1)
    dest[:] = starts[bucket] + group


def permute(n: int, keys: NDArray[np.uint64], dest: Places) -> None:
    """Write a permutation of ``0 .. n - 1``, see :func:`.kernels.permute`."""
    bits = max(2, int(n - 1).bit_length())
    mask = np.uint64((1 << bits) - 1)
    shift = np.uint64(max(1, bits // 2))
    found = np.arange(n, dtype=np.uint64)
    todo = np.arange(n)
    while todo.size:
        x = found[todo]
        for key in keys:
            x = (x * (key | np.uint64(1)) + (key >> np.uint64(32))) & mask
            x ^= x >> shift
        found[todo] = x
        todo = todo[x >= n]
    dest[:] = found


def _pieces(origins: Places, runs: Ints, length: int) -> list[tuple[slice, NDArray[np.int64]]]:
    """Return the places of all elements, some windows at a time."""
    offsets = (runs[:, None] + np.arange(length)).ravel()
    step = max(1, _AT_ONCE // max(1, offsets.size))
    return [
        (slice(start, start + step), origins[start : start + step, None] + offsets)
        for start in range(0, origins.size, step)
    ]
