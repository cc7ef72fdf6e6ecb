"""Looks after one child of the Jupyter server and ends all of it when the server ends.

Started as a script, in isolated mode and with the standard library only, as the leader of a
session: ``python -I runner.py SERVER_PID FOLDER COMMAND...``. Its standard input is a pipe that
the server holds open and never writes to, so it reads the end of it when the server is gone;
on Linux the kernel tells it, too (``PR_SET_PDEATHSIG``).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
#: Seconds between the request to end and the end by force.
GRACE = 5.0
#: Bytes of output that are kept, twice: the file being written and the one before.
KEPT_OUTPUT = 512 * 1024


class Runner:
    """One child and what it has started."""

    def __init__(self, server: int, folder: Path, command: list[str]) -> None:
        self._server = server
        self._folder = folder
        self._server_gone = False
        self._deadline: float | None = None
        self._exit_code = 0
        self._asked: set[int] = set()
        self._selector = selectors.DefaultSelector()
        self._wake = self._listen_to_signals()
        self._log = self._open_log()
        _adopt_and_follow()
        self._child = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self._child.stdout is not None
        self._output = self._child.stdout.fileno()
        os.set_blocking(self._output, False)
        self._selector.register(self._output, selectors.EVENT_READ)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        if os.getppid() != server:  # it ended before the kernel was asked to tell
            self._lose_server()

    def run(self) -> int:
        """Return the child's exit code when nothing that was started here is left."""
        while self._reap():
            wait = None if self._deadline is None else self._deadline - time.monotonic()
            if wait is not None and wait <= 0:
                _signal_children(signal.SIGKILL)
                wait = 0.05  # what they have started becomes ours and is killed next
            elif wait is not None:
                self._asked |= _signal_children(signal.SIGTERM, self._asked)
            for key, _ in self._selector.select(wait):
                if key.fd == self._wake:
                    self._take_signals()
                elif key.fd == self._output:
                    self._take_output()
                else:
                    self._lose_server()
        while self._take_output():
            pass
        if self._server_gone:
            shutil.rmtree(self._folder, ignore_errors=True)
        return self._exit_code

    def _listen_to_signals(self) -> int:
        read, write = os.pipe()
        os.set_blocking(read, False)
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        self._selector.register(read, selectors.EVENT_READ)
        return read

    def _take_signals(self) -> None:
        numbers = os.read(self._wake, 4096)
        if {signal.SIGTERM, signal.SIGINT} & set(numbers):
            self._end()
        # The kernel sends this when the thread ends that started us, too.
        if signal.SIGHUP in numbers and os.getppid() != self._server:
            self._lose_server()

    def _lose_server(self) -> None:
        self._server_gone = True
        with contextlib.suppress(KeyError):
            self._selector.unregister(sys.stdin.fileno())
        self._end()

    def _end(self) -> None:
        if self._deadline is None:
            self._deadline = time.monotonic() + GRACE
            os.killpg(0, signal.SIGTERM)

    def _reap(self) -> bool:
        """Take the ended ones; without the child itself the rest shall end, too."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._child.pid:
                self._exit_code = os.waitstatus_to_exitcode(status)
                self._end()

    def _open_log(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self._folder / "output.log", flags, 0o600)

    def _take_output(self) -> bool:
        """Keep a piece of the output; tell whether there may be more."""
        try:
            data = os.read(self._output, 65536)
        except BlockingIOError:
            return False
        if data:
            with contextlib.suppress(OSError):  # a full disk is no reason to end
                self._keep(data)
        elif self._output in self._selector.get_map():
            self._selector.unregister(self._output)
        return bool(data)

    def _keep(self, data: bytes) -> None:
        if os.fstat(self._log).st_size + len(data) > KEPT_OUTPUT:
            os.close(self._log)
            (self._folder / "output.log").replace(self._folder / "output.1.log")
            self._log = self._open_log()
        os.write(self._log, data)


def _adopt_and_follow() -> None:
    """Become parent of what our descendants leave behind; be told of the server's end."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGHUP), 0, 0, 0)


def _signal_children(number: int, but: Collection[int] = ()) -> set[int]:
    """Signal our children, whatever session they have moved to; their children become ours."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    if not children.exists():  # without /proc; the group was asked to end before
        if number == signal.SIGKILL:
            os.killpg(0, number)  # ourselves, too: nothing is left to look after
        return set()
    found = {int(pid) for pid in children.read_text().split()}
    for pid in found.difference(but):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)  # a child's number is kept until we reap it
    return found


def main() -> None:
    """Run what the command line says."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold what it was told
    server, folder, *command = sys.argv[1:]
    code = Runner(int(server), Path(folder), command).run()
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
