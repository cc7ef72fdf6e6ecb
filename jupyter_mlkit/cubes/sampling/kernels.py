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
def scan_cells(flat, codes, rows, numbers, inner, offsets, drop, slots, origins, cells, counts):
    """List the cells of each wanted role.

    ``rows`` holds the place of the first cell of each row of ``inner`` cells and ``numbers``
    its number in the cube; ``slots`` says by role code (-1 last) which list is meant, or -1.
    With ``drop`` 1 cells that miss a feature are left out, with 2 those that miss all.
    """
    for r in range(rows.size):
        row = rows[r]
        for k in range(inner):
            slot = slots[codes[row + k]]
            if slot < 0:
                continue
            if drop != 0:
                found = 0
                for c in range(offsets.size):
                    if np.isfinite(flat[row + k + offsets[c]]):
                        found += 1
                if found == 0 or (drop == 1 and found < offsets.size):
                    continue
            n = counts[slot]
            origins[slot, n] = row + k
            cells[slot, n] = numbers[r] + k
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
def place(source, order, dest, out):
    """Copy rows ``order`` of `source` to rows ``dest`` of `out`."""
    for i in range(dest.size):
        for k in range(source.shape[1]):
            out[dest[i], k] = source[order[i], k]


@_jit
def place_run(source, start, dest, out):
    """Copy rows from `start` on to rows ``dest`` of `out`."""
    for i in range(dest.size):
        for k in range(source.shape[1]):
            out[dest[i], k] = source[start + i, k]


@_jit
def place_cells(source, order, dest, out):
    """Copy numbers ``order`` of `source` to ``dest`` of `out`."""
    for i in range(dest.size):
        out[dest[i]] = source[order[i]]


@_jit
def deal(n, starts, factors, turns, dest):
    """Deal `n` samples to as many buckets as `starts` has, a power of two.

    Each run of so many samples gives one to every bucket, in an order that an odd factor and a
    turn draw anew for each run: a bucket is a stratified sample of the whole.
    """
    buckets = starts.size
    mask = buckets - 1
    i = 0
    group = 0
    while i < n:
        for k in range(min(buckets, n - i)):
            bucket = (factors[group] * k + turns[group]) & mask
            dest[i + k] = starts[bucket] + group
        i += buckets
        group += 1


@_jit
def permute(n, keys, dest):
    """Write a permutation of ``0 .. n - 1``: a keyed bijection of the next power of two.

    Rounds of an odd multiplication, an addition and a xor-shift; what falls outside walks on
    along its cycle until it is inside (Black and Rogaway 2002).
    """
    bits = 2
    while (1 << bits) < n:
        bits += 1
    mask = np.uint64((1 << bits) - 1)
    shift = np.uint64(max(1, bits // 2))
    high = np.uint64(32)
    one = np.uint64(1)
    size = np.uint64(n)
    for i in range(n):
        x = np.uint64(i)
        while True:
            for key in keys:
                x = (x * (key | one) + (key >> high)) & mask
                x ^= x >> shift
            if x < size:
                break
        dest[i] = x
