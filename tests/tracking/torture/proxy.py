"""A network between a client and a tracking server that fails as networks do."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass
class Faults:
    """What goes wrong, each as a share of all requests.

    Attributes
    ----------
    lose_request : float
        The server never sees it, the client gets no reply.
    lose_reply : float
        The server has done what was asked, and the client gets no reply.
    reset : float
        The connection is reset instead of a reply; the server has done it or not.
    delay : float
        Seconds that each reply takes more, at most.
    stalled : bool
        Connections are accepted, and nothing comes back until this is over.
    """

    lose_request: float = 0.0
    lose_reply: float = 0.0
    reset: float = 0.0
    delay: float = 0.0
    stalled: bool = False


class Proxy:
    """Passes one request of each connection on to a server, or does not.

    Parameters
    ----------
    server : callable
        Returns the port of the server; asked anew for each request.
    chance : Random

    Attributes
    ----------
    faults : Faults
        May be replaced at any time.
    counted : Counter
        What became of the requests: ``passed``, or the name of a fault.
    """

    def __init__(self, server: Callable[[], int], chance: random.Random) -> None:
        self.faults = Faults()
        self.counted: Counter[str] = Counter()
        self._server, self._chance = server, chance
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listening: asyncio.Server | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.listen()

    def listen(self) -> None:
        """Accept connections again."""
        self._listening = self._call(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, reuse_address=True)
        )

    def refuse(self) -> None:
        """Refuse connections from now on."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
            self._call(asyncio.sleep(0))

    def close(self) -> None:
        """End all connections."""
        self.refuse()
        self._call(self._cancel())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _cancel(self) -> None:
        mine = asyncio.current_task()
        for task in asyncio.all_tasks() - {mine}:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _request(reader)
            fault = self._fault()
            while self.faults.stalled:
                await asyncio.sleep(0.02)
            if fault == "lose_request":
                return
            reply = await self._ask(request)
            if fault == "reset":
                _reset(writer)
            if fault is not None:
                return
            await asyncio.sleep(self._chance.uniform(0, self.faults.delay))
            writer.write(reply)
            await writer.drain()
            self.counted["passed"] += 1
        except (OSError, asyncio.IncompleteReadError):
            self.counted["broken"] += 1
        finally:
            writer.close()

    def _fault(self) -> str | None:
        """Draw what becomes of a request."""
        drawn = self._chance.random()
        for name in ("lose_request", "lose_reply", "reset"):
            drawn -= getattr(self.faults, name)
            if drawn < 0:
                self.counted[name] += 1
                return name
        return None

    async def _ask(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server())
        try:
            writer.write(request)
            return await reader.read(-1)
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    """Read a request, and ask that the connection ends after it: its end is then the reply's."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].split(b"\r\n")
    named = [line for line in lines if not line.lower().startswith(b"connection:")]
    length = sum(
        int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")
    )
    body = await reader.readexactly(length)
    return b"\r\n".join([first, *named, b"Connection: close", b"", body])


def _reset(writer: asyncio.StreamWriter) -> None:
    """Let the connection end with a reset."""
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
