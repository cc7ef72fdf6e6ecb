"""One HTTP exchange with a child over its socket; nothing of it is held for longer than a piece."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream, StreamClosedError

from ..errors import BackendError, BackendTimeoutError

#: Bytes that are read at once; the most that is held of an answer is a few of these.
PIECE = 256 * 1024
#: Bodies from this length on may leave the way of HTTP; see :mod:`.proxy_relay`.
LARGE = 1024 * 1024
#: Seconds that a child may take to begin its answer, or to take a piece of a body: a search over
#: many runs takes long.
ANSWER_WITHIN = 120.0


class Upstream(HTTPMessageDelegate):
    """A request to a child and its answer, both streamed at the pace of the slower side.

    Parameters
    ----------
    connection : socket.socket
        To the child.
    begun : callable
        Called with status and headers of the answer.
    piece : callable
        Called with each piece of the body; awaited before the next one is read.
    hand_over : bool
        Whether the stream is wanted instead of the pieces where the body is large.
    """

    def __init__(
        self,
        connection: socket.socket,
        begun: Callable[[int, HTTPHeaders], Awaitable[None]],
        piece: Callable[[bytes], Awaitable[None]],
        *,
        hand_over: bool = False,
    ) -> None:
        # A piece fits in at once, so each costs one call and wakes the child once.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * PIECE)
        self._stream = IOStream(connection, read_chunk_size=PIECE, max_buffer_size=16 * PIECE)
        self._http = HTTP1Connection(
            self._stream,
            is_client=True,
            params=HTTP1ConnectionParameters(
                no_keep_alive=True, chunk_size=PIECE, max_header_size=PIECE, max_body_size=2**62
            ),
        )
        self._begun = begun
        self._piece = piece
        self._hand_over = hand_over
        self._waiting: asyncio.TimerHandle | None = None
        self._too_late = False
        self._complete = False
        #: The stream behind the head of a websocket or of a large body.
        self.tunnel: IOStream | None = None
        #: Length of that body.
        self.length = 0

    async def ask(self, method: str, target: str, headers: HTTPHeaders) -> None:
        """Send the head of the request."""
        with contextlib.suppress(StreamClosedError):  # it may have answered: that is read next
            await self._http.write_headers(RequestStartLine(method, target, "HTTP/1.1"), headers)

    async def send(self, data: bytes | memoryview) -> None:
        """Send a piece of the body; one that is not wanted any more is dropped.

        A view is free to be written to again after that.
        """
        # Who waits here does not see the client go: a child that is stuck must not keep it.
        waiting = asyncio.get_running_loop().call_later(ANSWER_WITHIN, self._give_up)
        with contextlib.suppress(StreamClosedError):
            await self._http.write(data)  # type: ignore[arg-type]  # it passes on what it gets
        waiting.cancel()

    async def receive(self) -> None:
        """Pass the answer on; returns when all of it was.

        Raises
        ------
        BackendTimeoutError, BackendError
            No answer began, or it broke off.
        """
        self._http.finish()
        loop = asyncio.get_running_loop()
        self._waiting = loop.call_later(ANSWER_WITHIN, self._give_up)
        try:
            await self._http.read_response(self)
        except (HTTPInputError, StreamClosedError):
            pass  # not complete: said below
        finally:
            self._waiting.cancel()
        if self._too_late:
            raise BackendTimeoutError(f"The program did not answer within {ANSWER_WITHIN:g} s.")
        if not self._complete and self.tunnel is None:
            raise BackendError("The program broke off its answer.", code="child_broke_off")

    def close(self) -> None:
        """Give up, whatever is under way."""
        self._stream.close()

    def _give_up(self) -> None:
        self._too_late = True
        self.close()

    # ------------------------------------------------------------- called while it is read

    async def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        """Take the head of an answer; a child may send some that are not final before."""
        assert isinstance(start_line, ResponseStartLine)
        length = headers.get("Content-Length", "")
        if start_line.code == 101:
            self.tunnel = self._http.detach()
        elif start_line.code < 200:
            return
        elif self._hand_over and length.isdecimal() and int(length) >= LARGE:
            self.length = int(length)
            self.tunnel = self._http.detach()
        if self._waiting is not None:
            self._waiting.cancel()
        await self._begun(start_line.code, headers)

    async def data_received(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        await self._piece(chunk)

    def finish(self) -> None:
        """Note that nothing is missing."""
        self._complete = True


async def pump(one: IOStream, other: IOStream) -> None:
    """Pass on what either side says, as it comes, until one of them goes; then close both."""

    async def pass_on(source: IOStream, sink: IOStream) -> None:
        while True:
            await sink.write(await source.read_bytes(PIECE, partial=True))

    ways = [asyncio.ensure_future(pass_on(one, other)), asyncio.ensure_future(pass_on(other, one))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for stream in (one, other):
            stream.close()
        for result in await asyncio.gather(*ways, return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, StreamClosedError):
                raise result
