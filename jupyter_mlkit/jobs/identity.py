"""Who a process is: a pid alone is given to somebody else sooner or later."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from pathlib import Path

from msgspec import Struct


class Identity(Struct, frozen=True):
    """A process, recognisable after a restart of the server or the machine.

    Attributes
    ----------
    pid : int
    started : str
        When it started, as the kernel tells it (clock ticks since boot on Linux).
    boot : str
        Boot id of the kernel: after a reboot nobody of before is alive.
    machine : str
        Of another machine nothing can be said from here.
    """

    pid: int
    started: str
    boot: str
    machine: str

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """Return who has `pid` now; None if nobody, or only a zombie."""
        started = _start_time(pid)
        if started is None:
            return None
        return cls(pid=pid, started=started, boot=boot_id(), machine=machine_id())

    @property
    def is_here(self) -> bool:
        """Whether it is of this machine, so that its life can be judged."""
        return self.machine == machine_id()

    @property
    def is_alive(self) -> bool:
        """Whether that very process runs; only meaningful where :attr:`is_here`."""
        return self.boot == boot_id() and _start_time(self.pid) == self.started


@functools.cache
def boot_id() -> str:
    """Return what changes with every boot of this machine."""
    linux = Path("/proc/sys/kernel/random/boot_id")
    if linux.exists():
        return linux.read_text().strip()
    told = subprocess.run(["sysctl", "-n", "kern.boottime"], capture_output=True, text=True)
    return told.stdout.strip() or "unknown"


@functools.cache
def machine_id() -> str:
    """Return what tells machines apart that share a home directory."""
    file = Path("/etc/machine-id")
    known = file.read_text().strip() if file.exists() else ""
    return f"{platform.node()}:{known}"


def _start_time(pid: int) -> str | None:
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # The name in parentheses may hold anything, so fields are counted behind it.
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, start_ticks = fields[0], fields[19]
        return None if state in "ZX" else start_ticks
    told = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True
    )
    state, _, start = told.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else start.strip()


def find_job_process(marker: str) -> Identity | None:
    """Return the session leader in whose environment `marker` (``NAME=value``) stands.

    A server may die after it started a job and before it wrote down who that is.
    Returns None where the system does not show environments.
    """
    wanted = marker.encode()
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        try:
            entries = (folder / "environ").read_bytes().split(b"\0")
            leads = os.getsid(pid) == pid
        except (OSError, ProcessLookupError):  # gone, or somebody else's
            continue
        if leads and wanted in entries:
            return Identity.of(pid)
    return None
