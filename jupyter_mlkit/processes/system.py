"""What the kernel says of processes, and signals that can only reach the process that was meant.

Standard library only: the runner of a job imports this without any installed package.
"""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

_PROC = Path("/proc")
HAS_PROC = (_PROC / "self" / "stat").exists()
#: What a kernel or a sandbox without pidfds says.
_NO_PIDFD = (errno.ENOSYS, errno.EPERM, errno.EINVAL)


def pids() -> Iterator[int]:
    """Yield all processes that the system shows."""
    if HAS_PROC:
        yield from (int(entry.name) for entry in os.scandir(_PROC) if entry.name.isdigit())
        return
    told = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, check=False)
    yield from map(int, told.stdout.split())


def start_time(pid: int) -> str | None:
    """Return when a process has started, as the kernel tells it; None for nobody or a zombie.

    Clock ticks since boot on Linux, a date elsewhere.
    """
    if HAS_PROC:
        fields = _stat(pid)
        return None if fields is None or fields[0] in "ZX" else fields[19]
    told = _ps(pid, "stat=,lstart=")
    state, _, start = told.partition(" ")
    return None if not state or state.startswith("Z") else start.strip()


def parent(pid: int) -> int | None:
    """Return who has started a process, or has inherited it; None for nobody."""
    if HAS_PROC:
        fields = _stat(pid)
        return None if fields is None else int(fields[1])
    told = _ps(pid, "ppid=")
    return int(told) if told else None


def has_variable(pid: int, variable: str) -> bool | None:
    """Tell whether a process was started with ``NAME=value``; None where no system tells."""
    if not HAS_PROC:
        return None
    try:
        return variable.encode() in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:  # gone, or of another user: not the one that was started here
        return False


def children(pid: int) -> list[int]:
    """Return the processes that a process has started or inherited."""
    threads = _PROC / str(pid) / "task"
    found: list[int] = []
    try:
        for thread in os.scandir(threads):
            found += map(int, Path(thread.path, "children").read_text().split())
    except FileNotFoundError:
        if not HAS_PROC or (threads / str(pid)).exists():  # a kernel that keeps no such list
            return [other for other in pids() if parent(other) == pid]
    except (ProcessLookupError, PermissionError):
        return []
    return found


def memory(pid: int) -> int:
    """Return the bytes of memory that a process holds, shared pages in full."""
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def own_memory(pid: int) -> int:
    """Return the bytes of memory of a process, with its share of what it shares (PSS) and swap.

    Dearer than :func:`memory`: the kernel walks all pages.
    """
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return memory(pid)
    lines = [line.split() for line in text.splitlines()]
    return sum(int(line[1]) * 1024 for line in lines if line[0] in ("Pss:", "SwapPss:"))


def signal_if(pid: int, number: int, is_meant: Callable[[int], bool]) -> bool:
    """Send a signal to `pid` if it is who is meant; return whether it was sent.

    The question is asked once a pidfd holds the process: whoever gets the number after that
    gets no signal.
    """
    held = hold(pid)
    try:
        return is_meant(pid) and send(held, pid, number)
    finally:
        if held is not None:
            os.close(held)


def hold(pid: int) -> int | None:
    """Return a pidfd; None where the process is gone or the system has none."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in (errno.ESRCH, *_NO_PIDFD):
            return None
        raise


def send(held: int | None, pid: int, number: int) -> bool:
    """Send a signal by pidfd; by number only where the system has no pidfds."""
    import signal

    with contextlib.suppress(ProcessLookupError, PermissionError):
        if held is not None:
            signal.pidfd_send_signal(held, number)
            return True
        if not has_pidfds():
            os.kill(pid, number)
            return True
    return False


def has_pidfds() -> bool:
    """Tell whether this system has pidfds (Linux 5.3 or later)."""
    own = hold(os.getpid())
    if own is None:
        return False
    os.close(own)
    return True


def _stat(pid: int) -> list[str] | None:
    try:
        # The name in parentheses may hold anything, so fields are counted behind it.
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _ps(pid: int, columns: str) -> str:
    told = subprocess.run(
        ["ps", "-o", columns, "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return told.stdout.strip()
