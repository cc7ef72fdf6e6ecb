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
    records: Floats,
    origins: Places,
    counts: Ints,
) -> None:
    """Write a record of each cell of each wanted role, see :func:`.kernels.cut_cells`."""
    columns = offsets.size
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
            rows_out = slice(int(counts[wanted]), int(counts[wanted]) + mine.size)
            out = records[wanted, rows_out]
            out[:, :columns], out[:, columns] = values[mine], mark[mine]
            _write_numbers(out[:, columns + 1 :], number + mine)
            origins[wanted, rows_out] = row + mine
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


def cut_windows(
    flat: Floats,
    codes: Codes,
    role: int,
    origins: Places,
    numbers: Ints,
    inputs: Ints,
    window: Ints,
    length: int,
    target: int,
    records: Floats,
) -> None:
    """Write a record of each window, see :func:`.kernels.cut_windows`."""
    columns = inputs.size * length
    for part, places in _pieces(origins, inputs, length):
        records[part, :columns] = flat[places]
    for part, places in _pieces(origins, window, length):
        values = flat[places + target] if target >= 0 else np.zeros(places.shape, np.float32)
        records[part, columns : columns + places.shape[1]] = np.where(
            codes[places] == role, values, np.float32(np.nan)
        )
    _write_numbers(records[:, columns + window.size * length :], numbers)


def _write_numbers(out: Floats, numbers: Ints) -> None:
    """Write numbers as one or two uint32 each, the low one first."""
    ids = out.view(np.uint32)
    for place in range(ids.shape[1]):
        ids[:, place] = (numbers >> (32 * place)) & 0xFFFFFFFF


def deal(
    records: Floats, first: int, starts: Ints, factors: Ints, turns: Ints, out: Floats
) -> None:
    """Deal records to buckets, see :func:`.kernels.deal`."""
    group, place = np.divmod(first + np.arange(records.shape[0]), starts.size)
    bucket = (factors[group] * place + turns[group]) & (starts.size - 1)
    out[starts[bucket] + group] = records


def part_records(
    records: Floats,
    order: Places,
    dest: Places,
    columns: int,
    x: Floats,
    marks: Floats,
    numbers: Ints,
) -> None:
    """Write inputs, marks and numbers of records ``order`` to places ``dest``."""
    x[dest] = records[order, :columns]
    last = columns + marks.shape[1]
    marks[dest] = records[order, columns:last]
    ids = records.view(np.uint32)[order, last:].astype(np.int64)
    numbers[dest] = (ids << (32 * np.arange(ids.shape[1]))).sum(axis=1)


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
