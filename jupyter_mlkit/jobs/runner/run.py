"""One job from its start to ``exit.json``."""

from __future__ import annotations

import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..output import OutputWriter
from . import family

#: Seconds between two looks at the memory of a job, with a limit and without.
_LOOK_EVERY, _LOOK_AT_LEAST = 0.25, 1.0
#: Seconds to wait for output that is still on its way when all processes are gone.
_LAST_WORDS = 1.0


@dataclass(frozen=True)
class Order:
    """What is to be run, and how much it may take."""

    command: list[str]
    environment: dict[str, str]
    directory: str
    nonce: str
    grace: float
    timeout: float | None
    memory: int | None


class Run:
    """One job.

    Parameters
    ----------
    folder : Path
        For output and ``exit.json``.
    order : Order
    """

    def __init__(self, folder: Path, order: Order) -> None:
        self._folder, self._order = folder, order
        self._output = OutputWriter(folder)
        self._selector = selectors.DefaultSelector()
        self._started = time.time()
        self._clock = time.monotonic()
        self._child: subprocess.Popen[bytes] | None = None
        self._status: int | None = None
        self._reason: str | None = None
        self._asked: int | None = None
        self._kill_at: float | None = None
        self._peak = 0
        self._look_at = 0.0
        self._wake, waker = os.pipe()
        for end in (self._wake, waker):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)  # SIG_IGN would be inherited by the job
        self._selector.register(self._wake, selectors.EVENT_READ)

    def go(self) -> int:
        """Run to the end and return the job's exit code."""
        family.inherit_orphans()
        pipe, child_end = os.pipe()
        os.set_blocking(pipe, False)
        try:
            self._child = subprocess.Popen(
                self._order.command,
                cwd=self._order.directory,
                env=self._order.environment,
                stdin=subprocess.DEVNULL,
                stdout=child_end,
                stderr=child_end,
                start_new_session=True,
                preexec_fn=family.dies_with_parent(),
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL byte
            self._write_down(error)
            return 127
        finally:
            os.close(child_end)
        family.prefer_for_oom(self._child.pid)
        self._selector.register(pipe, selectors.EVENT_READ)
        while self._status is None:
            self._turn(pipe)
        family.kill_all(self._reap)
        self._last_words(pipe)
        self._write_down(None)
        return os.waitstatus_to_exitcode(self._status)

    # --------------------------------------------------------------------------- while it runs

    def _turn(self, pipe: int) -> None:
        ready = {key.fd for key, _ in self._selector.select(self._pause())}
        if pipe in ready:
            self._take_output(pipe)
        if self._wake in ready:
            for number in os.read(self._wake, 64):
                if number != signal.SIGCHLD:
                    self._end("signal", number)
        self._reap()
        if self._status is not None:
            return
        self._look_at_memory()
        lasted = time.monotonic() - self._clock
        if self._order.timeout is not None and lasted > self._order.timeout:
            self._end("timeout", signal.SIGTERM)
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            family.kill_all(self._reap)

    def _pause(self) -> float:
        times = [self._look_at]
        if self._kill_at is not None:
            times.append(self._kill_at)
        elif self._order.timeout is not None:
            times.append(self._clock + self._order.timeout)
        return max(0.0, min(times) - time.monotonic())

    def _end(self, reason: str, number: int) -> None:
        """Ask all of the job to end; by force after the grace. The first reason counts."""
        if self._kill_at is not None:
            return
        self._reason, self._asked = reason, number
        self._kill_at = time.monotonic() + self._order.grace
        if reason == "timeout":
            self._note(f"stopped: it ran longer than {self._order.timeout:g} s")
        family.signal_all(number)

    def _look_at_memory(self) -> None:
        if time.monotonic() < self._look_at:
            return
        every = _LOOK_EVERY if self._order.memory is not None else _LOOK_AT_LEAST
        self._look_at = time.monotonic() + every
        held, too_much = family.memory_above(self._order.memory)
        self._peak = max(self._peak, held)
        if too_much:
            # At once: who asks first waits for a training that goes on allocating.
            self._reason = self._reason or "memory"
            self._note(f"killed: it held {held} bytes of memory, {self._order.memory} are allowed")
            family.kill_all(self._reap)

    def _reap(self) -> bool:
        """Collect the dead; return whether any process is left."""
        assert self._child is not None
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._child.pid:
                self._status = status
                self._child.returncode = os.waitstatus_to_exitcode(status)

    # ------------------------------------------------------------------------------- its output

    def _take_output(self, pipe: int) -> bool:
        """Keep what was written; return whether more may come."""
        try:
            data = os.read(pipe, 1 << 20)
        except BlockingIOError:
            return True
        self._output.write(data)
        if not data:
            self._selector.unregister(pipe)
        return bool(data)

    def _last_words(self, pipe: int) -> None:
        deadline = time.monotonic() + _LAST_WORDS
        while pipe in self._selector.get_map() and time.monotonic() < deadline:
            if any(key.fd == pipe for key, _ in self._selector.select(_LAST_WORDS)):
                self._take_output(pipe)
            else:
                return

    def _note(self, text: str) -> None:
        self._output.write(f"\n[jupyter_mlkit] {text}\n".encode())

    # ---------------------------------------------------------------------------------- its end

    def _write_down(self, error: Exception | None) -> None:
        code = None if self._status is None else os.waitstatus_to_exitcode(self._status)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        end: dict[str, Any] = {
            "nonce": self._order.nonce,
            "code": code if code is None or code >= 0 else None,
            "signal": -code if code is not None and code < 0 else None,
            "reason": "not_started" if error else self._reason,
            "asked": self._asked,
            "problem": None if error is None else str(error),
            "ended": time.time_ns() // 1_000_000,
            "usage": {
                "wall_seconds": time.time() - self._started,
                "cpu_seconds": used.ru_utime + used.ru_stime,
                # Between two looks a job may have held more; the largest process is known.
                "peak_memory": max(self._peak, used.ru_maxrss * _MAXRSS_UNIT),
                "output_lost": self._output.lost,
            },
        }
        content = json.dumps(end).encode()
        try:
            _replace(self._folder / "exit.json", content)
        except OSError:
            self._output.drop()  # a full disk: how it ended matters more than what it said
            _replace(self._folder / "exit.json", content)
        self._output.close()


#: Linux counts in KiB, macOS in bytes.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def _replace(path: Path, content: bytes) -> None:
    """Replace `path`, on the disk for good once this returns."""
    part = path.with_name(f".{path.name}")
    target = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(target, content)
        os.fsync(target)
    finally:
        os.close(target)
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def main(folder: Path) -> int:
    """Run what standard input says."""
    order = Order(**json.load(sys.stdin))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)  # the order holds the environment: nobody else is to read it
    os.close(null)
    code = Run(folder, order).go()
    return code if code >= 0 else 128 - code
