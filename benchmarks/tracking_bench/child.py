"""One tracker in a process of its own, perhaps in another environment; a line of JSON tells all."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1])  # is a script, in any environment

from tracking_bench.order import Order  # noqa: E402

#: Calls that are not timed.
FIRST = 20


def calls(tracker: Any, order: Order) -> dict[str, float]:
    """Time single calls: the first ones, of which one may set things up, are left out.

    ``own_max`` leaves out calls in which the system gave the core to another process.
    """
    clock = time.perf_counter_ns
    with tracker(order) as call:
        for step in range(FIRST):
            call(step / 7, step)
        taken, own, began = [], 0, clock()
        switches = _switches()
        for step in range(FIRST, FIRST + order.most):
            before = clock()
            call(step / 7, step)
            after = clock()
            taken.append(after - before)
            now = _switches()
            if now == switches:
                own = max(own, after - before)
            switches = now
            if after - began > order.seconds * 1e9:
                break
    taken.sort()
    return {
        "calls": len(taken),
        "p50": taken[len(taken) // 2] / 1e3,
        "p99": taken[int(len(taken) * 0.99)] / 1e3,
        "max": taken[-1] / 1e3,
        "own_max": own / 1e3,
        "mean": sum(taken) / len(taken) / 1e3,
    }


def _switches() -> int:
    """Return how often this thread has lost its core to another."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw


def until_killed(tracker: Any, order: Order) -> dict[str, float]:
    """Log a value each millisecond; acknowledge each call that has returned in a file."""
    with tracker(order) as call:
        file = os.open(order.folder / "told", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        for step in range(order.most):
            call(step / 7, step)
            os.write(file, b".")
            time.sleep(0.001)
    return {}


def found(finder: Any, order: Order) -> dict[str, float]:
    """Count what is left."""
    return {"found": finder(order.folder)}


ACTIONS = {"calls": calls, "until_killed": until_killed, "found": found}


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=[*ACTIONS])
    parser.add_argument("tracker", help="module:function")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--uri", default="")
    parser.add_argument("--most", type=int, default=10**9)
    parser.add_argument("--seconds", type=float, default=1e9)
    told = parser.parse_args()
    module, name = told.tracker.split(":")
    tracker = getattr(import_module(f"tracking_bench.{module}"), name)
    order = Order(told.folder, told.uri, told.most, told.seconds)
    result = ACTIONS[told.action](tracker, order)
    print("RESULT " + json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
