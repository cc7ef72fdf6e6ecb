"""BLAKE2b of four streams at once, one in each lane of a vector register.

Three times the rate of hashlib, whose BLAKE2b is scalar, for the same digests. The rounds are
RFC 7693, section 3; the lanes are the way of its authors' ``blake2bp`` (Aumasson et al. 2013).
Imported only where numba is there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import njit, types  # type: ignore[import-untyped, unused-ignore]
from numba.extending import intrinsic  # type: ignore[import-untyped, unused-ignore]
from numba.np.arrayobj import make_array  # type: ignore[import-untyped, unused-ignore]
from numpy.typing import NDArray

LANES = 4
BLOCK = 128
_IV = (
    *(0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1),
    *(0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179),
)
#: 64 bytes of digest, no key, no tree.
_PARAMETERS = 0x01010040
_SIGMA = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
)
#: Which words of the state each of the eight steps of a round mixes: columns, then diagonals.
_STEPS = (
    *((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)),
    *((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)),
)
_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, LANES)
_POINTER = types.CPointer(types.uint64)  # type: ignore[no-untyped-call, unused-ignore]


class _Rounds:
    """Writes the code of one compression of four blocks."""

    def __init__(self, builder: Any) -> None:
        self._to = builder

    def load(self, base: Any, place: int, align: int = 8) -> Any:
        found = self._to.load(self._to.gep(base, [ir.Constant(_WORD, place)]))
        found.align = align
        return found

    def store(self, value: Any, base: Any, place: int) -> None:
        self._to.store(value, self._to.gep(base, [ir.Constant(_WORD, place)])).align = 8

    def message(self, pointers: Any) -> list[Any]:
        """Load 16 words of each of four blocks, word by word in one vector."""
        lanes = range(LANES)
        index = ir.IntType(32)
        blocks = [
            self._to.inttoptr(
                self._to.extract_element(pointers, ir.Constant(index, lane)), _VECTOR.as_pointer()
            )
            for lane in lanes
        ]

        def mixed(one: Any, two: Any, *order: int) -> Any:
            mask = ir.Constant(ir.VectorType(index, LANES), list(order))
            return self._to.shuffle_vector(one, two, mask)

        words = []
        for quarter in range(4):
            rows = [self.load(block, quarter, align=1) for block in blocks]
            even = [mixed(*rows[i : i + 2], 0, 4, 2, 6) for i in (0, 2)]
            odd = [mixed(*rows[i : i + 2], 1, 5, 3, 7) for i in (0, 2)]
            words += [mixed(*pair, 0, 1, 4, 5) for pair in (even, odd)]
            words += [mixed(*pair, 2, 3, 6, 7) for pair in (even, odd)]
        return words

    def run(self, state: list[Any], words: list[Any]) -> None:
        """Mix the message into 16 vectors of state, in place."""
        for number in range(12):
            order = _SIGMA[number % len(_SIGMA)]
            for step, places in enumerate(_STEPS):
                for half, (first, second) in enumerate(((32, 24), (16, 63))):
                    self._half(state, places, words[order[2 * step + half]], first, second)

    def _half(
        self, v: list[Any], places: tuple[int, ...], word: Any, first: int, second: int
    ) -> None:
        a, b, c, d = places
        to = self._to
        v[a] = to.add(to.add(v[a], v[b]), word)
        v[d] = self._rotated(to.xor(v[d], v[a]), first)
        v[c] = to.add(v[c], v[d])
        v[b] = self._rotated(to.xor(v[b], v[c]), second)

    def _rotated(self, value: Any, by: int) -> Any:
        right = self._to.lshr(value, constant(by))
        return self._to.or_(right, self._to.shl(value, constant(64 - by)))


def constant(word: int) -> Any:
    """Return `word` in every lane."""
    return ir.Constant(_VECTOR, [ir.Constant(_WORD, word)] * LANES)


def _compress_code(_typing: Any, state: Any, pointers: Any, counts: Any, finals: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        held, blocks, count, final = (
            builder.bitcast(argument, _VECTOR.as_pointer()) for argument in arguments
        )
        rounds = _Rounds(builder)
        before = [rounds.load(held, place) for place in range(8)]
        v = before + [constant(word) for word in _IV]
        v[12] = builder.xor(v[12], rounds.load(count, 0))
        v[14] = builder.xor(v[14], rounds.load(final, 0))
        rounds.run(v, rounds.message(rounds.load(blocks, 0)))
        for place, old in enumerate(before):
            new = builder.xor(old, builder.xor(v[place], v[place + 8]))
            rounds.store(new, held, place)
        return context.get_dummy_value()

    return types.void(_POINTER, _POINTER, _POINTER, _POINTER), generate


_compress: Any = intrinsic(_compress_code)


def _address_code(_typing: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        of_kind: Any = make_array
        return of_kind(signature.args[0])(context, builder, arguments[0]).data

    return _POINTER(array), generate


_address: Any = intrinsic(_address_code)


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def compress_blocks(
    state: NDArray[np.uint64],
    pointers: NDArray[np.uint64],
    counts: NDArray[np.uint64],
    finals: NDArray[np.uint64],
    blocks: int,
) -> None:
    """Compress `blocks` blocks of 128 bytes of each lane.

    Parameters
    ----------
    state : ndarray of uint64, (8, 4)
    pointers, counts : ndarray of uint64, (4,)
        Address of the next block and bytes so far of each lane; both move on.
    finals : ndarray of uint64, (4,)
        All ones in the lanes whose (one) block is their last.
    blocks : int
    """
    held, places = _address(state), _address(pointers)
    count, final = _address(counts), _address(finals)
    for _ in range(blocks):
        for lane in range(LANES):
            counts[lane] += np.uint64(BLOCK)
        _compress(held, places, count, final)
        for lane in range(LANES):
            pointers[lane] += np.uint64(BLOCK)


def first_state() -> NDArray[np.uint64]:
    """Return the state of a lane before its first block, uint64 (8,)."""
    state = np.array(_IV, np.uint64)
    state[0] ^= np.uint64(_PARAMETERS)
    return state
