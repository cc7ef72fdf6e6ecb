"""In which order the boxes of a cube are read, and which shard reads which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..reading.slabs import SlabReader
from .chance import draws, shuffled
from .tiling import Along

Index = tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """Boxes to read, in order.

    Attributes
    ----------
    read : list of int
        Numbers of the boxes (C order).
    cuts : frozenset of int
        Those whose samples are wanted; the others only lend cells to their neighbours.
    sinks : dict
        By box, which boxes its cells go to, itself among them where it is cut.
    front : int
        Most bytes of borrowed cells that are held.
    """

    read: list[int]
    cuts: frozenset[int]
    sinks: dict[int, list[int]]
    front: int

    def only(self, cuts: frozenset[int]) -> Plan:
        """Return what of this plan is needed for the samples of some boxes."""
        sinks = {
            box: kept
            for box, lent in self.sinks.items()
            if (kept := [sink for sink in lent if sink in cuts])
        }
        return Plan([box for box in self.read if box in sinks], cuts, sinks, self.front)


def edges_of(reader: SlabReader) -> list[NDArray[np.int64]]:
    """Return the borders of the boxes of a reader along each dim, with the cube's ends."""
    found = []
    stride = 1
    for dim in reversed(reader.dims):
        edges = [0]
        while edges[-1] < reader.sizes[dim]:
            edges.append(reader.slab(stride * (len(edges) - 1)).slices[dim].stop)
        found.append(np.array(edges, np.int64))
        stride *= len(edges) - 1
    return found[::-1]


@dataclass(frozen=True)
class BoxGrid:
    """The boxes of a cube by number, with what each needs.

    Attributes
    ----------
    axes : tuple of Along
        One per dim.
    cell_bytes : int
        Bytes of one cell of all variables.
    """

    axes: tuple[Along, ...]
    cell_bytes: int

    @cached_property
    def shape(self) -> Index:
        """Boxes along each dim."""
        return tuple(axis.boxes for axis in self.axes)

    @cached_property
    def linked(self) -> tuple[int, ...]:
        """Dims along which samples reach across the borders of boxes."""
        return tuple(
            number
            for number, axis in enumerate(self.axes)
            if any(len(axis.sources(box)) > 1 for box in range(axis.boxes))
        )

    @cached_property
    def _edges(self) -> list[list[int]]:
        return [axis.edges.tolist() for axis in self.axes]

    def index(self, number: int) -> Index:
        """Return the place of box `number` along each dim."""
        # NumPy's own takes ten times as long for one number, and there may be many boxes.
        place = []
        for size in reversed(self.shape):
            number, rest = divmod(number, size)
            place.append(rest)
        return tuple(reversed(place))

    def needed(self, number: int) -> list[tuple[int, int]]:
        """Return the range of cells along each dim that the samples of a box need."""
        return [axis.needed(box) for axis, box in zip(self.axes, self.index(number), strict=True)]

    def holds(self, number: int) -> list[tuple[int, int]]:
        """Return the range of cells along each dim that a box holds."""
        return [
            (edges[box], edges[box + 1])
            for edges, box in zip(self._edges, self.index(number), strict=True)
        ]

    def sources(self, number: int) -> list[int]:
        """Return the boxes that hold the cells which the samples of a box need."""
        if not self.linked:
            return [number]
        spans = [axis.sources(box) for axis, box in zip(self.axes, self.index(number), strict=True)]
        found = [0]
        for size, span in zip(self.shape, spans, strict=True):
            found = [size * outer + inner for outer in found for inner in span]
        return found

    def with_samples(self) -> list[int]:
        """Return the boxes in which samples are cut, in C order."""
        some = np.ones((), bool)
        for axis in self.axes:
            along = np.array([bool(axis.starts_in(box).size) for box in range(axis.boxes)], bool)
            some = np.logical_and.outer(some, along)
        return [int(number) for number in np.flatnonzero(some)]

    def plan(
        self,
        wanted: Sequence[int],
        key: tuple[int, ...] | None,
        *,
        rank: int = 0,
        world: int = 1,
        memory: int,
    ) -> Plan:
        """Return in which order one shard reads.

        Boxes that lend cells to each other form a lane, which is swept from one end to the
        other so that each box is read once and only a front of borrowed cells is held. Lanes
        are read in turns, as many at a time as their fronts fit into `memory`.

        Parameters
        ----------
        wanted : sequence of int
            Boxes whose samples are wanted.
        key : tuple of int, optional
            Seed and epoch of the draw; without it lanes are read in the order of the cube, one
            after the other.
        rank, world : int
            Which shard, of how many.
        memory : int
            Bytes for the fronts.
        """
        lanes = self._lanes(wanted)
        if key is not None:
            lanes = [lanes[i] for i in shuffled(len(lanes), *key, 1)]
        if len(lanes) >= world:
            lanes = lanes[rank::world]
        else:
            # Too few lanes: all are cut in pieces, which read what they borrow once more.
            boxes = [box for lane in lanes for box in lane]
            a, b = (len(boxes) * (rank + i) // world for i in (0, 1))
            lanes = self._lanes(boxes[a:b])
        cuts = frozenset(box for lane in lanes for box in lane)
        sinks: dict[int, list[int]] = {}
        for box in cuts:
            for source in self.sources(box):
                sinks.setdefault(source, []).append(box)
        with_lenders = self._lanes(list(sinks))
        rank_of = {self._lane_of(lane[0]): place for place, lane in enumerate(lanes)}
        with_lenders.sort(key=lambda lane: rank_of[self._lane_of(lane[0])])
        if not self.linked:
            return Plan([box for lane in with_lenders for box in lane], cuts, sinks, 0)
        front = max((self._front(lane, sinks) for lane in with_lenders), default=0)
        if key is None:
            return Plan([box for lane in with_lenders for box in lane], cuts, sinks, front)
        width = max(1, min(len(with_lenders), memory // max(1, front)))
        order = self._interleave(with_lenders, key, width)
        return Plan(order, cuts, sinks, width * front)

    @staticmethod
    def _interleave(lanes: list[list[int]], key: tuple[int, ...], width: int) -> list[int]:
        """Read `width` lanes in turns that are drawn."""
        waiting = list(reversed(lanes))
        active: list[list[int]] = []
        order = []
        for draw in draws(sum(map(len, lanes)), *key, 2).tolist():
            while waiting and len(active) < width:
                active.append(list(reversed(waiting.pop())))
            chosen = draw % len(active)
            order.append(active[chosen].pop())
            if not active[chosen]:
                del active[chosen]
        return order

    def _front(self, lane: list[int], sinks: dict[int, list[int]]) -> int:
        """Return the most bytes of borrowed cells that are held while a lane is swept."""
        held, most = 0, 0
        owed: dict[int, int] = {}
        for box in lane:
            for sink in sinks.get(box, []):
                if sink != box:
                    size = math.prod(b - a for a, b in self.shared(box, sink)) * self.cell_bytes
                    owed[sink] = owed.get(sink, 0) + size
                    held += size
            most = max(most, held)
            held -= owed.pop(box, 0)
        return most

    def shared(self, source: int, sink: int) -> list[tuple[int, int]]:
        """Return the range of cells that `source` holds and `sink` needs, along each dim."""
        return [
            (max(a, c), max(max(a, c), min(b, d)))
            for (a, b), (c, d) in zip(self.holds(source), self.needed(sink), strict=True)
        ]

    def _lane_of(self, box: int) -> Index:
        place = self.index(box)
        return tuple(p for dim, p in enumerate(place) if dim not in self.linked)

    def _lanes(self, boxes: Sequence[int]) -> list[list[int]]:
        """Group boxes that may lend to each other, each group in the order of its sweep."""
        if not self.linked:
            return [[box] for box in boxes]
        # The longest dim outermost: the front lies across the others.
        sweep = sorted(self.linked, key=lambda dim: -self.shape[dim])
        groups: dict[Index, list[tuple[Index, int]]] = {}
        for box in boxes:
            place = self.index(box)
            groups.setdefault(self._lane_of(box), []).append((tuple(place[d] for d in sweep), box))
        return [[box for _, box in sorted(groups[lane])] for lane in sorted(groups)]
