"""The process that gathers beside a training."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading

import msgspec

from ..drainer.environment import handed_on
from .asking import asking, tell_end
from .gatherer import Reply, Request

#: More than git and a driver take together; other runs of this process wait as long.
_ANSWER_S = 60.0


class Beside:
    """A process that gathers, and goes on though this one is killed.

    Parameters
    ----------
    request : Request

    Raises
    ------
    OSError
        There can be no process.
    ValueError
        The request cannot be written down, as a folder's name is no text.
    """

    def __init__(self, request: Request) -> None:
        self._lock = threading.Lock()
        self._asked = asking(msgspec.msgpack.encode(request))
        try:
            self._child = subprocess.Popen(
                # Nothing of the folder that the training runs in is to be imported instead.
                [sys.executable, "-P", "-W", "ignore", "-m", "jupyter_mlkit.tracking.provenance"],
                stdin=self._asked,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                # It outlives a job: what ends all processes of that is not to end it.
                env=handed_on(),
            )
        except OSError:
            self._asked.close()
            raise

    def keep_no_notebook(self) -> None:
        """Have it write no notebook from now on, as there is a later one."""
        with self._lock:
            if not self._asked.closed:
                tell_end(self._asked)

    def told(self) -> Reply | None:
        """Wait for what it has found; return None where it has ended without a word."""
        try:
            # The interpreter's lock is released while the pipe is waited for.
            told, _ = self._child.communicate(timeout=_ANSWER_S)
        except subprocess.TimeoutExpired:
            self._end()
            why = f"the process that gathers did not answer within {_ANSWER_S:.0f} seconds"
            return Reply(troubles=[why])
        finally:
            with self._lock:
                self._asked.close()
        try:
            return msgspec.msgpack.decode(told, type=Reply)
        except msgspec.MsgspecError:
            return None

    def _end(self) -> None:
        self._child.kill()
        if self._child.stdout is not None:
            self._child.stdout.close()
        # One that a dead network folder holds does not even die.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(1)
