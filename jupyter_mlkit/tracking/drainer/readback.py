"""Ask a store whether it has points, in little memory however many there are."""

from __future__ import annotations

import math
import sqlite3
import sys
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing

from ..client import StoreClient

#: Step, time and value of a point, in a form that is the same before and after the store.
Point = tuple[int, int, float | None]
#: What a database makes of the infinities.
_MOST = sys.float_info.max
#: Points of a page, as MLflow's own client asks for.
_PAGE = 25_000


class Expected:
    """Points that a store shall have: of each a digest of eight bytes."""

    def __init__(self) -> None:
        self._digests: dict[str, array[int]] = defaultdict(lambda: array("q"))
        self._without: dict[str, set[int]] = defaultdict(set)
        self.count = 0

    def add(self, key: str, step: int, timestamp: int, value: float) -> None:
        """Expect a point."""
        self._digests[key].append(hash(_point(step, timestamp, value)))
        self.count += 1

    def discard(self, key: str, step: int, timestamp: int, value: float) -> None:
        """Expect it no more."""
        self._without[key].add(hash(_point(step, timestamp, value)))

    def are_in(self, store: StoreClient, run: str) -> bool:
        """Whether the store gives all of them back.

        Raises
        ------
        MLKitError
            The store cannot be asked now.
        """
        return all(
            self._is_in(key, digests, _points(store, run, key))
            for key, digests in self._digests.items()
        )

    def _is_in(self, key: str, digests: array[int], found: Iterable[Point]) -> bool:
        wanted = array("q")
        for digest in sorted(digests):
            if digest not in self._without[key] and (not wanted or wanted[-1] != digest):
                wanted.append(digest)
        left, seen = len(wanted), bytearray(len(wanted))
        if not left:
            return True
        for point in found:
            digest = hash(point)
            at = bisect_left(wanted, digest)
            if at < len(wanted) and wanted[at] == digest and not seen[at]:
                seen[at] = 1
                left -= 1
                if not left:
                    return True
        return False


def _points(store: StoreClient, run: str, key: str) -> Iterator[Point]:
    """Yield the points of a metric that a store has."""
    if store.path is not None:
        yield from _of_file(store, run, key)
        return
    token = None
    while True:
        with store.calling(f"Run {run}") as client:
            # The client itself returns all pages at once.
            page = client._tracking_client.store.get_metric_history(
                run, key, max_results=_PAGE, page_token=token
            )
        yield from (_point(one.step, one.timestamp, one.value) for one in page)
        token = page.token
        if token is None:
            return


def _of_file(store: StoreClient, run: str, key: str) -> Iterator[Point]:
    query = "SELECT step, timestamp, value, is_nan FROM metrics WHERE run_uuid = ? AND key = ?"
    with closing(store.read_only()) as connection:
        try:
            for step, timestamp, value, is_nan in connection.execute(query, (run, key)):
                yield _point(step, timestamp, math.nan if is_nan else value)
        except sqlite3.Error as error:
            raise store.failure(str(error)) from error


def _point(step: int, timestamp: int, value: float) -> Point:
    if math.isnan(value):
        return step, timestamp, None
    return step, timestamp, min(max(value, -_MOST), _MOST)
