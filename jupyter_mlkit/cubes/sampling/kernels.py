"""The inner loops of the sampler, compiled by numba; they release the interpreter lock.

``flat`` is always the memory of a workspace: variables x cells, so that every value of a sample
lies at a fixed offset from the sample's origin.
"""

from __future__ import annotations

import numba
import numpy as np

#: Cells that are looked at together for whether any target is there.
_LOOKED_AT = 32

_jit = numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)


@_jit
def encode(target, roles, out):  # type: ignore[no-untyped-def]
    """Write the role of each cell whose target is finite, else -1."""
    for i in range(target.size):
        out[i] = roles[i] if np.isfinite(target[i]) else -1


@_jit
def cut_cells(  # type: ignore[no-untyped-def]
    flat, roles, rows, numbers, inner, offsets, target, drop, slots, records, origins, counts
):
    """Write a record of each cell of each wanted role.

    ``rows`` holds the place of the first cell of each row of ``inner`` cells and ``numbers``
    its number in the cube; ``slots`` says by role code (-1 last) which part of the outputs is
    meant, or -1. Cells whose target (at ``target``, or nowhere if negative) is missing are left
    out; with ``drop`` 1 also those that miss a feature, with 2 those that miss all.
    """
    columns = offsets.size
    at_target = max(target, 0)
    wide = records.shape[2] > columns + 2
    ids = records.view(np.uint32)
    for r in range(rows.size):
        for begin in range(0, inner, _LOOKED_AT):
            first = rows[r] + begin
            size = min(_LOOKED_AT, inner - begin)
            # Where nothing is there, as over the sea, this loop is all that runs: it has no branch.
            there = 0
            for k in range(size):
                there += np.abs(flat[at_target + first + k]) < np.inf
            if target >= 0 and there == 0:
                continue
            for k in range(first, first + size):
                slot = slots[roles[k]]
                if slot < 0:
                    continue
                mark = np.float32(0)
                if target >= 0:
                    mark = flat[target + k]
                    if not np.isfinite(mark):
                        continue
                n = counts[slot]
                found = 0
                for c in range(columns):
                    value = flat[k + offsets[c]]
                    records[slot, n, c] = value
                    found += np.isfinite(value)
                if (drop == 1 and found < columns) or (drop == 2 and found == 0):
                    continue
                number = numbers[r] + (k - rows[r])
                records[slot, n, columns] = mark
                ids[slot, n, columns + 1] = number & 0xFFFFFFFF
                if wide:
                    ids[slot, n, columns + 2] = number >> 32
                origins[slot, n] = k
                counts[slot] = n + 1


@_jit
def tally(codes, origins, runs, length, out):  # type: ignore[no-untyped-def]
    """Count the codes 0 to 3 within each window."""
    for i in range(origins.size):
        n0, n1, n2, n3 = 0, 0, 0, 0
        for r in range(runs.size):
            at = origins[i] + runs[r]
            # A view starts at 0: the compiler then knows that no index is negative.
            for code in codes[at : at + length]:
                n0 += code == 0
                n1 += code == 1
                n2 += code == 2
                n3 += code == 3
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = n0, n1, n2, n3


@_jit
def missing(flat, origins, runs, length, out):  # type: ignore[no-untyped-def]
    """Count the values within each window that are not finite."""
    for i in range(origins.size):
        n = 0
        for r in range(runs.size):
            at = origins[i] + runs[r]
            for value in flat[at : at + length]:
                n += not (np.abs(value) < np.inf)
        out[i] = n


@_jit
def cut_windows(flat, codes, role, origins, numbers, inputs, window, length, target, records):  # type: ignore[no-untyped-def]
    """Write a record of each window.

    Target values (at ``target`` from the origin, zeros if negative) that are missing or of
    another role than ``role`` become NaN.
    """
    columns = inputs.size * length
    last = columns + window.size * length
    nothing = np.float32(np.nan)
    ids = records.view(np.uint32)
    for i in range(origins.size):
        for r in range(inputs.size):
            at = origins[i] + inputs[r]
            if length == 1:
                records[i, r] = flat[at]
            else:
                records[i, r * length : (r + 1) * length] = flat[at : at + length]
        for r in range(window.size):
            at = origins[i] + window[r]
            to = records[i, columns + r * length : columns + (r + 1) * length]
            mine = codes[at : at + length]
            if target < 0:
                for k in range(length):
                    to[k] = np.float32(0) if mine[k] == role else nothing
            else:
                values = flat[target + at : target + at + length]
                for k in range(length):
                    to[k] = values[k] if mine[k] == role else nothing
        ids[i, last] = numbers[i] & 0xFFFFFFFF
        if records.shape[1] > last + 1:
            ids[i, last + 1] = numbers[i] >> 32


@_jit
def deal(records, first, starts, factors, turns, out):  # type: ignore[no-untyped-def]
    """Deal records, the first of which is number ``first``, to buckets.

    There are as many buckets as `starts` has, a power of two. Each run of so many samples gives
    one to every bucket, in an order that an odd factor and a turn draw anew for each run: a
    bucket is a stratified sample of the whole.
    """
    mask = starts.size - 1
    bits = 0
    while (1 << bits) < starts.size:
        bits += 1
    for j in range(records.shape[0]):
        group = (first + j) >> bits
        bucket = (factors[group] * ((first + j) & mask) + turns[group]) & mask
        to = starts[bucket] + group
        for k in range(records.shape[1]):
            out[to, k] = records[j, k]


@_jit
def part_records(records, order, dest, columns, x, marks, numbers):  # type: ignore[no-untyped-def]
    """Write inputs, marks and numbers of records ``order`` to places ``dest``."""
    width = marks.shape[1]
    last = columns + width
    wide = records.shape[1] > last + 1
    ids = records.view(np.uint32)
    for i in range(order.size):
        at, to = order[i], dest[i]
        for k in range(columns):
            x[to, k] = records[at, k]
        for k in range(width):
            marks[to, k] = records[at, columns + k]
        number = np.int64(ids[at, last])
        if wide:
            number |= np.int64(ids[at, last + 1]) << 32
        numbers[to] = number


@_jit
def permute(n, keys, dest):  # type: ignore[no-untyped-def]
    """Write a permutation of ``0 .. n - 1`` and one number more.

    It is a keyed bijection of the next power of two, rounds of an odd multiplication, an
    addition and a xor-shift, from which the numbers that are too large are left out.
    """
    bits = 2
    while (1 << bits) < n:
        bits += 1
    mask = np.uint64((1 << bits) - 1)
    shift = np.uint64(max(1, bits // 2))
    size = np.uint64(n)
    m0, m1, m2, a0, a1, a2 = keys[0], keys[1], keys[2], keys[3], keys[4], keys[5]
    j = 0
    for i in range(1 << bits):
        v = (np.uint64(i) * m0 + a0) & mask
        v ^= v >> shift
        v = (v * m1 + a1) & mask
        v ^= v >> shift
        v = (v * m2 + a2) & mask
        v ^= v >> shift
        # No branch: what is too large is written over.
        dest[j] = v
        j += v < size
