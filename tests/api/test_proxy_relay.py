"""What is moved from socket to socket arrives whole, and nothing is left behind."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tornado.iostream import IOStream, StreamClosedError

from jupyter_mlkit.api import proxy_relay
from jupyter_mlkit.api.proxy_relay import PIECE, carry, relay_body

_SPLICE = getattr(os, "splice", None)


def _as_it_is(_: pytest.MonkeyPatch) -> None:
    """Leave it to the platform."""


def _copied(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(proxy_relay, "_splice", lambda source, sink, left: left)


def _never_offered(patch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")

    patch.setattr(os, "splice", refuse, raising=False)


def _not_offered_for_the_sink(patch: pytest.MonkeyPatch) -> None:
    calls = iter(range(10**9))

    def refuse(source: int, sink: int, most: int) -> int:
        if next(calls) == 3:  # in the middle, with a piece in the pipe
            raise OSError(errno.EINVAL, "Invalid argument")
        assert _SPLICE is not None
        return int(_SPLICE(source, sink, most))

    patch.setattr(os, "splice", refuse, raising=False)


WAYS = [_as_it_is, _copied]
if sys.platform == "linux":
    WAYS += [_never_offered, _not_offered_for_the_sink]


def _tcp() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        return server.accept()[0], client


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("length", [1, PIECE - 1, PIECE, 3 * PIECE + 17, 9_000_000])
def test_every_byte_arrives(
    way: Callable[[pytest.MonkeyPatch], None], length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    way(monkeypatch)
    data = random.Random(length).randbytes(length)
    child, source = socket.socketpair()
    sink, client = _tcp()

    def produce() -> None:
        with child:
            child.sendall(data)
            child.sendall(b"of somebody else")  # behind the length: not moved

    def move() -> None:
        with source, sink:
            carry(source, sink, length)

    threads = [threading.Thread(target=one) for one in (produce, move)]
    for thread in threads:
        thread.start()
    with client:
        got = b""
        while piece := client.recv(1 << 20):
            got += piece
    for thread in threads:
        thread.join(20)
    assert got == data


async def _relaying(length: int) -> tuple[asyncio.Task[None], socket.socket, socket.socket]:
    """Start a relay; return it with the child's end and the client's end."""
    child, source = socket.socketpair()
    sink, client = _tcp()
    child.sendall(b"begun")
    relay = asyncio.ensure_future(relay_body(IOStream(source), IOStream(sink), length))
    client.settimeout(20)
    assert await asyncio.to_thread(client.recv, 5) == b"begun"
    return relay, child, client


def _threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "mlkit-relay"]


def _handles() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@pytest.mark.parametrize("ends", ["child", "client", "both stuck", "cancelled"])
def test_whoever_goes_the_other_is_let_go(ends: str) -> None:
    async def case() -> None:
        relay, child, client = await _relaying(10**9)
        await _until(_threads)
        if ends == "child":
            child.close()
            assert await asyncio.to_thread(client.recv, 1) == b""
        elif ends == "client":
            client.close()
        elif ends == "both stuck":  # who reads nothing has the thread wait in a write
            child.setblocking(False)
            while True:
                try:
                    child.send(bytes(PIECE))
                except BlockingIOError:
                    await asyncio.sleep(0.05)
                    try:
                        child.send(b"x")
                    except BlockingIOError:
                        break
            client.close()
        else:
            relay.cancel()
        await asyncio.wait([relay], timeout=20)
        assert relay.done()
        await _until(lambda: not _threads())
        for one in (child, client):
            one.close()

    asyncio.run(case())
    before = _handles()
    asyncio.run(case())
    assert _handles() <= before


def test_a_child_that_says_nothing_more_keeps_no_thread_when_the_client_goes() -> None:
    async def case() -> None:
        relay, child, client = await _relaying(10**9)
        await _until(_threads)
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")  # not listened to
        client.shutdown(socket.SHUT_WR)
        await asyncio.wait_for(relay, 20)
        await _until(lambda: not _threads())
        with child, client:
            assert child.recv(1) == b""

    asyncio.run(case())


async def _until(found: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not found():
            await asyncio.sleep(0.005)


def test_a_stream_that_is_closed_already_is_said() -> None:
    async def case() -> None:
        child, source = socket.socketpair()
        sink, client = _tcp()
        with child, client:
            stream = IOStream(source)
            stream.close()
            with pytest.raises(StreamClosedError):
                await relay_body(stream, IOStream(sink), 10)
            assert client.recv(1) == b""

    asyncio.run(case())
