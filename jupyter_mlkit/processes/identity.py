"""Who a process is: a pid alone is given to somebody else sooner or later."""

from __future__ import annotations

import functools
import hashlib
import platform
import subprocess
from pathlib import Path

from msgspec import Struct

from ..paths import ENV_JOB_NONCE
from . import system


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
    nonce : str
        What a job was given in its environment and nobody else has; empty for a server.
    """

    pid: int
    started: str
    boot: str
    machine: str
    nonce: str = ""

    @classmethod
    def of(cls, pid: int, nonce: str = "") -> Identity | None:
        """Return who has `pid` now; None if nobody, or only a zombie."""
        started = system.start_time(pid)
        if started is None:
            return None
        return cls(pid, started, boot_id(), machine_id(), nonce)

    @property
    def is_here(self) -> bool:
        """Whether it is of this machine, so that its life can be judged."""
        return self.machine == machine_id()

    @property
    def is_alive(self) -> bool:
        """Whether that very process runs; only meaningful where :attr:`is_here`."""
        return (
            self.boot == boot_id()
            and system.start_time(self.pid) == self.started
            and (not self.nonce or has_nonce(self.pid, self.nonce))
        )

    def signal(self, number: int) -> bool:
        """Send a signal to this process and nobody else; return whether it was sent."""
        return system.signal_if(self.pid, number, lambda _: self.is_alive)


def has_nonce(pid: int, nonce: str) -> bool:
    """Tell whether a process was started for that attempt of a job.

    Where the system shows no environments, pid and start time have to do.
    """
    return system.has_variable(pid, f"{ENV_JOB_NONCE}={nonce}") is not False


def processes_of(nonce: str) -> list[int]:
    """Return all processes that were started for that attempt of a job.

    Empty where the system shows no environments.
    """
    variable = f"{ENV_JOB_NONCE}={nonce}"
    return [pid for pid in system.pids() if system.has_variable(pid, variable)]


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


@functools.cache
def machine_name() -> str:
    """Return a name of this machine that others may read: the ids of machines are kept private."""
    digest = hashlib.sha256(machine_id().encode()).hexdigest()[:8]
    # A name of a machine has no blanks, but nothing keeps somebody from giving it one.
    return f"{platform.node().replace(' ', '-') or 'machine'}-{digest}"
