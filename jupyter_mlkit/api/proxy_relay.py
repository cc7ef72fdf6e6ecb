"""Bytes from one socket to another with as little in between as Python allows.

A large download takes what MLflow leaves of the machine: to make an object of each piece, or to
give each a turn of the event loop, costs more than to move it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import socket
import sys
import threading

from tornado.ioloop import IOLoop
from tornado.iostream import IOStream

#: Bytes that are on the way at most.
PIECE = 256 * 1024
#: How a kernel says that it does not move pages between these sockets.
_NOT_OFFERED = frozenset({errno.EINVAL, errno.ENOSYS, errno.EPERM})


async def relay_body(source: IOStream, sink: IOStream, length: int) -> None:
    """Pass `length` bytes on, at the pace of the slower side, then close both.

    Ends early where either side does; the other one then sees that something is missing.
    """
    try:
        left = await _relay_read_ahead(source, sink, length)
        for stream in (source, sink):
            # From here on nobody else may look at these sockets.
            IOLoop.current().remove_handler(stream.socket)
        if left:
            await _relay_rest(source.socket, sink.socket, left)
    finally:
        source.close()
        sink.close()


async def _relay_read_ahead(source: IOStream, sink: IOStream, left: int) -> int:
    """Pass on what was read together with the head; return how much is left in the socket."""
    while left:
        asked = min(left, PIECE)
        piece = await source.read_bytes(asked, partial=True)
        await sink.write(piece)
        left -= len(piece)
        if len(piece) < asked:  # that was all that the stream held
            break
    return left


async def _relay_rest(source: socket.socket, sink: socket.socket, left: int) -> None:
    """Have it moved by a thread that waits in system calls; look here whether the client goes."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    # Handles of its own: whatever is closed here, the thread never meets a stranger's socket.
    own_source, own_sink = source.dup(), sink.dup()
    for one in (own_source, own_sink):
        one.setblocking(True)

    def move() -> None:
        with own_source, own_sink, contextlib.suppress(OSError):
            carry(own_source, own_sink, left)
        with contextlib.suppress(RuntimeError):  # the server has ended, nobody waits any more
            loop.call_soon_threadsafe(done.set)

    def listen() -> None:
        # What else the client says is not listened to any more.
        try:
            gone = not sink.recv(4096, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone:
            done.set()

    loop.add_reader(sink, listen)
    # One for each request, and those are limited; a daemon, so that no slow reader keeps the
    # server from ending.
    threading.Thread(target=move, name="mlkit-relay", daemon=True).start()
    try:
        await done.wait()
    finally:
        loop.remove_reader(sink)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # ends the thread, where it has not ended


def carry(source: socket.socket, sink: socket.socket, left: int) -> None:
    """Move `left` bytes, or as many as there are, between two sockets that wait."""
    if sys.platform == "linux":
        left = _splice(source, sink, left)
    if left:
        _copy(source, sink, left)


def _splice(source: socket.socket, sink: socket.socket, left: int) -> int:
    """Move pages of the kernel through a pipe, past our memory.

    Returns how many bytes are left to be moved in another way.
    """
    assert sys.platform == "linux"
    end, begin = os.pipe()
    held = 0
    try:
        with contextlib.suppress(OSError):  # this user has many pipes: smaller pieces then
            fcntl.fcntl(begin, fcntl.F_SETPIPE_SZ, PIECE)
        while left and (held := os.splice(source.fileno(), begin, min(left, PIECE))):
            left -= held
            while held:
                held -= os.splice(end, sink.fileno(), held)
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            raise
        if held:
            sink.sendall(os.read(end, held))
        return left
    finally:
        os.close(begin)
        os.close(end)
    return 0


def _copy(source: socket.socket, sink: socket.socket, left: int) -> None:
    """Move bytes through one buffer: everywhere."""
    buffer = memoryview(bytearray(min(left, PIECE)))
    while left and (got := source.recv_into(buffer, min(left, PIECE))):
        left -= got
        sink.sendall(buffer[:got])
