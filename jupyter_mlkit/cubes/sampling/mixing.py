"""Mix the samples of several open boxes into a stream, in an order that the counts fix.

A piece takes a bucket of samples or some from every open box; within the piece the samples are
permuted. Which buckets make up which piece depends only on how many samples each
box has, so that a stream can be continued anywhere without reading what came before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .dealing import even

#: Boxes that are open at once: at least, usually at least, and at most.
FEWEST, USUAL, MOST = 4, 8, 12

T = TypeVar("T")


@dataclass
class Open(Generic[T]):
    """A box from which samples are drawn.

    Attributes
    ----------
    place : int
        Its place in the order of boxes.
    counts : tuple of int
        Samples by wanted role.
    life : int
        Pieces over which its buckets are spread.
    held : T
        What the caller keeps for it.
    """

    place: int
    counts: tuple[int, ...]
    life: int
    held: T
    edges: list[list[int]] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    age: int = 0

    @property
    def left(self) -> int:
        """Most buckets that are left of any role."""
        return max(len(edges) - 1 - used for edges, used in zip(self.edges, self.used, strict=True))

    @property
    def rest(self) -> int:
        """Samples that are left of all roles."""
        return sum(
            edges[-1] - edges[used] for edges, used in zip(self.edges, self.used, strict=True)
        )

    def spread(self, life: int) -> None:
        """Spread what is left over `life` pieces."""
        self.begun, self.life, self.age = list(self.used), life, 0

    def draw(self) -> list[tuple[int, int]]:
        """Return the rows of each role that the next piece takes."""
        self.age += 1
        rows = []
        for role, edges in enumerate(self.edges):
            last = len(edges) - 1
            rest = last - self.begun[role]
            stop = self.begun[role] + rest * min(self.age, self.life) // self.life
            rows.append((edges[self.used[role]], edges[stop]))
            self.used[role] = stop
        return rows


@dataclass(frozen=True)
class Piece(Generic[T]):
    """Rows of open boxes that are mixed with each other.

    Attributes
    ----------
    number : int
    takes : list of (Open, list of (int, int))
        By box, the rows of each role.
    """

    number: int
    takes: list[tuple[Open[T], list[tuple[int, int]]]]

    def sizes(self, roles: int) -> list[int]:
        """Return the number of samples of each role."""
        return [
            sum(rows[role][1] - rows[role][0] for _, rows in self.takes) for role in range(roles)
        ]


def pieces(
    boxes: Iterator[tuple[int, tuple[int, ...], T]],
    *,
    unit: int,
    room: Callable[[Sequence[int]], bool],
    shuffle: bool,
    dropped: bool = False,
) -> Iterator[Piece[T]]:
    """Yield which rows of which boxes make up each piece.

    Parameters
    ----------
    boxes : iterator of (place, counts, held)
        Boxes that have samples, in the order in which they are opened. What comes before a box
        is asked for is settled by the boxes before it alone.
    unit : int
        Samples of a bucket at most.
    room : callable
        Whether boxes that hold these numbers of samples may be open together.
    shuffle : bool
        If not, one box after the other.
    dropped : bool
        Whether samples are held no longer than until they are drawn.

    Notes
    -----
    At first the boxes are spread over pieces of different number, so that afterwards they end
    one by one. When no box is left to open, the open ones are spread so that all end together:
    the last batches mix as many boxes as the first.
    """
    slots: list[Open[T]] = []
    fewest = FEWEST if shuffle else 1
    number, opened = 0, 0
    upcoming: tuple[int, tuple[int, ...], T] | None = None
    ended = False
    while True:
        grown = False
        # The first piece waits for no more boxes than it needs.
        while not ended and (
            len(slots) < fewest or (shuffle and number and not grown and len(slots) < MOST)
        ):
            upcoming = upcoming or next(boxes, None)
            if upcoming is None:
                ended = True
                together = sorted((slot.left for slot in slots), reverse=True)
                for slot in slots:
                    slot.spread(max(1, together[min(FEWEST, len(slots)) - 1]))
                break
            place, counts, held = upcoming
            if len(slots) >= fewest:
                held_by = [slot.rest if dropped else sum(slot.counts) for slot in slots]
                if not room([*held_by, sum(counts)]):
                    break
                grown = True
            edges = [even(n, max(1, -(-n // unit))).tolist() for n in counts]
            slot = Open(place, counts, 1, held, edges, [0] * len(counts))
            life = slot.left
            if opened < USUAL:
                life = max(1, life * (opened + 1) // USUAL)
            slot.spread(life)
            slots.append(slot)
            opened += 1
            upcoming = None
        if not slots:
            return
        yield Piece(number, [(slot, slot.draw()) for slot in slots])
        number += 1
        slots = [slot for slot in slots if slot.age < slot.life]
