"""Jobs as processes of this machine, each below a runner of its own."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from ...paths import ENV_JOB_ID, ENV_JOB_NONCE
from ...processes import system
from ...processes.identity import Identity, boot_id, machine_id, processes_of
from .. import runner
from ..environment import child_environment
from . import Executor, JobProcess, Launch

_RUNNER = Path(runner.__file__).parent / "__main__.py"


class LocalProcess:
    """The runner of a job, and through it all that the job has started.

    Of one that we did not start, the exit code stays unknown: ``exit.json`` has it.
    """

    def __init__(self, identity: Identity, child: subprocess.Popen[bytes] | None) -> None:
        self._identity = identity
        self._child = child
        # None: gone already, or a system without pidfds; then its end is found by asking.
        self._pidfd = system.hold(identity.pid)

    @property
    def identity(self) -> Identity:
        """Who it is."""
        return self._identity

    def fileno(self) -> int | None:
        """Return the pidfd."""
        return self._pidfd

    def has_ended(self) -> bool:
        """Tell whether it is gone; its zombie is kept until :meth:`release`."""
        if self._pidfd is None:
            return not self._identity.is_alive
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(0))

    def exit_code(self) -> int | None:
        """Return the exit code; negative is a signal. The zombie is gone after this."""
        return self._child.wait() if self._child else None

    def ask_to_end(self) -> None:
        """Send TERM to the runner, which ends all of the job and kills it after the grace."""
        self._identity.signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill what the job has started; if nothing of that is left, the runner."""
        if not _kill_all(self._identity.nonce, spared=self._identity.pid):
            self._identity.signal(signal.SIGKILL)

    def release(self) -> None:
        """Kill what a runner that was killed has left, then forget the process."""
        _kill_all(self._identity.nonce)
        self.let_go()

    def let_go(self) -> None:
        """Close the pidfd."""
        if self._child is not None and self._child.poll() is None:
            self._child.returncode = 0  # it lives on, and is not to be warned of
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


class LocalExecutor(Executor):
    """Starts jobs beside the server; they live on when it ends.

    What a job holds of memory is watched by its runner, several times a second, over all of its
    processes. A control group would be a wall instead of a watch, but it can be had only where
    the system's owner has delegated one, which neither laptops nor hub containers do as a rule;
    and a limit of the process (``RLIMIT_AS``) counts address space, of which GPU libraries and
    mapped files take many times what they use, and knows no children.
    """

    def start(self, launch: Launch) -> JobProcess:
        """Start the runner in a session of its own, and tell it what to run."""
        order = {
            "command": list(launch.command),
            "environment": dict(launch.environment),
            "directory": str(launch.root_dir),
            "nonce": launch.nonce,
            "grace": launch.grace,
            "timeout": launch.timeout,
            "memory": launch.memory,
        }
        marks = {ENV_JOB_ID: launch.job_id, ENV_JOB_NONCE: launch.nonce}
        # A file without a name: the environment is written into no folder and no argument.
        with (
            tempfile.TemporaryFile(dir=launch.folder) as told,
            os.fdopen(_private_file(launch.folder / "runner.log"), "wb") as log,
        ):
            told.write(json.dumps(order).encode())
            told.seek(0)
            child = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_RUNNER), str(launch.folder)],
                cwd=launch.folder,
                env=child_environment(marks),
                stdin=told,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        identity = Identity.of(child.pid, launch.nonce)
        if identity is None:  # over before we could look: exit.json says how
            identity = Identity(child.pid, "", boot_id(), machine_id(), launch.nonce)
        return LocalProcess(identity, child)

    def adopt(self, identity: Identity) -> JobProcess | None:
        """Return the process if it lives; else end what it has left."""
        process = LocalProcess(identity, None)
        if identity.is_alive:  # asked while a pidfd holds it
            return process
        process.release()
        return None

    def find(self, nonce: str) -> Identity | None:
        """Return the runner: of all processes of the job the one that the others come from."""
        found = processes_of(nonce)
        above = [pid for pid in found if system.parent(pid) not in found]
        return Identity.of(above[0], nonce) if above else None


def _kill_all(nonce: str, spared: int | None = None) -> int:
    """Kill the processes of an attempt and return how many there were."""
    if not nonce:
        return 0
    found = [pid for pid in processes_of(nonce) if pid != spared]
    for pid in found:
        identity = Identity.of(pid, nonce)
        if identity is not None:
            identity.signal(signal.SIGKILL)
    return len(found)


def _private_file(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
