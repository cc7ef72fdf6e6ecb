"""Jobs as processes of this machine, each the leader of its own session."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

from ..identity import Identity
from . import JobProcess, Launch


class LocalProcess:
    """A process of this machine; of one that we did not start, the exit code stays unknown."""

    def __init__(self, identity: Identity, child: subprocess.Popen[bytes] | None) -> None:
        self._identity = identity
        self._child = child
        self._pidfd: int | None = None
        if hasattr(os, "pidfd_open"):
            # Gone already, or an old kernel (ENOSYS): then its end is found by asking.
            with suppress(OSError):
                self._pidfd = os.pidfd_open(identity.pid)

    @property
    def identity(self) -> Identity:
        """Who it is."""
        return self._identity

    def fileno(self) -> int | None:
        """Return the pidfd."""
        return self._pidfd

    def has_ended(self) -> bool:
        """Tell whether it is gone; its zombie is kept until :meth:`release`."""
        return not self._identity.is_alive

    def exit_code(self) -> int | None:
        """Return the exit code; negative is a signal. The zombie is gone after this."""
        return self._child.wait() if self._child else None

    def signal(self, number: int) -> None:
        """Send a signal to the process group, which the leader's pid names."""
        if self._identity.is_alive:
            with suppress(ProcessLookupError):
                os.killpg(self._identity.pid, number)

    def release(self) -> None:
        """Kill what is left of the group, then forget the process."""
        if self._child and self._child.returncode is None:
            # The zombie still holds the number of the group: it can be nobody else's.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._identity.pid, signal.SIGKILL)
        self.let_go()

    def let_go(self) -> None:
        """Close the pidfd."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


class LocalExecutor:
    """Starts jobs beside the server; they live on when it ends."""

    def start(self, launch: Launch) -> JobProcess:
        """Start a process in a session of its own, output to a file, no input."""
        child = subprocess.Popen(
            list(launch.command),
            cwd=launch.root_dir,
            env=dict(launch.environment),
            stdin=subprocess.DEVNULL,
            stdout=launch.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
        )
        identity = Identity.of(child.pid)
        if identity is None:  # over before we could look: its zombie still says who it was
            identity = Identity(pid=child.pid, started="", boot="", machine="")
        return LocalProcess(identity, child)

    def adopt(self, identity: Identity) -> JobProcess | None:
        """Return the process if it lives."""
        return LocalProcess(identity, None) if identity.is_alive else None
