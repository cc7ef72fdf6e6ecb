"""The inner loops of the sampler in NumPy, where numba is missing: the same results, slower.

The functions that :mod:`.kernels` has too say there what they do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Places = NDArray[np.int32]
Bits = NDArray[np.uint8]

#: Elements that are looked up at once.
_AT_ONCE = 1 << 20


def encode(target: Floats, roles: Bits, out: Bits) -> None:
    """Write the role of each cell whose target is finite, else 0."""
    out[:] = np.where(np.isfinite(target), roles, np.uint8(0))


def flag(values: Floats, out: Bits) -> None:
    """Write 1 for each value that is finite, else 2."""
    out[:] = np.where(np.isfinite(values), np.uint8(1), np.uint8(2))


def seen(
    flags: Bits, rows: Ints, inner: int, step: int, runs: Ints, length: int, out: Bits
) -> None:
    """Write the bitwise or of all flags within each window, see :func:`.kernels.seen`."""
    origins = np.add.outer(rows, step * np.arange(inner)).ravel()
    for part, places in _pieces(origins, runs, length):
        out[part] = np.bitwise_or.reduce(flags[places], axis=1)


def select(
    counted: Bits,
    inputs: Bits,
    touched: Bits,
    wanted: Bits,
    refused: Bits,
    rows: Ints,
    numbers: Ints,
    inner: int,
    step: int,
    origins: Ints,
    cells: Ints,
    sizes: Ints,
) -> None:
    """Write place and number of the windows of wanted roles, see :func:`.kernels.select`."""
    n = 0
    for role, (bit, bad) in enumerate(zip(wanted, refused, strict=True)):
        fits = (counted & bit != 0) & (inputs & 1 != 0) & (inputs & bad == 0)
        if touched.size:
            fits &= touched & ~bit == 0
        chosen = np.flatnonzero(fits)
        row, place = np.divmod(chosen, inner)
        stop = n + chosen.size
        origins[n:stop] = rows[row] + place * step
        cells[n:stop] = numbers[row] + place * step
        sizes[role], n = chosen.size, stop


def choose(
    codes: Bits,
    flags: Bits,
    roles: Bits,
    wanted: Bits,
    refused: Bits,
    rows: Ints,
    numbers: Ints,
    inner: int,
    step: int,
    window: Ints,
    inputs: Ints,
    footprint: Ints,
    length: int,
    counted: Bits,
    there: Bits,
    touched: Bits,
    origins: Ints,
    cells: Ints,
    sizes: Ints,
) -> None:
    """Write place and number of the windows of wanted roles, see :func:`.kernels.choose`."""
    seen(codes, rows, inner, step, window, length, counted)
    seen(flags, rows, inner, step, inputs, length, there)
    if touched.size:
        seen(roles, rows, inner, step, footprint, length, touched)
    select(
        counted, there, touched, wanted, refused, rows, numbers, inner, step, origins, cells, sizes
    )


def count(
    flags: Bits, bit: int, origins: Ints, runs: Ints, length: int, out: NDArray[np.int32]
) -> None:
    """Count the flags with a bit within each window."""
    for part, places in _pieces(origins, runs, length):
        out[part] = (flags[places] & bit != 0).sum(axis=1)


def cut_cells(
    flat: Floats,
    codes: Bits,
    rows: Ints,
    numbers: Ints,
    inner: int,
    offsets: Ints,
    target: int,
    drop: int,
    wanted: Bits,
    records: Floats,
    slots: Bits,
    origins: Ints,
    sizes: Ints,
) -> None:
    """Write a record of each cell of each wanted role, see :func:`.kernels.cut_cells`."""
    columns, n = offsets.size, 0
    sizes[:] = 0
    for row, number in zip(rows.tolist(), numbers.tolist(), strict=True):
        code = codes[row : row + inner]
        if not code.any():
            continue
        mark = np.zeros(inner, np.float32)
        if target >= 0:
            mark = flat[target + row : target + row + inner]
        values = flat[row + np.arange(inner)[:, None] + offsets]
        keep = np.ones(inner, bool)
        if drop:
            found = np.isfinite(values)
            keep = found.all(axis=1) if drop == 1 else found.any(axis=1)
        for slot, bit in enumerate(wanted):
            mine = np.flatnonzero(keep & (code & bit != 0))
            stop = n + mine.size
            out = records[n:stop]
            out[:, :columns], out[:, columns] = values[mine], mark[mine]
            _write_numbers(out[:, columns + 1 :], number + mine)
            slots[n:stop] = slot
            if origins.size:
                origins[n:stop] = row + mine
            sizes[slot] += mine.size
            n = stop


def cut_windows(
    flat: Floats,
    codes: Bits,
    wanted: Bits,
    sizes: Ints,
    origins: Ints,
    numbers: Ints,
    inputs: Ints,
    window: Ints,
    length: int,
    target: int,
    place: Places,
    records: Floats,
) -> None:
    """Write a record of each window to its place, see :func:`.kernels.cut_windows`."""
    columns = inputs.size * length
    bits = np.repeat(wanted, sizes)[:, None]
    for part, places in _pieces(origins, inputs, length):
        records[place[part], :columns] = flat[places]
    for part, places in _pieces(origins, window, length):
        values = flat[places + target] if target >= 0 else np.zeros(places.shape, np.float32)
        records[place[part], columns : columns + places.shape[1]] = np.where(
            codes[places] == bits[part], values, np.float32(np.nan)
        )
    last = columns + window.size * length
    ids = np.empty((numbers.size, records.shape[1] - last), np.float32)
    _write_numbers(ids, numbers)
    records[place, last:] = ids


def cut_shared(
    flat: Floats,
    codes: Bits,
    origins: Ints,
    numbers: Ints,
    inputs: Ints,
    window: Ints,
    length: int,
    target: int,
    place: Places,
    records: Floats,
) -> None:
    """Write a record of each window with all roles, see :func:`.kernels.cut_shared`."""
    columns, width = inputs.size * length, window.size * length
    last = columns + width
    for part, places in _pieces(origins, inputs, length):
        records[place[part], :columns] = flat[places]
    for part, places in _pieces(origins, window, length):
        values = flat[places + target] if target >= 0 else np.float32(0)
        records[place[part], columns:last] = values
        records.view(np.uint8)[place[part], 4 * last : 4 * last + width] = codes[places]
    last += -(-width // 4)
    ids = np.empty((numbers.size, records.shape[1] - last), np.float32)
    _write_numbers(ids, numbers)
    records[place, last:] = ids


def _write_numbers(out: Floats, numbers: Ints) -> None:
    """Write numbers as one or two uint32 each, the low one first."""
    ids = out.view(np.uint32)
    for place in range(ids.shape[1]):
        ids[:, place] = (numbers >> (32 * place)) & 0xFFFFFFFF


def deal(
    slots: Bits,
    shifts: Ints,
    starts: Ints,
    first: Ints,
    factors: Ints,
    turns: Ints,
    round_of: Ints,
    place: Places,
) -> None:
    """Write to which place each record is dealt, see :func:`.kernels.deal`."""
    for slot, shift in enumerate(shifts):
        mine = np.flatnonzero(slots == slot)
        group, turn = np.divmod(np.arange(mine.size), 1 << int(shift))
        draw = round_of[slot] + group
        bucket = (factors[draw] * turn + turns[draw]) & ((1 << int(shift)) - 1)
        place[mine] = starts[first[slot] + bucket] + group


def spread(records: Floats, place: Places, out: Floats) -> None:
    """Write records to their places."""
    out[place] = records


def ranked(begins: Ints, ranks: Ints, start: int, stop: int, out: Places) -> None:
    """Write the places that are drawn from rank ``start`` to ``stop``."""
    rank = np.arange(start, stop)
    segment = np.searchsorted(ranks, rank, side="right") - 1
    out[:] = begins[segment] + rank - ranks[segment]


def taken(records: Floats, columns: int, width: int, bit: int) -> tuple[Floats, Floats, Ints]:
    """Return inputs, marks and numbers of records; with a bit their target is judged by it."""
    last = columns + width
    marks = records[:, columns:last]
    if bit:
        codes = -(-width // 4)
        held = np.ascontiguousarray(records[:, last : last + codes]).view(np.uint8)[:, :width]
        marks = np.where(held == bit, marks, np.float32(np.nan))
        last += codes
    ids = np.ascontiguousarray(records[:, last:]).view(np.uint32).astype(np.int64)
    return records[:, :columns], marks, (ids << (32 * np.arange(ids.shape[1]))).sum(axis=1)


def draw(
    records: Floats,
    rows: Places,
    bit: int,
    begins: Ints,
    ranks: Ints,
    sizes: Ints,
    takes: Ints,
    keys: NDArray[np.uint64],
    columns: int,
    x: Floats,
    marks: Floats,
    numbers: NDArray[Any],
) -> None:
    """Write the records that some parts give, permuted, see :func:`.kernels.draw`."""
    dest = np.arange(numbers.size + 1, dtype=np.int32)
    if keys.size:
        permute(numbers.size, keys, dest)
    order = np.empty(numbers.size, np.int32)
    edges = np.concatenate([[0], np.cumsum(sizes)])
    at = 0
    for p, (start, stop) in enumerate(takes):
        a, b = edges[p], edges[p + 1]
        ranked(begins[a:b], ranks[a + p : b + p + 1], start, stop, order[at : at + stop - start])
        at += stop - start
    if bit:
        order = rows[order]
    dest = dest[: numbers.size]
    x[dest], marks[dest], numbers[dest] = taken(records[order], columns, marks.shape[1], bit)


def permute(n: int, keys: NDArray[np.uint64], dest: Places) -> None:
    """Write a permutation of ``0 .. n - 1``, see :func:`.kernels.permute`."""
    bits = max(2, int(n - 1).bit_length())
    mask, shift = np.uint64((1 << bits) - 1), np.uint64(max(1, bits // 2))
    v = np.arange(1 << bits, dtype=np.uint64)
    for factor, added in zip(keys[:3], keys[3:], strict=True):
        v = (v * factor + added) & mask
        v ^= v >> shift
    dest[:n] = v[v < n]


def _pieces(origins: Ints, runs: Ints, length: int) -> list[tuple[slice, NDArray[np.int64]]]:
    """Return the places of all elements, some windows at a time."""
    offsets = (runs[:, None] + np.arange(length)).ravel()
    step = max(1, _AT_ONCE // max(1, offsets.size))
    return [
        (slice(start, start + step), origins[start : start + step, None] + offsets)
        for start in range(0, origins.size, step)
    ]
