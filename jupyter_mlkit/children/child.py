"""One running child: started, proven to be ours, connected to, ended."""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..errors import BackendError, BackendTimeoutError
from . import runner
from .environment import clean_environment
from .folder import make_private
from .kind import Address, Kind
from .leftovers import Owner
from .peer import ENV_NONCE, ImpostorError, connect, listener, prove

#: Seconds between two looks at a child that is not ready yet.
_LOOK_EVERY = 0.05
#: Seconds that a child's first answer may take.
_FIRST_ANSWER = 30.0


class ChildError(BackendError):
    """A child could not be started, or has ended."""

    code = "child_failed"


class Child:
    """A program that serves HTTP on a unix socket of its own, for this server only.

    Parameters
    ----------
    kind : Kind
    folder : Path
        The private folder of sockets; the child gets a new folder below.
    """

    def __init__(self, kind: Kind, folder: Path) -> None:
        self.kind = kind
        self.started = time.time()
        self._used = time.monotonic()
        self._nonce = secrets.token_hex(16)
        # A name that nobody can know before, in a folder that nobody else can enter.
        self._folder = make_private(folder) / secrets.token_hex(8)
        self.address = Address(self._folder / "s", f"{self._nonce[:16]}.mlkit.invalid")
        self._listener: int | None = None
        self._lock = threading.Lock()
        self._requests = 0
        self._runner = self._spawn()

    # -------------------------------------------------------------------------------- start

    def _spawn(self) -> subprocess.Popen[bytes]:
        try:
            self._folder.mkdir(mode=0o700)
            owner = Owner.here(self._nonce, self.kind.name)
            (self._folder / Owner.FILE).write_bytes(msgspec.json.encode(owner))
            return subprocess.Popen(
                [
                    *(sys.executable, "-I", runner.__file__),
                    *(str(os.getpid()), str(self._folder), *self.kind.command(self.address)),
                ],
                env=clean_environment(
                    {**self.kind.environment(self.address), ENV_NONCE: self._nonce},
                    storage=self.kind.storage,
                ),
                stdin=subprocess.PIPE,  # never written to: its end tells that we are gone
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise ChildError(
                f"{self.kind.title} could not be started: {error.strerror}: {error.filename}."
            ) from error

    def wait_until_ready(self, timeout: float) -> None:
        """Return when the child answers and is proven to be ours.

        Raises
        ------
        ChildError
            It ended instead.
        ImpostorError
            Somebody else answers at its socket.
        BackendTimeoutError
            It did not answer in time.
        """
        deadline = time.monotonic() + timeout
        while not self._answers():
            if not self.is_alive:
                raise ChildError(
                    f"{self.kind.title} ended while it was being started.{self._last_words()}",
                    hint="The server's log says more.",
                )
            if time.monotonic() > deadline:
                raise BackendTimeoutError(
                    f"{self.kind.title} was not ready within {timeout:g} s.{self._last_words()}",
                    hint="The machine may be busy: try again.",
                )
            time.sleep(_LOOK_EVERY)
        self.touch()

    def _answers(self) -> bool:
        try:
            connection = connect(self.address.socket)
        except OSError:
            return False
        with connection:
            pid = listener(connection)
            if pid is not None:
                prove(pid, self._runner.pid, self._nonce)
            self._listener = pid
            connection.settimeout(_FIRST_ANSWER)
            asked = http.client.HTTPConnection(self.address.host)
            asked.sock = connection
            try:
                asked.request("GET", self.kind.ready)
                return asked.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False
            finally:
                asked.close()

    # ---------------------------------------------------------------------------------- use

    def connect(self) -> socket.socket:
        """Return a connection that does not block, to the very process that was proven.

        Raises
        ------
        ChildError
            Nobody answers any more.
        ImpostorError
            Somebody else does.
        """
        try:
            connection = connect(self.address.socket)
        except OSError as error:
            raise ChildError(
                f"{self.kind.title} does not answer: {error.strerror}.", hint="Try again."
            ) from error
        try:
            if listener(connection) != self._listener:
                raise ImpostorError(f"Another process answers in place of {self.kind.title}.")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the child from being idle."""
        with self._lock:
            self._requests += 1
        self.touch()
        try:
            yield
        finally:
            self.touch()
            with self._lock:
                self._requests -= 1

    def touch(self) -> None:
        """Note that somebody uses it."""
        self._used = time.monotonic()

    def idle_for(self) -> float:
        """Return for how many seconds nobody has used it."""
        return 0.0 if self._requests else time.monotonic() - self._used

    @property
    def requests(self) -> int:
        """How many requests are being answered."""
        return self._requests

    # ---------------------------------------------------------------------------------- end

    @property
    def is_alive(self) -> bool:
        """Whether its runner runs; a zombie is left alone, as it keeps the group's number."""
        if self._runner.returncode is not None:
            return False
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            return os.waitid(os.P_PID, self._runner.pid, options) is None
        except ChildProcessError:
            return False

    def stop(self, timeout: float = runner.GRACE + 2) -> None:
        """End it and all that it has started: by TERM, after a grace by KILL."""
        if self._runner.returncode is None:
            if self.is_alive:
                self._runner.send_signal(signal.SIGTERM)
                deadline = time.monotonic() + timeout
                while self.is_alive and time.monotonic() < deadline:
                    time.sleep(0.01)
            # Its zombie, or it, still holds the number of the group: it is nobody else's.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._runner.pid, signal.SIGKILL)
            self._runner.wait()
        if self._runner.stdin:
            self._runner.stdin.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _last_words(self) -> str:
        try:
            lines = (self._folder / "output.log").read_bytes()[-2000:].decode(errors="replace")
        except OSError:
            return ""
        tail = "\n".join(lines.strip().splitlines()[-5:])
        return f" Its last words:\n{tail}" if tail else ""
