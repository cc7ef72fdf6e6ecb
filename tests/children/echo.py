"""A child that tells what it was sent, over HTTP and websocket: ``python echo.py SOCKET``.

Raw sockets and the standard library, so that nothing is tidied up before it is told.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import struct
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1")
        line, *lines = head.strip().split("\r\n")
        method, target, _ = line.split(" ")
        headers = [tuple(one.split(": ", 1)) for one in lines]
        told = {
            "method": method,
            "target": target,
            "headers": headers,
            "environ": dict(os.environ),
            "argv": sys.argv,
            "pid": os.getpid(),
        }
        known = {name.lower(): value for name, value in headers}
        if known.get("upgrade", "").lower() == "websocket":
            await websocket(reader, writer, known, told)
        else:
            await http(reader, writer, method, target, known, told)
    writer.close()


async def http(reader, writer, method, target, known, told) -> None:
    if target == "/enough":  # answers without reading what comes
        writer.write(b"HTTP/1.1 413 Enough\r\nContent-Length: 6\r\n\r\nenough")
        await writer.drain()
        return
    if target == "/deaf":  # takes nothing until the client goes
        reader._transport.pause_reading()
        await asyncio.sleep(3600)
    size, digest = 0, hashlib.sha256()
    async for piece in body(reader, known):
        size += len(piece)
        digest.update(piece)
    told |= {"size": size, "digest": digest.hexdigest()}
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    status, extra = 200, []
    data = json.dumps(told).encode()
    if parts.path == "/answer":  # the answer is what the query says
        status = int(query.get("status", "200"))
        extra = [tuple(pair) for pair in json.loads(query.get("headers", "[]"))]
        data = query.get("body", "").encode()
    elif parts.path == "/stream":
        await stream(writer, int(query["bytes"]), int(query.get("stop", query["bytes"])))
        return
    elif parts.path == "/silent":
        await reader.read()
        return
    kinds = {name.lower() for name, _ in extra}
    if "content-type" not in kinds:
        extra.append(("Content-Type", "application/json"))
    head = f"HTTP/1.1 {status} Whatever\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in extra)
    if status not in (204, 304):
        head += f"Content-Length: {len(data)}\r\n"
    writer.write(head.encode() + b"\r\n")
    if method != "HEAD" and status not in (204, 304):
        writer.write(data)
    await writer.drain()


async def stream(writer, size: int, stop: int) -> None:
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
    piece = bytes(range(256)) * 1024
    while stop > 0:
        writer.write(piece[:stop])
        await writer.drain()
        stop -= len(piece)


async def body(reader, known):
    if "chunked" in known.get("transfer-encoding", ""):
        while size := int(await reader.readline(), 16):
            yield await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return
    left = int(known.get("content-length", "0"))
    while left:
        piece = await reader.read(min(left, 65536))
        if not piece:
            return
        left -= len(piece)
        yield piece


async def websocket(reader, writer, known, told) -> None:
    """Greet with what was sent, then send every text back."""
    accept = base64.b64encode(
        hashlib.sha1(known["sec-websocket-key"].encode() + _GUID).digest()
    ).decode()
    writer.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\nSet-Cookie: child=1\r\n\r\n".encode()
    )
    send(writer, json.dumps(told).encode())
    while True:
        first, second = await reader.readexactly(2)
        size = second & 127
        if size == 126:
            (size,) = struct.unpack(">H", await reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", await reader.readexactly(8))
        mask = await reader.readexactly(4)
        text = bytes(b ^ mask[i % 4] for i, b in enumerate(await reader.readexactly(size)))
        if first & 15 == 8:
            return
        send(writer, text)
        await writer.drain()


def send(writer, text: bytes) -> None:
    size = len(text)
    if size < 126:
        head = bytes([0x81, size])
    elif size < 65536:
        head = b"\x81\x7e" + struct.pack(">H", size)
    else:
        head = b"\x81\x7f" + struct.pack(">Q", size)
    writer.write(head + text)


async def main() -> None:
    if "--helper" in sys.argv:  # a process that has left the group, as daemons do
        subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True
        )
    server = await asyncio.start_unix_server(answer, sys.argv[1])
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
