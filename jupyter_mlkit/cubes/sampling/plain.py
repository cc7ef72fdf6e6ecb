"""The inner loops of the sampler in NumPy, where numba is missing: the same results, slower.

Every function has its twin in :mod:`.kernels`, which says what it does.
"""

from __future__ import annotations

from typing import Any

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


def cut_cells(
    flat: Floats,
    roles: Codes,
    rows: Ints,
    numbers: Ints,
    inner: int,
    offsets: Ints,
    target: int,
    drop: int,
    slots: NDArray[np.int8],
    x: Floats,
    marks: Floats,
    cells: NDArray[Any],
    origins: Places,
    counts: Ints,
) -> None:
    """Copy the cells of each wanted role, see :func:`.kernels.cut_cells`."""
    for row, number in zip(rows.tolist(), numbers.tolist(), strict=True):
        slot = slots[roles[row : row + inner]]
        mark = np.zeros(inner, np.float32)
        if target >= 0:
            mark = flat[target + row : target + row + inner]
        keep = (slot >= 0) & np.isfinite(mark)
        if not keep.any():
            continue
        values = flat[row + np.arange(inner)[:, None] + offsets]
        if drop:
            found = np.isfinite(values)
            keep &= found.all(axis=1) if drop == 1 else found.any(axis=1)
        places = np.flatnonzero(keep)
        for wanted in range(len(counts)):
            mine = places[slot[places] == wanted]
            box = wanted, slice(int(counts[wanted]), int(counts[wanted]) + mine.size)
            x[box], marks[box] = values[mine], mark[mine, None]
            cells[box], origins[box] = number + mine, row + mine
            counts[wanted] += mine.size


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


def take_rows(
    x: Floats, marks: Floats, cells: NDArray[Any], order: Places, dest: Places,
    out_x: Floats, out_marks: Floats, out_cells: NDArray[Any],
) -> None:  # fmt: skip
    """Copy samples ``order`` to places ``dest``."""
    out_x[dest], out_marks[dest], out_cells[dest] = x[order], marks[order], cells[order]


def take_run(
    x: Floats, marks: Floats, cells: NDArray[Any], start: int, dest: Places,
    out_x: Floats, out_marks: Floats, out_cells: NDArray[Any],
) -> None:  # fmt: skip
    """Copy samples from `start` on to places ``dest``."""
    rows = slice(start, start + dest.size)
    out_x[dest], out_marks[dest], out_cells[dest] = x[rows], marks[rows], cells[rows]


def deal(
    x: Floats, marks: Floats, cells: NDArray[Any], first: int, starts: Ints, factors: Ints,
    turns: Ints, out_x: Floats, out_marks: Floats, out_cells: NDArray[Any],
) -> None:  # fmt: skip
    """Deal samples to buckets, see :func:`.kernels.deal`."""
    group, place = np.divmod(first + np.arange(cells.size), starts.size)
    bucket = (factors[group] * place + turns[group]) & (starts.size - 1)
    to = starts[bucket] + group
    out_x[to], out_marks[to], out_cells[to] = x, marks, cells


def permute(n: int, keys: NDArray[np.uint64], dest: Places) -> None:
    """Write a permutation of ``0 .. n - 1``, see :func:`.kernels.permute`."""
    bits = max(2, int(n - 1).bit_length())
    mask, shift = np.uint64((1 << bits) - 1), np.uint64(max(1, bits // 2))
    v = np.arange(1 << bits, dtype=np.uint64)
    for factor, added in zip(keys[:3], keys[3:], strict=True):
        v = (v * factor + added) & mask
        v ^= v >> shift
    dest[:n] = v[v < n]


def _pieces(origins: Places, runs: Ints, length: int) -> list[tuple[slice, NDArray[np.int64]]]:
    """Return the places of all elements, some windows at a time."""
    offsets = (runs[:, None] + np.arange(length)).ravel()
    step = max(1, _AT_ONCE // max(1, offsets.size))
    return [
        (slice(start, start + step), origins[start : start + step, None] + offsets)
        for start in range(0, origins.size, step)
    ]
