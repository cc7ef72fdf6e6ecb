"""What this process has used so far, read from the system; nothing here runs beside a training."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from ...processes import system

_PROC = Path("/proc")
_RAPL = Path("/sys/class/powercap")
#: macOS counts bytes, Linux kilobytes.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
#: A process with more of them than this has no use for an exact sum.
_MOST_CHILDREN = 256
#: Torch is asked itself; these are imported by nobody who does not use them.
_FRAMEWORKS = frozenset(["tensorflow", "jax", "cupy"])


def cpu_seconds() -> float:
    """Return the CPU time of this process and of all that it has started, alive or not."""
    times = os.times()
    total = times.user + times.system + times.children_user + times.children_system
    tick = os.sysconf("SC_CLK_TCK")
    for pid in _descendants():
        try:
            fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        # utime, stime, and those of its own children that have ended.
        total += sum(map(int, fields[11:15])) / tick
    return total


def peak_memory() -> int:
    """Return the most bytes of memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT


def memory() -> int:
    """Return the bytes of memory that this process and those that it has started hold."""
    return system.memory(os.getpid()) + sum(map(system.memory, _descendants()))


def gpu_peaks() -> dict[int, int]:
    """Return the most bytes that torch has held on each device so far; empty without torch."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    # Asking would start CUDA where the user has not.
    if cuda is None or not cuda.is_initialized():
        return {}
    peaks = {index: int(cuda.max_memory_allocated(index)) for index in range(cuda.device_count())}
    return {index: peak for index, peak in peaks.items() if peak}


def uses_gpu() -> bool:
    """Return whether this process can have given work to a GPU."""
    return bool(gpu_peaks()) or not _FRAMEWORKS.isdisjoint(sys.modules)


def busy_seconds() -> float | None:
    """Return the CPU time that all processes of this machine have used since it was started."""
    try:
        first = (_PROC / "stat").read_text().partition("\n")[0].split()
    except OSError:
        return None
    user, nice, kernel, _idle, _wait, irq, softirq, *_ = map(int, first[1:])
    return (user + nice + kernel + irq + softirq) / os.sysconf("SC_CLK_TCK")


def package_joules(root: Path = _RAPL) -> dict[str, tuple[float, float]]:
    """Return each processor's energy counter and where it starts again, in joules (Intel RAPL).

    Empty where there is none, or where only the administrator may read it, which is usual.
    """
    found = {}
    for package in sorted(root.glob("intel-rapl:[0-9]*")):
        if package.name.count(":") != 1:
            continue  # a part of a package, which is in it already
        try:
            used = int((package / "energy_uj").read_text())
            most = int((package / "max_energy_range_uj").read_text())
        except (OSError, ValueError):
            continue
        found[package.name] = (used / 1e6, most / 1e6)
    return found


def _descendants() -> list[int]:
    if not system.HAS_PROC:
        return []
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting and len(found) < _MOST_CHILDREN:
        children = system.children(waiting.pop())
        found += children
        waiting += children
    return found
