"""One helper process in a kernel's environment: JSON lines in, JSON lines out."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import Struct

from ..errors import BackendTimeoutError, InvalidInputError, KernelError, MLKitError
from ..models import ErrorBody

log = logging.getLogger(__name__)

#: Longest answer; a preview holds a picture.
MAX_ANSWER = 32 * 1024 * 1024
_STDERR_LINES = 200


class _Answer(Struct):
    id: int
    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: ErrorBody | None = None


class ProbeGoneError(KernelError):
    """The helper process ended instead of answering."""

    code = "kernel_broken"


class Probe:
    """A helper process that answers one question at a time.

    Parameters
    ----------
    command : sequence of str
        Starts the process.
    environment : mapping
    root_dir : Path
        Its working directory, so that relative paths mean what they mean in the file browser.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], root_dir: Path
    ) -> None:
        self.used = time.monotonic()
        self._lock = threading.Lock()
        self._number = 0
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        try:
            self._process = subprocess.Popen(
                list(command),
                cwd=root_dir,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise ProbeGoneError(
                f"{command[0]} could not be started: {error.strerror}.",
                hint="Check the kernelspec.",
                field="kernelspec",
            ) from error
        self._readers = [
            self._read_in_thread(self._read_answers, self._process.stdout),
            self._read_in_thread(self._read_stderr, self._process.stderr),
        ]

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    @property
    def is_busy(self) -> bool:
        """Whether it is answering somebody."""
        return self._lock.locked()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def stderr(self) -> str:
        """The end of what it has written to standard error."""
        return "\n".join(self._stderr)

    def ask(self, op: str, args: Mapping[str, Any], timeout: float) -> msgspec.Raw:
        """Return the answer to one question, still as JSON.

        Raises
        ------
        MLKitError
            What the helper says is wrong.
        BackendTimeoutError
            No answer in time; the process has been killed, for it answers nobody any more.
        ProbeGoneError
            The process has ended.
        """
        deadline = time.monotonic() + timeout
        if not self._lock.acquire(timeout=timeout):
            raise _too_slow(op, timeout)
        try:
            self._number += 1
            self._send({"id": self._number, "op": op, "args": dict(args)})
            return self._receive(self._number, op, deadline, timeout)
        finally:
            self.used = time.monotonic()
            self._lock.release()

    def close(self, timeout: float = 2.0) -> None:
        """End the process: by closing its input, then by TERM, then by KILL."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        for number in (None, signal.SIGTERM):
            if number is not None:
                self._signal(number)
            try:
                self._process.wait(timeout / 2)
                break
            except subprocess.TimeoutExpired:
                continue
        self.kill()

    def kill(self) -> None:
        """End the process and what it has started, now."""
        if self._process.returncode is None:
            self._signal(signal.SIGKILL)
            self._process.wait()
        for reader in self._readers:
            reader.join(timeout=1)  # a grandchild may hold the pipe open
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _send(self, question: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(question) + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):  # closed on its side, or on ours
            raise self._gone() from None

    def _receive(self, number: int, op: str, deadline: float, timeout: float) -> msgspec.Raw:
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                self.kill()
                raise _too_slow(op, timeout) from None
            if line is None:
                raise self._gone()
            try:
                answer = msgspec.json.decode(line, type=_Answer)
            except msgspec.DecodeError as error:
                self.kill()
                raise ProbeGoneError(
                    f"The helper process does not speak our language: {error}.",
                    hint="Install the same jupyter_mlkit there as in the server.",
                ) from None
            if answer.id != number:
                continue
            if answer.ok:
                return answer.result
            raise self._told_error(op, answer.error)

    def _told_error(self, op: str, body: ErrorBody | None) -> MLKitError:
        """Return what the helper says is wrong; of what it did not foresee, the log has all."""
        if body is None or body.code == "internal_error":
            log.error(
                "The helper process failed at '%s': %s\n%s",
                op,
                body.message if body else "it did not say why",
                self.stderr,
            )
            return MLKitError(
                "Something went wrong in the helper process of the kernel.",
                hint="The server's log says more.",
            )
        return InvalidInputError(body.message, hint=body.hint, code=body.code, field=body.field)

    def _gone(self) -> ProbeGoneError:
        self.kill()
        tail = "\n".join(list(self._stderr)[-5:])
        return ProbeGoneError(
            f"The helper process ended (exit code {self._process.returncode})."
            + (f" Its last words:\n{tail}" if tail else ""),
            hint="Try that interpreter in a terminal.",
        )

    def _read_in_thread(self, read: Any, pipe: IO[bytes] | None) -> threading.Thread:
        thread = threading.Thread(
            target=read, args=(pipe,), name="jupyter-mlkit-probe", daemon=True
        )
        thread.start()
        return thread

    def _read_answers(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):  # closed while we read
            while line := pipe.readline(MAX_ANSWER):
                self._lines.put(line)
        self._lines.put(None)

    def _read_stderr(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while line := pipe.readline(4096):
                self._stderr.append(line.decode(errors="replace").rstrip())


def _too_slow(op: str, timeout: float) -> BackendTimeoutError:
    return BackendTimeoutError(
        f"The kernel's environment did not answer '{op}' within {timeout:g} s.",
        hint="A large or remote cube may need longer: raise MLKitApp.probe_timeout, "
        "or take a smaller region.",
    )
