"""A bounded pool of threads for what blocks, so that the event loop never does."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import BackendTimeoutError, MLKitError

T = TypeVar("T")


class BusyError(MLKitError):
    """More is asked of the server than it has threads for."""

    code = "busy"
    status = 503


class Threads:
    """Runs blocking calls in at most `workers` threads, with at most `waiting` calls in line.

    The threads are daemons: a call that hangs in a dead tracking server must not keep the
    Jupyter server from stopping (the standard executor joins its threads at exit).
    """

    def __init__(self, name: str, *, workers: int = 8, waiting: int = 64) -> None:
        self._name = name
        self._workers = workers
        self._calls: queue.Queue[Callable[[], None]] = queue.Queue(maxsize=waiting)
        self._lock = threading.Lock()
        self._started = 0
        self._idle = threading.Semaphore(0)

    async def call(
        self, function: Callable[..., T], *args: Any, timeout: float, **kwargs: Any
    ) -> T:
        """Return what ``function(*args, **kwargs)`` returns.

        Raises
        ------
        BackendTimeoutError
            It did not return within `timeout` seconds; the thread is busy until it does.
        BusyError
            All threads are busy and the line is full.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def settle(value: T | None, error: BaseException | None) -> None:
            if answer.done():  # timed out before
                return
            if error is None:
                answer.set_result(value)  # type: ignore[arg-type]
            else:
                answer.set_exception(error)

        def work() -> None:
            if answer.cancelled():
                return
            value: T | None = None
            error: BaseException | None = None
            try:
                value = function(*args, **kwargs)
            except BaseException as raised:  # noqa: BLE001  (handed to the caller, not swallowed)
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits
                loop.call_soon_threadsafe(settle, value, error)

        try:
            self._calls.put_nowait(work)
        except queue.Full:
            raise BusyError(
                "The server is busy with other requests.", hint="Try again in a moment."
            ) from None
        self._add_worker()
        try:
            return await asyncio.wait_for(answer, timeout)
        except TimeoutError:
            raise BackendTimeoutError(
                f"No answer within {timeout:g} s.",
                hint="The store or the helper process is slow or stuck; try again, and look "
                "into the server's log if it stays so.",
            ) from None

    def _add_worker(self) -> None:
        if self._idle.acquire(blocking=False):  # that thread takes the call
            return
        with self._lock:
            if self._started >= self._workers:
                return
            self._started += 1
            number = self._started
        threading.Thread(
            target=self._serve, name=f"jupyter-mlkit-{self._name}-{number}", daemon=True
        ).start()

    def _serve(self) -> None:
        while True:
            work = self._calls.get()
            work()
            del work  # a waiting thread holds on to nothing
            self._idle.release()
