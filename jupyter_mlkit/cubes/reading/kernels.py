"""Inner loops over decoded chunks, compiled by numba; they release the interpreter lock.

Loaded only by :mod:`.moments`; where numba is missing, NumPy does the same there. The loops have
no branches, run over tiles that stay in the first cache and may be summed in any order, so that
the compiler vectorises them: 4 times the speed of decoding (``docs/performance.md``).
"""

from __future__ import annotations

import numba
import numpy as np

_TILE = 4096
_CELLS = 512
# NaN and infinity keep their meaning: only the order of sums is free.
_jit = numba.njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"}
)


@_jit
def moments(values, bits, keep, signs, magnitude, infinite, top, bottom):  # type: ignore[no-untyped-def]
    """Return n, mean, sum of squared deviations, least and greatest of what is kept and finite.

    ``values`` has shape (rows, cells), ``keep`` uint8 (rows or 1, cells). ``bits`` are the
    values as integers: the order of floats is that of their bits, with those of negative ones
    turned round, and integers have a fast least and greatest where floats, for NaN, have none.

    A tile is summed about the mean of the tiles before it, the first about its own; tiles merge
    by Chan, Golub & LeVeque (1983).
    """
    n, mean, squares = 0.0, 0.0, 0.0
    low, high = top, bottom
    rows, cells = values.shape
    same = keep.shape[0] == 1
    for row in range(rows):
        flags = keep[0] if same else keep[row]
        for start in range(0, cells, _TILE):
            stop = min(cells, start + _TILE)
            part, code, flag = values[row, start:stop], bits[row, start:stop], flags[start:stop]
            centre = mean
            if n == 0.0:
                count, total = 0.0, 0.0
                for i in range(part.size):
                    taken = (flag[i] != 0) & ((code[i] & magnitude) < infinite)
                    count += 1.0 if taken else 0.0
                    total += np.float64(part[i]) if taken else 0.0
                if count == 0.0:
                    continue
                centre = total / count
            held = 0
            total, deviation = 0.0, 0.0
            for i in range(part.size):
                taken = (flag[i] != 0) & ((code[i] & magnitude) < infinite)
                shift = np.float64(part[i]) - centre if taken else 0.0
                held += 1 if taken else 0
                total += shift
                deviation += shift * shift
                order = code[i] ^ ((code[i] >> signs) & magnitude)
                low = min(low, order if taken else top)
                high = max(high, order if taken else bottom)
            if held == 0:
                continue
            count = np.float64(held)
            merged = n + count
            step = centre + total / count - mean
            squares += deviation - total * total / count + step * step * (n * count / merged)
            mean += step * (count / merged)
            n = merged
    return n, mean, max(squares, 0.0), low, high


@_jit
def cell_moments(values, keep, group, n, mean, squares, low, high):  # type: ignore[no-untyped-def]
    """Fill the moments of each cell, of the rows of each group apart.

    ``values`` has shape (rows, cells), ``keep`` uint8 (rows or 1, cells), ``group`` int64
    (rows,); what is filled is float64 (groups, cells), ``n``, ``mean`` and ``squares`` zero,
    ``low`` and ``high`` infinite before.
    """
    rows, cells = values.shape
    same = keep.shape[0] == 1
    for start in range(0, cells, _CELLS):
        stop = min(cells, start + _CELLS)
        for row in range(rows):
            g = group[row]
            flag = keep[0 if same else row, start:stop]
            part = values[row, start:stop]
            count, total = n[g, start:stop], mean[g, start:stop]
            least, greatest = low[g, start:stop], high[g, start:stop]
            for i in range(part.size):
                value = np.float64(part[i])
                taken = (flag[i] != 0) & (abs(value) < np.inf)
                count[i] += 1.0 if taken else 0.0
                total[i] += value if taken else 0.0
                least[i] = value if taken & (value < least[i]) else least[i]
                greatest[i] = value if taken & (value > greatest[i]) else greatest[i]
        for g in range(n.shape[0]):
            for i in range(start, stop):
                mean[g, i] /= max(n[g, i], 1.0)
        for row in range(rows):
            g = group[row]
            flag = keep[0 if same else row, start:stop]
            part = values[row, start:stop]
            centre, deviation = mean[g, start:stop], squares[g, start:stop]
            for i in range(part.size):
                value = np.float64(part[i])
                taken = (flag[i] != 0) & (abs(value) < np.inf)
                shift = value - centre[i] if taken else 0.0
                deviation[i] += shift * shift


@_jit
def positions(code, starts, at):  # type: ignore[no-untyped-def]
    """Write the places of each of the codes 0, 1 and 2 in order, from the start of that code."""
    first, second, third = starts
    for i in range(code.size):
        c = code[i]
        if c < 0:
            continue
        if c == 0:
            at[first] = i
            first += 1
        elif c == 1:
            at[second] = i
            second += 1
        else:
            at[third] = i
            third += 1


@_jit
def take(values, at, out):  # type: ignore[no-untyped-def]
    """Copy the values at places to `out`; four times as fast as NumPy's."""
    for i in range(at.size):
        out[i] = values[at[i]]
