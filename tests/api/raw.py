"""HTTP as bytes: what a client library would mend or refuse reaches the server as it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass
class Raw:
    """One connection that is kept, and opened again where the server has closed it."""

    port: int
    headers: Mapping[str, str]
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
        """Return status and body; 400 where the server hangs up on what is no request."""
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        writer.write("\r\n".join(lines).encode("utf-8", "surrogatepass") + body)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except (asyncio.IncompleteReadError, ConnectionResetError):
            await self.close()
            return 400, b""
        fields = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:])
        }
        status = int(head[0].split()[1])
        answer = await reader.readexactly(int(fields.get("content-length", 0)))
        if fields.get("connection") == "close":
            await self.close()
        return status, answer

    async def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


@asynccontextmanager
async def raw(port: int, headers: Mapping[str, str]) -> AsyncIterator[Raw]:
    """Give a connection and close it."""
    connection = Raw(port, headers)
    try:
        yield connection
    finally:
        await connection.close()
