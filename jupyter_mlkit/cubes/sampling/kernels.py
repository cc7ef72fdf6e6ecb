"""The inner loops of the sampler, compiled by numba; they release the interpreter lock.

``flat`` is always the memory of a workspace: variables x cells, so that every value of a sample
lies at a fixed offset from the sample's origin. ``codes`` hold the role of each cell as a bit
(1 train, 2 validation, 4 test, 8 buffer), 0 where it does not count.
"""

from __future__ import annotations

import numba
import numpy as np

#: Numbers of a permutation that are made together.
_AT_ONCE = 1024
#: Values that are put together before they are written: they stay in the fastest cache.
_TILE = 8192

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")


@_jit
def encode(target, roles, out):  # type: ignore[no-untyped-def]
    """Write the role of each cell whose target is finite, else 0."""
    for i in range(target.size):
        out[i] = roles[i] if np.abs(target[i]) < np.inf else np.uint8(0)


@_jit
def flag(values, out):  # type: ignore[no-untyped-def]
    """Write 1 for each value that is finite, else 2."""
    for i in range(values.size):
        out[i] = np.uint8(1) if np.abs(values[i]) < np.inf else np.uint8(2)


@_jit
def seen(flags, rows, inner, step, runs, length, out):  # type: ignore[no-untyped-def]
    """Write the bitwise or of all flags within each window.

    ``rows`` holds the first cell of each row of ``inner`` windows that are ``step`` cells apart.
    """
    for r in range(rows.size):
        to = out[r * inner : (r + 1) * inner]
        if step == 1 and length == 1:
            to[:] = 0
            for run in runs:
                at = rows[r] + run
                # A view starts at 0: the compiler then knows that no index is negative.
                part = flags[at : at + inner]
                for i in range(inner):
                    to[i] |= part[i]
        else:
            for i in range(inner):
                found = np.uint8(0)
                for run in runs:
                    at = rows[r] + i * step + run
                    for value in flags[at : at + length]:
                        found |= value
                to[i] = found


@_jit
def select(  # type: ignore[no-untyped-def]
    counted, inputs, touched, wanted, refused, rows, numbers, inner, step, origins, cells, sizes
):
    """Write place and number of the windows of each wanted role, one role after the other.

    They hold a cell of it (``counted``), a value (1 in ``inputs``) and nothing that is ``refused``
    of that role, and, where ``touched`` is not empty, no other role in it. How many there are is
    written to ``sizes``; one more is written at their end. For the rest see `seen`.
    """
    n = 0
    for role in range(wanted.size):
        begin, bit, bad = n, wanted[role], refused[role]
        other = np.uint8(255) ^ bit
        for r in range(rows.size):
            row, values = counted[r * inner : (r + 1) * inner], inputs[r * inner : (r + 1) * inner]
            held = np.uint8(0)
            for i in range(inner):
                held |= row[i]
            if held & bit == 0:
                continue
            for i in range(inner):
                fits = (row[i] & bit != 0) & (values[i] & 1 != 0) & (values[i] & bad == 0)
                if touched.size:
                    fits &= touched[r * inner + i] & other == 0
                # No branch: what does not fit is written over.
                origins[n] = rows[r] + i * step
                cells[n] = numbers[r] + i * step
                n += fits
        sizes[role] = n - begin


@_jit
def choose(  # type: ignore[no-untyped-def]
    codes, flags, roles, wanted, refused, rows, numbers, inner, step, window, inputs, footprint,
    length, counted, there, touched, origins, cells, sizes,
):  # fmt: skip
    """Write place and number of the windows of each wanted role, see `seen` and `select`.

    Of ``roles`` nothing is looked at where ``touched`` is empty.
    """
    seen(codes, rows, inner, step, window, length, counted)
    seen(flags, rows, inner, step, inputs, length, there)
    if touched.size:
        seen(roles, rows, inner, step, footprint, length, touched)
    select(
        counted, there, touched, wanted, refused, rows, numbers, inner, step, origins, cells, sizes
    )


@_jit
def count(flags, bit, origins, runs, length, out):  # type: ignore[no-untyped-def]
    """Count the flags with a bit within each window."""
    for i in range(origins.size):
        n = 0
        for run in runs:
            at = origins[i] + run
            for value in flags[at : at + length]:
                n += (value & bit) != 0
        out[i] = n


@_jit
def cut_cells(  # type: ignore[no-untyped-def]
    flat, codes, rows, numbers, inner, offsets, target, drop, wanted, records, slots, origins, sizes
):
    """Write a record of each cell of each wanted role, and how many there are to ``sizes``.

    ``rows`` holds the place of the first cell of each row of ``inner`` cells and ``numbers`` its
    number in the cube; ``codes`` the role of each cell that counts as a bit, ``wanted`` the bits
    that are meant. With ``drop`` 1 cells that miss a feature are left out, with 2 those that miss
    all. What role a record is of is written to ``slots``, and where it came from to ``origins``
    unless that is empty.
    """
    columns, width = offsets.size, records.shape[1]
    wide = width > columns + 2
    found = records.reshape(-1)
    ids = found.view(np.uint32)
    keep, there = np.empty(inner, np.uint8), np.empty(inner, np.uint8)
    # Unsigned: no index counts from the end.
    place = np.empty(inner + 1, np.uint32)
    sizes[:] = 0
    n = 0
    for r in range(rows.size):
        begin = rows[r]
        code = codes[begin : begin + inner]
        held = np.uint8(0)
        for k in range(inner):
            held |= code[k]
            keep[k] = code[k]
        if held == 0:
            continue
        if drop == 1:
            for c in range(columns):
                values = flat[begin + offsets[c] : begin + offsets[c] + inner]
                for k in range(inner):
                    keep[k] = keep[k] if np.abs(values[k]) < np.inf else np.uint8(0)
        elif drop == 2:
            there[:] = 0
            for c in range(columns):
                values = flat[begin + offsets[c] : begin + offsets[c] + inner]
                for k in range(inner):
                    there[k] |= np.uint8(255) if np.abs(values[k]) < np.inf else np.uint8(0)
            for k in range(inner):
                keep[k] &= there[k]
        for slot in range(wanted.size):
            bit = wanted[slot]
            if held & bit == 0:
                continue
            m = 0
            for k in range(inner):
                # No branch: what does not count is written over.
                place[m] = k
                m += (keep[k] & bit) != 0
            to = np.uint64(n * width)
            for c in range(columns):
                values = flat[begin + offsets[c] : begin + offsets[c] + inner]
                for i in range(m):
                    found[to + np.uint64(i * width + c)] = values[place[i]]
            to += np.uint64(columns)
            if target < 0:
                for i in range(m):
                    found[to + np.uint64(i * width)] = np.float32(0)
            else:
                values = flat[target + begin : target + begin + inner]
                for i in range(m):
                    found[to + np.uint64(i * width)] = values[place[i]]
            to += np.uint64(1)
            for i in range(m):
                number = numbers[r] + place[i]
                ids[to + np.uint64(i * width)] = number & 0xFFFFFFFF
                if wide:
                    ids[to + np.uint64(i * width + 1)] = number >> 32
                slots[n + i] = slot
            if origins.size:
                for i in range(m):
                    origins[n + i] = begin + place[i]
            sizes[slot] += m
            n += m


@_jit
def _cut_single(flat, codes, bit, origins, numbers, inputs, window, target, place, records):  # type: ignore[no-untyped-def]
    """Write windows whose values lie here and there.

    They are put together first, each from some windows in a row: they are read in the order in
    which they lie, and records are written at once.
    """
    columns, last = inputs.size, inputs.size + window.size
    nothing = np.float32(np.nan)
    width, values = np.uint64(records.shape[1]), records.reshape(-1)
    ids = values.view(np.uint32)
    wide = records.shape[1] > last + 1
    most = max(1, _TILE // last)
    tile = np.empty(most * last, np.float32)
    # Unsigned: no index counts from the end.
    for begin in range(0, origins.size, most):
        some = origins[begin : begin + most]
        for r in range(columns):
            move = inputs[r]
            for i in range(some.size):
                tile[np.uint64(i * last + r)] = flat[np.uint64(some[np.uint64(i)] + move)]
        for r in range(window.size):
            move = window[r]
            for i in range(some.size):
                at = some[np.uint64(i)] + move
                value = flat[np.uint64(target + at)] if target >= 0 else np.float32(0)
                mine = codes[np.uint64(at)] == bit
                tile[np.uint64(i * last + columns + r)] = value if mine else nothing
        for i in range(some.size):
            to, found = width * np.uint64(place[np.uint64(begin + i)]), np.uint64(i * last)
            for k in range(last):
                values[to + np.uint64(k)] = tile[found + np.uint64(k)]
            number = numbers[np.uint64(begin + i)]
            ids[to + np.uint64(last)] = number & 0xFFFFFFFF
            if wide:
                ids[to + np.uint64(last + 1)] = number >> 32


@_jit
def _cut_runs(flat, codes, bit, origins, numbers, inputs, window, length, target, place, records):  # type: ignore[no-untyped-def]
    """Write windows that are made of runs of values."""
    columns = inputs.size * length
    last = columns + window.size * length
    nothing = np.float32(np.nan)
    ids = records.view(np.uint32)
    wide = records.shape[1] > last + 1
    for i in range(origins.size):
        n, origin = place[i], origins[i]
        for r in range(inputs.size):
            at = origin + inputs[r]
            records[n, r * length : (r + 1) * length] = flat[at : at + length]
        for r in range(window.size):
            at = origin + window[r]
            to = records[n, columns + r * length : columns + (r + 1) * length]
            mine = codes[at : at + length]
            if target < 0:
                for k in range(length):
                    to[k] = np.float32(0) if mine[k] == bit else nothing
            else:
                values = flat[target + at : target + at + length]
                for k in range(length):
                    to[k] = values[k] if mine[k] == bit else nothing
        ids[n, last] = numbers[i] & 0xFFFFFFFF
        if wide:
            ids[n, last + 1] = numbers[i] >> 32


@_jit
def cut_windows(  # type: ignore[no-untyped-def]
    flat, codes, wanted, sizes, origins, numbers, inputs, window, length, target, place, records
):
    """Write a record of each window to its place, of the wanted roles one after the other.

    Target values (at ``target`` from the origin, zeros if negative) that are missing or of
    another role become NaN.
    """
    stop = 0
    for role in range(wanted.size):
        start, bit = stop, wanted[role]
        stop += sizes[role]
        some, cells, to = origins[start:stop], numbers[start:stop], place[start:stop]
        if length == 1:
            _cut_single(flat, codes, bit, some, cells, inputs, window, target, to, records)
        else:
            _cut_runs(flat, codes, bit, some, cells, inputs, window, length, target, to, records)


@_jit
def cut_shared(  # type: ignore[no-untyped-def]
    flat, codes, origins, numbers, inputs, window, length, target, place, records
):
    """Write a record of each window, to its place, with the roles of its cells.

    Target values (at ``target`` from the origin, zeros if negative) are those of all roles.
    """
    columns, width = inputs.size * length, window.size * length
    last = columns + width
    ids, bits = records.view(np.uint32), records.view(np.uint8)
    first = last + (width + 3) // 4
    for i in range(origins.size):
        origin, row = origins[i], np.int64(place[i])
        for r in range(inputs.size):
            at = origin + inputs[r]
            records[row, r * length : (r + 1) * length] = flat[at : at + length]
        for r in range(window.size):
            at, to = origin + window[r], r * length
            if target < 0:
                records[row, columns + to : columns + to + length] = 0
            else:
                values = flat[target + at : target + at + length]
                records[row, columns + to : columns + to + length] = values
            bits[row, 4 * last + to : 4 * last + to + length] = codes[at : at + length]
        ids[row, first] = numbers[i] & 0xFFFFFFFF
        if records.shape[1] > first + 1:
            ids[row, first + 1] = numbers[i] >> 32


@_jit
def deal(slots, shifts, starts, first, factors, turns, round_of, place):  # type: ignore[no-untyped-def]
    """Write to which place each record is dealt, by its slot.

    A slot has ``1 << shifts[slot]`` buckets, that begin at ``starts[first[slot]]`` and after.
    Each run of so many samples gives one to every bucket, in an order that an odd factor and a
    turn (``round_of[slot]`` is the first) draw anew for each run: a bucket is a stratified
    sample of the whole.
    """
    dealt = np.zeros(shifts.size, np.int64)
    j = 0
    while j < slots.size:
        slot = slots[j]
        shift, number = shifts[slot], dealt[slot]
        mask = (1 << shift) - 1
        start = starts[first[slot] :]
        stop = j
        while stop < slots.size and slots[stop] == slot:
            stop += 1
        while j < stop:
            group = number >> shift
            factor, turn = factors[round_of[slot] + group], turns[round_of[slot] + group]
            end = min(stop, j + ((group + 1) << shift) - number)
            for i in range(j, end):
                place[i] = start[(factor * (number & mask) + turn) & mask] + group
                number += 1
            j = end
        dealt[slot] = number


@_jit
def spread(records, place, out):  # type: ignore[no-untyped-def]
    """Write records to their places."""
    width = np.uint64(records.shape[1])
    values, to = records.reshape(-1), out.reshape(-1)
    at = np.uint64(0)
    if width == 3:
        # One feature: loops over so few values would take longer than what they copy.
        for i in range(place.size):
            begin = np.uint64(3) * np.uint64(place[np.uint64(i)])
            for k in range(3):
                to[begin + np.uint64(k)] = values[at + np.uint64(k)]
            at += width
        return
    for i in range(place.size):
        begin = width * np.uint64(place[np.uint64(i)])
        for k in range(width):
            to[begin + np.uint64(k)] = values[at + np.uint64(k)]
        at += width


@_jit
def permute(n, keys, dest):  # type: ignore[no-untyped-def]
    """Write a permutation of ``0 .. n - 1`` and one number more.

    It is a keyed bijection of the next power of two, rounds of an odd multiplication, an
    addition and a xor-shift, from which the numbers that are too large are left out.
    """
    bits = 2
    while (1 << bits) < n:
        bits += 1
    # With 32 bits, of which the lower ones are the same, the compiler vectorises the rounds.
    mask, shift = np.uint32((1 << bits) - 1), np.uint32(max(1, bits // 2))
    m0, m1, m2 = np.uint32(keys[0]), np.uint32(keys[1]), np.uint32(keys[2])
    a0, a1, a2 = np.uint32(keys[3]), np.uint32(keys[4]), np.uint32(keys[5])
    found = np.empty(_AT_ONCE, np.uint32)
    j = 0
    for begin in range(0, 1 << bits, _AT_ONCE):
        size = min(_AT_ONCE, (1 << bits) - begin)
        for i in range(size):
            v = np.uint32(begin + i)
            v = np.uint32(v * m0 + a0) & mask
            v = np.uint32(v ^ (v >> shift))
            v = np.uint32(v * m1 + a1) & mask
            v = np.uint32(v ^ (v >> shift))
            v = np.uint32(v * m2 + a2) & mask
            found[i] = v ^ (v >> shift)
        for i in range(size):
            # No branch: what is too large is written over.
            dest[j] = found[i]
            j += found[i] < n


@_jit
def _draw_shared(records, rows, bit, dest, columns, x, marks, numbers):  # type: ignore[no-untyped-def]
    """Write large records with their target as a role sees it."""
    width = marks.shape[1]
    last = columns + width + (width + 3) // 4
    wide = records.shape[1] > last + 1
    ids, codes = records.view(np.uint32), records.view(np.uint8)
    nothing = np.float32(np.nan)
    for i in range(rows.size):
        to, row = np.int64(dest[i]), np.int64(rows[i])
        for k in range(columns):
            x[to, k] = records[row, k]
        values, out = records[row, columns : columns + width], marks[to]
        code = codes[row, 4 * (columns + width) : 4 * (columns + width) + width]
        for k in range(width):
            out[k] = values[k] if code[k] == bit else nothing
        numbers[to] = np.int64(ids[row, last])
        if wide:
            numbers[to] |= np.int64(ids[row, last + 1]) << 32


@_jit
def _draw_run(values, ids, step, dest, columns, width, x, marks, numbers):  # type: ignore[no-untyped-def]
    """Write small records that lie in a row; all but ``dest`` and ``numbers`` are flat.

    Unsigned: with two indices of which any may count from the end it takes two and a half times
    as long.
    """
    last = columns + width
    wide = step > last + 1
    for i in range(dest.size):
        at, to = np.uint64(i * step), np.uint64(dest[np.uint64(i)])
        if last == 2:
            # Loops over so few values would take longer than what they copy.
            x[to], marks[to] = values[at], values[at + np.uint64(1)]
        else:
            for k in range(columns):
                x[to * np.uint64(columns) + np.uint64(k)] = values[at + np.uint64(k)]
            for k in range(width):
                value = values[at + np.uint64(columns + k)]
                marks[to * np.uint64(width) + np.uint64(k)] = value
        number = np.int64(ids[at + np.uint64(last)])
        if wide:
            number |= np.int64(ids[at + np.uint64(last + 1)]) << 32
        numbers[to] = number


@_jit
def draw(  # type: ignore[no-untyped-def]
    records, rows, bit, begins, ranks, sizes, takes, keys, columns, x, marks, numbers
):
    """Write inputs, marks and numbers of the records that some parts give, permuted.

    Of part ``p``, which has ``sizes[p]`` segments, the ranks from ``takes[p, 0]`` to
    ``takes[p, 1]`` are drawn. ``begins`` and ``ranks`` are those of all parts in turn: the first
    place of each segment, and how many samples are drawn before it. Without ``keys`` the order
    is kept. With a ``bit`` the record at each place is in ``rows``, and target values of cells of
    another role become NaN.
    """
    width, step = marks.shape[1], records.shape[1]
    values, flat_x, flat_marks = records.reshape(-1), x.reshape(-1), marks.reshape(-1)
    ids = values.view(np.uint32)
    dest = np.arange(numbers.size + 1).astype(np.int32)
    if keys.size:
        permute(numbers.size, keys, dest)
    j, before = 0, 0
    for p in range(sizes.size):
        mine = ranks[before + p : before + p + sizes[p] + 1]
        rank, stop = takes[p, 0], takes[p, 1]
        segment = np.searchsorted(mine, rank, side="right") - 1
        while rank < stop:
            end = min(stop, mine[segment + 1])
            n, first = end - rank, begins[before + segment] + rank - mine[segment]
            to = dest[j : j + n]
            if bit:
                _draw_shared(records, rows[first : first + n], bit, to, columns, x, marks, numbers)
            else:
                run = slice(first * step, (first + n) * step)
                _draw_run(
                    values[run], ids[run], step, to, columns, width, flat_x, flat_marks, numbers
                )
            j += n
            rank = end
            segment += 1
        before += sizes[p]
