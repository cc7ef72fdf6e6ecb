"""One implementation, once, in a process of its own: time, CPU, memory, as a line of JSON.

Runs in foreign interpreters too, so it needs the standard library and nothing else.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from importlib import import_module
from pathlib import Path


class Run:
    """What an implementation is told, and whom it tells.

    Attributes
    ----------
    path : Path
        The cube.
    scratch : Path
        An empty folder.
    box : float
        Seconds after which an implementation that is far too slow may stop and say what share
        of the whole it has done.
    """

    def __init__(self, path: Path, scratch: Path, box: float) -> None:
        self.path, self.scratch, self.box = path, scratch, box
        self._first: float | None = None
        self._told: dict[str, object] = {}

    def start(self) -> None:
        """Start the clock: all imports are done."""
        self._told["imports_mb"] = peak_mb()
        self._cpu = _cpu()
        self._began = time.perf_counter()

    def first(self) -> None:
        """Tell that the first batch (or result) is there; later calls change nothing."""
        if self._first is None:
            self._first = time.perf_counter() - self._began

    @property
    def over(self) -> bool:
        """Whether the box is full."""
        return time.perf_counter() - self._began > self.box

    def finish(self, samples: int = 0, share: float = 1.0, **told: object) -> None:
        """Stop the clock; `share` of the whole work was done."""
        self._told |= {
            "seconds": time.perf_counter() - self._began,
            "cpu": _cpu() - self._cpu,
            "first": self._first,
            "samples": samples,
            "share": share,
            "peak_mb": peak_mb() + _children_mb(),
            **told,
        }

    @property
    def told(self) -> dict[str, object]:
        """What was measured."""
        return self._told


def peak_mb() -> float:
    """Return the most memory this process ever held, MB (1e6 bytes).

    From VmHWM: ``ru_maxrss`` would begin with the memory of the process that started us.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _children_mb() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6


def _cpu() -> float:
    own, theirs = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + theirs.ru_utime + theirs.ru_stime


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("implementation", help="module:function within cube_bench")
    parser.add_argument("path", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--box", type=float, default=10.0)
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent.parent))
    module, function = options.implementation.split(":")
    run = Run(options.path, options.scratch, options.box)
    getattr(import_module(f"cube_bench.{module}"), function)(run)
    print("RESULT " + json.dumps(run.told), flush=True)


if __name__ == "__main__":
    main()
