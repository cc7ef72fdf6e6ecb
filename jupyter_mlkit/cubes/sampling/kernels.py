"""The inner loops of the sampler, compiled by numba; they release the interpreter lock.

``flat`` is always the memory of a workspace: variables x cells, so that every value of a sample
lies at a fixed offset from the sample's origin.
"""

from __future__ import annotations

import numba
import numpy as np

_jit = numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)


@_jit
def encode(target, roles, out):
    """Write the role of each cell whose target is finite, else -1."""
    for i in range(target.size):
        out[i] = roles[i] if np.isfinite(target[i]) else -1


@_jit
def cut_cells(
    flat,
    roles,
    rows,
    numbers,
    inner,
    offsets,
    target,
    drop,
    slots,
    x,
    marks,
    cells,
    origins,
    counts,
):
    """Copy the cells of each wanted role.

    ``rows`` holds the place of the first cell of each row of ``inner`` cells and ``numbers``
    its number in the cube; ``slots`` says by role code (-1 last) which part of the outputs is
    meant, or -1. Cells whose target (at ``target``, or nowhere if negative) is missing are left
    out; with ``drop`` 1 also those that miss a feature, with 2 those that miss all.
    """
    for r in range(rows.size):
        row = rows[r]
        for k in range(inner):
            slot = slots[roles[row + k]]
            if slot < 0:
                continue
            mark = np.float32(0)
            if target >= 0:
                mark = flat[target + row + k]
                if not np.isfinite(mark):
                    continue
            n = counts[slot]
            found = 0
            for c in range(offsets.size):
                value = flat[row + k + offsets[c]]
                x[slot, n, c] = value
                found += np.isfinite(value)
            if (drop == 1 and found < offsets.size) or (drop == 2 and found == 0):
                continue
            marks[slot, n, 0] = mark
            cells[slot, n] = numbers[r] + k
            origins[slot, n] = row + k
            counts[slot] = n + 1


@_jit
def tally(codes, origins, runs, length, out):
    """Count the codes 0 to 3 within each window."""
    for i in range(origins.size):
        n0 = 0
        n1 = 0
        n2 = 0
        n3 = 0
        for r in range(runs.size):
            at = origins[i] + runs[r]
            for k in range(length):
                code = codes[at + k]
                n0 += code == 0
                n1 += code == 1
                n2 += code == 2
                n3 += code == 3
        out[i, 0] = n0
        out[i, 1] = n1
        out[i, 2] = n2
        out[i, 3] = n3


@_jit
def missing(flat, origins, runs, length, out):
    """Count the values within each window that are not finite."""
    for i in range(origins.size):
        n = 0
        for r in range(runs.size):
            at = origins[i] + runs[r]
            for k in range(length):
                n += not np.isfinite(flat[at + k])
        out[i] = n


@_jit
def cut(flat, origins, runs, length, dest, out):
    """Copy the values of each window to its place in `out`."""
    for i in range(origins.size):
        to = dest[i]
        for r in range(runs.size):
            at = origins[i] + runs[r]
            for k in range(length):
                out[to, r * length + k] = flat[at + k]


@_jit
def cut_target(flat, codes, role, origins, runs, length, shift, dest, out):
    """Copy target values of `role`; what is another's or missing becomes NaN."""
    for i in range(origins.size):
        to = dest[i]
        for r in range(runs.size):
            at = origins[i] + runs[r]
            for k in range(length):
                value = flat[at + k + shift]
                out[to, r * length + k] = value if codes[at + k] == role else np.nan


@_jit
def take_rows(x, marks, cells, order, dest, out_x, out_marks, out_cells):
    """Copy samples ``order`` to places ``dest``."""
    for i in range(dest.size):
        at, to = order[i], dest[i]
        for k in range(x.shape[1]):
            out_x[to, k] = x[at, k]
        for k in range(marks.shape[1]):
            out_marks[to, k] = marks[at, k]
        out_cells[to] = cells[at]


@_jit
def take_run(x, marks, cells, start, dest, out_x, out_marks, out_cells):
    """Copy samples from `start` on to places ``dest``."""
    for i in range(dest.size):
        at, to = start + i, dest[i]
        for k in range(x.shape[1]):
            out_x[to, k] = x[at, k]
        for k in range(marks.shape[1]):
            out_marks[to, k] = marks[at, k]
        out_cells[to] = cells[at]


@_jit
def deal(x, marks, cells, first, starts, factors, turns, out_x, out_marks, out_cells):
    """Deal samples, the first of which is number ``first``, to buckets.

    There are as many buckets as `starts` has, a power of two. Each run of so many samples gives
    one to every bucket, in an order that an odd factor and a turn draw anew for each run: a
    bucket is a stratified sample of the whole.
    """
    mask = starts.size - 1
    bits = 0
    while (1 << bits) < starts.size:
        bits += 1
    for j in range(cells.size):
        group = (first + j) >> bits
        bucket = (factors[group] * ((first + j) & mask) + turns[group]) & mask
        to = starts[bucket] + group
        for k in range(x.shape[1]):
            out_x[to, k] = x[j, k]
        for k in range(marks.shape[1]):
            out_marks[to, k] = marks[j, k]
        out_cells[to] = cells[j]


@_jit
def permute(n, keys, dest):
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
