"""Read boxes of chunks once, and pass cells on to the neighbours whose samples need them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..reading.slabs import Slab, SlabReader
from .memory import Arena, Lease
from .order import BoxGrid, Plan
from .workspace import Ingredient, Range

T = TypeVar("T")
#: Borrowed cells, and what holds their memory.
_Lent = tuple[Ingredient, Lease]


class Exchange(Generic[T]):
    """Calls `work` on each box of a plan as soon as all cells that it needs are there.

    Parameters
    ----------
    reader : SlabReader
    grid : BoxGrid
        Its boxes are those of `reader`.
    plan : Plan
    work : callable
        Gets the number of a box and its ingredients, which are valid only during the call; is
        called in the threads of the reader.
    arena : Arena
        Holds what boxes borrow.
    may_hold : callable
        Whether there is memory to read boxes further ahead.
    """

    def __init__(
        self,
        reader: SlabReader,
        grid: BoxGrid,
        plan: Plan,
        work: Callable[[int, list[Ingredient]], T],
        *,
        arena: Arena,
        may_hold: Callable[[], bool] = lambda: True,
    ) -> None:
        self._reader = reader
        self._grid = grid
        self._plan = plan
        self._work = work
        self._may_hold = may_hold
        self._lock = Lock()
        self._arena = arena
        self._inbox: dict[int, list[_Lent]] = {}
        self._expected = {sink: 0 for sinks in plan.sinks.values() for sink in sinks}
        for sinks in plan.sinks.values():
            for sink in sinks:
                self._expected[sink] += 1

    def __iter__(self) -> Iterator[tuple[int, T]]:
        """Yield boxes with what `work` gave, in the order of the plan."""
        done: dict[int, T] = {}
        found = self._reader.map(
            self._arrived,
            order=self._plan.read,
            may_hold=self._may_hold,
        )
        for box, results in zip(self._plan.read, found, strict=True):
            done.update(results)
            # Whatever a box borrows was read before it, so it is complete by now.
            if box in self._plan.cuts:
                yield box, done.pop(box)

    def _arrived(self, slab: Slab, arrays: dict[str, NDArray[Any]]) -> list[tuple[int, T]]:
        box = self._number(slab)
        held = self._grid.holds(box)
        ready = []
        for sink in self._plan.sinks[box]:
            if self._expected[sink] == 1:
                ready.append((sink, self._work(sink, [(held, arrays)])))
                continue
            shared = self._grid.shared(box, sink)
            if sink == box and self._is_last(sink):
                lent, own = self._taken(sink), [(held, arrays)]
            else:
                lent, own = self._put(sink, self._lend(shared, held, arrays)), []
                if not lent:
                    continue
            ready.append((sink, self._work(sink, [ingredient for ingredient, _ in lent] + own)))
        return ready

    def _lend(
        self, shared: list[Range], held: list[Range], arrays: dict[str, NDArray[Any]]
    ) -> _Lent:
        """Copy a range of cells; along dims that a variable lacks it has size 1."""
        lease = Lease(self._arena)
        lent = {name: lease.copy(_part(values, shared, held)) for name, values in arrays.items()}
        return (shared, lent), lease

    def _number(self, slab: Slab) -> int:
        place = [
            int(np.searchsorted(axis.edges, slab.slices[dim].start, side="right")) - 1
            for axis, dim in zip(self._grid.axes, self._reader.dims, strict=True)
        ]
        return int(np.ravel_multi_index(place, self._grid.shape))

    def _is_last(self, sink: int) -> bool:
        with self._lock:
            return len(self._inbox.get(sink, [])) + 1 == self._expected[sink]

    def _put(self, sink: int, lent: _Lent) -> list[_Lent]:
        """Hand over cells; return all that `sink` has if they were the last it waited for."""
        with self._lock:
            found = self._inbox.setdefault(sink, [])
            found.append(lent)
            return self._inbox.pop(sink) if len(found) == self._expected[sink] else []

    def _taken(self, sink: int) -> list[_Lent]:
        with self._lock:
            return self._inbox.pop(sink)


def _part(values: NDArray[Any], shared: list[Range], held: list[Range]) -> NDArray[Any]:
    """Return a range of cells; along dims that the variable lacks it has size 1."""
    box = tuple(
        slice(a - c, b - c) if size > 1 else slice(None)
        for (a, b), (c, _), size in zip(shared, held, values.shape, strict=True)
    )
    return values[box]
