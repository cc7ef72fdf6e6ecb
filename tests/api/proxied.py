"""A child behind the proxy of a live server, and requests to it as browsers and programs make."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from children.kinds import echo
from jupyter_server.utils import url_path_join
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jupyter_mlkit.api.base import SETTING
from jupyter_mlkit.api.proxy import PROXY_PREFIX
from jupyter_mlkit.children.child import Child
from jupyter_mlkit.children.children import Children

SITE = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Proxied:
    """A running child and the ways to it."""

    child_id: str
    child: Child
    children: Children
    base_url: str
    port: int
    token: str
    cookie: str = ""

    @property
    def origin(self) -> str:
        """Of a page of this server."""
        return f"http://127.0.0.1:{self.port}"

    def path(self, rest: str = "/") -> str:
        """Return the path of an address below the child's."""
        return url_path_join(self.base_url, PROXY_PREFIX, self.child_id) + rest

    async def ask(
        self, method: str = "GET", rest: str = "/", *, body: Any = None, **headers: str
    ) -> HTTPResponse:
        """Ask as a program does, with the token in a header, unless a header says otherwise."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await AsyncHTTPClient().fetch(
            HTTPRequest(
                f"{self.origin}{self.path(rest)}",
                method,
                headers={"Authorization": f"token {self.token}", **given},
                body=body,
                follow_redirects=False,
                allow_nonstandard_methods=True,
                request_timeout=30,
            ),
            raise_error=False,
        )

    async def browse(
        self, method: str = "GET", rest: str = "/", *, body: Any = None, **headers: str
    ) -> HTTPResponse:
        """Ask as a page of the browser does, with the cookie of the signed-in person."""
        given = {"Authorization": "", "Cookie": self.cookie, **headers}
        return await self.ask(method, rest, body=body, **given)

    async def websocket(self, rest: str = "/", **headers: str) -> WebSocketClientConnection:
        """Open a websocket with the cookie, as a page does."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        address = f"ws://127.0.0.1:{self.port}{self.path(rest)}"
        return await websocket_connect(
            HTTPRequest(address, headers={"Cookie": self.cookie, **given})
        )

    async def sign_in(self) -> None:
        """Get the cookies of a page that was opened with the token."""
        page = await AsyncHTTPClient().fetch(
            f"{self.origin}{url_path_join(self.base_url, 'api/me')}",
            headers={"Authorization": f"token {self.token}"},
        )
        found = [morsel.partition(";")[0] for morsel in page.headers.get_list("Set-Cookie")]
        self.cookie = "; ".join(found)

    async def told(self, answer: Awaitable[HTTPResponse]) -> dict[str, Any]:
        """Return what the echo says that it was sent."""
        response = await answer
        assert response.code == 200, response.body
        found: dict[str, Any] = json.loads(response.body)
        return found


@pytest.fixture
def proxied(
    jp_serverapp: Any, http_server: Any, jp_http_port: int, jp_base_url: str, jp_asyncio_loop: Any
) -> Iterator[Proxied]:
    """Run the echo behind the proxy of the live server."""
    folder = Path(tempfile.mkdtemp(prefix="mlkit-"))
    services = jp_serverapp.web_app.settings[SETTING]
    children = services._made["children"] = Children({"echo": echo}, folder=folder)
    opened = children.open("echo")
    found = Proxied(
        child_id=opened.child_id,
        child=children.child(opened.child_id),
        children=children,
        base_url=jp_base_url,
        port=jp_http_port,
        token=jp_serverapp.identity_provider.token,
    )
    jp_asyncio_loop.run_until_complete(found.sign_in())
    yield found
    children.close(5.0)
    shutil.rmtree(folder)


async def until(found: Any) -> None:
    """Wait until `found` says so."""
    async with asyncio.timeout(20):
        while not found():
            await asyncio.sleep(0.005)


async def greeting(connection: Any) -> dict[str, Any]:
    """Return what the child says first, and end the connection."""
    told = json.loads(await connection.read_message())
    connection.close()
    return told
