"""What is measured over sizes and places: memory, scaling, many chunks, object stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import cube, identity, many_chunks
from .measure import Setting, Taken, in_turn
from .plan import CASES, TASKS, Case
from .report import Row, row


@dataclass(frozen=True)
class Order:
    """What the command line asks for.

    Attributes
    ----------
    data : Path
        Where cubes are kept.
    size : Size
    rounds : int
    large : bool
        Whether the cube of 20 GB is wanted.
    """

    data: Path
    size: cube.Size
    rounds: int
    large: bool


_BATCHES = ("cells", "patches", "windows")
_SCALED = (*_BATCHES, "statistics", "linear")


def memory(order: Order) -> list[Row]:
    """Measure the peak memory of an epoch at 0.2, 2 and 20 GB."""
    rows = []
    for one in (cube.QUICK, cube.DEFAULT, *((cube.LARGE,) if order.large else ())):
        for task, taken in _ours(_BATCHES, one, order.data, 1).items():
            extra = TASKS[task].extra_mb
            assert extra is not None
            rows.append(
                row(
                    f"memory: {task}, {one.bytes / 1e9:.1f} GB",
                    taken.peak_mb,
                    "MB",
                    f"imports {taken.imports_mb:.0f} MB + shuffle buffer 268 MB + 100 MB allowed",
                    higher=False,
                    limit=taken.imports_mb + extra,
                )
            )
    return rows


def scaling(order: Order) -> list[Row]:
    """Measure the rates at the size and at four times it."""
    small = _ours(_SCALED, order.size, order.data, order.rounds)
    bigger = order.size.times(4)
    big = _ours(_SCALED, bigger, order.data, order.rounds)
    return [
        row(
            f"scaling: {task}, {bigger.bytes / 1e9:.1f} GB",
            bigger.bytes / 1e6 / big[task].whole,
            "MB/s of cube",
            f"median of {order.rounds}; 0.85 is wanted",
            peer=(
                f"ours at {order.size.bytes / 1e9:.1f} GB",
                order.size.bytes / 1e6 / small[task].whole,
            ),
        )
        for task in small
        if task in big
    ]


def metadata(order: Order) -> list[Row]:
    """Time the metadata-only identity of a store of 100,000 chunks."""
    case = Case("metadata", "ours", "many_chunks:identify", "ours")
    results, failed = in_turn([case], Setting(many_chunks.make(order.data), box=10), order.rounds)
    _say(failed)
    return [
        row(
            "metadata: identity of a store of 100,000 chunks",
            taken.seconds,
            "s",
            f"median of {order.rounds}",
            higher=False,
            limit=2.0,
        )
        for taken in results.values()
    ]


_STORED_MB, _HASHING = (200, 500, 2000), ("ours", "read", "hash_alone")


def stores(order: Order) -> list[Row]:
    """Hash stores of several sizes that lie in the page cache, each in a fresh process.

    The peer is reading alone by one thread, the limit hashing alone by two.
    """
    cases = [Case("stores", name, f"identity:{name}", "ours") for name in _HASHING]
    rows = []
    for megabytes in _STORED_MB:
        setting = Setting(identity.make(order.data, megabytes), box=10)
        results, failed = in_turn(cases, setting, order.rounds)
        _say(failed)
        if len(results) < len(cases):
            continue
        for unit, figure in (("MB/s of store", "whole"), ("MB per CPU-s", "whole_cpu")):
            rates = [megabytes / getattr(results[case], figure) for case in cases]
            rows.append(
                row(
                    f"stores: fingerprint of {megabytes} MB, page cache",
                    rates[0],
                    unit,
                    f"fresh process, median of {order.rounds}",
                    peer=("reading alone, one thread", rates[1]),
                    limit=rates[2],
                )
            )
    return rows


def s3(order: Order) -> list[Row]:
    """Read from an object store with and without 30 ms of latency."""
    near, far = (
        Case("s3", name, f"object_store:{name}", "ours", needs=("s3fs",))
        for name in ("near", "far")
    )
    setting = Setting(cube.make(order.size, order.data), box=10)
    results, failed = in_turn([near, far], setting, order.rounds)
    _say(failed)
    if near not in results or far not in results:
        return []
    rates = {case: order.size.bytes / 1e6 / taken.whole for case, taken in results.items()}
    return [
        row(
            "s3: read with 30 ms of latency",
            rates[far],
            "MB/s of cube",
            f"stand-in on this machine, {order.size.bytes / 1e9:.1f} GB, median of {order.rounds}; "
            "0.80 is wanted",
            peer=("ours without latency", rates[near]),
        )
    ]


EXTRAS: dict[str, Callable[[Order], list[Row]]] = {
    "memory": memory,
    "scaling": scaling,
    "metadata": metadata,
    "stores": stores,
    "s3": s3,
}


def _ours(tasks: tuple[str, ...], size: cube.Size, data: Path, rounds: int) -> dict[str, Taken]:
    cases = [case for case in CASES if case.who == "ours" and case.task in tasks]
    results, failed = in_turn(cases, Setting(cube.make(size, data), box=10), rounds)
    _say(failed)
    return {case.task: taken for case, taken in results.items()}


def _say(failed: dict[Case, str]) -> None:
    for case, why in failed.items():
        print(f"  {case.task}, {case.name}: {why}")
