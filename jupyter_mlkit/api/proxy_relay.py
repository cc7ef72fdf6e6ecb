"""Bytes from one socket to another with as little in between as Python allows.

A stream object per piece costs more time than MLflow takes to read that piece from disk; with
two cores for three processes that is the speed of a large download.
"""

from __future__ import annotations

import asyncio
import socket

from tornado.ioloop import IOLoop
from tornado.iostream import IOStream

#: Bytes that are on the way at most.
_PIECE = 256 * 1024


async def relay_body(source: IOStream, sink: IOStream, length: int) -> None:
    """Pass `length` bytes on, at the pace of the slower side, then close both.

    Ends early where either side does; the other one then sees that something is missing.
    """
    try:
        left = await _relay_read_ahead(source, sink, length)
        for stream in (source, sink):
            # From here on nobody else may look at these sockets.
            IOLoop.current().remove_handler(stream.socket)
        await _Relay(source.socket, sink.socket, left).run()
    finally:
        source.close()
        sink.close()


async def _relay_read_ahead(source: IOStream, sink: IOStream, left: int) -> int:
    """Pass on what was read together with the head; return how much is left in the socket."""
    while left:
        asked = min(left, _PIECE)
        piece = await source.read_bytes(asked, partial=True)
        await sink.write(piece)
        left -= len(piece)
        if len(piece) < asked:  # that was all that the stream held
            break
    return left


class _Relay:
    """The rest of the way, by callbacks of the event loop."""

    def __init__(self, source: socket.socket, sink: socket.socket, left: int) -> None:
        self._source = source
        self._sink = sink
        self._left = left
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._buffer = memoryview(bytearray(_PIECE))
        self._waiting = self._buffer[:0]
        self._is_full = False

    async def run(self) -> None:
        if not self._left:
            return
        self._loop.add_reader(self._source, self._read)
        self._loop.add_reader(self._sink, self._listen)
        try:
            await self._done
        finally:
            self._loop.remove_reader(self._source)
            self._loop.remove_reader(self._sink)
            self._loop.remove_writer(self._sink)

    def _read(self) -> None:
        try:
            got = self._source.recv_into(self._buffer[: min(self._left, _PIECE)])
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            got = 0
        if not got:
            self._finish()
            return
        self._left -= got
        self._waiting = self._buffer[:got]
        self._write()

    def _write(self) -> None:
        try:
            while self._waiting:
                self._waiting = self._waiting[self._sink.send(self._waiting) :]
        except (BlockingIOError, InterruptedError):
            if not self._is_full:
                self._is_full = True
                self._loop.remove_reader(self._source)
                self._loop.add_writer(self._sink, self._write)
            return
        except OSError:
            self._finish()
            return
        if self._is_full:
            self._is_full = False
            self._loop.remove_writer(self._sink)
            self._loop.add_reader(self._source, self._read)
        if not self._left:
            self._finish()

    def _listen(self) -> None:
        """Notice that the client goes; what else it says is not listened to any more."""
        try:
            gone = not self._sink.recv(4096)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            gone = True
        if gone:
            self._finish()

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)
