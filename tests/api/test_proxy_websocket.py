"""A websocket through the proxy says all that is said, and ends with what it rests on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError
from tornado.websocket import WebSocketClosedError

from jupyter_mlkit.api import proxy

from .proxied import SITE, Proxied, greeting, proxied, until
from .recording import authorizer, jp_server_config

__all__ = ["authorizer", "jp_server_config", "proxied"]


async def test_a_websocket_says_all_that_is_said(proxied: Proxied) -> None:
    connection = await proxied.websocket("/ws?a=1", Origin=proxied.origin, **SITE)
    told = json.loads(await connection.read_message())
    assert told["target"] == "/ws?a=1"
    assert dict(told["headers"])["Origin"] == f"http://{proxied.child.address.host}"
    for text in ("", "a", "b" * 200, "c" * 100_000, "\u2603"):
        await connection.write_message(text)
        assert await connection.read_message() == text
    assert proxied.child.requests == 1
    assert "Set-Cookie" not in connection.headers
    connection.close()
    await until(lambda: proxied.child.requests == 0)


async def test_a_websocket_of_a_program_needs_no_origin(proxied: Proxied) -> None:
    connection = await proxied.websocket(Authorization=f"token {proxied.token}", Cookie="")
    assert (await greeting(connection))["method"] == "GET"


async def test_a_websocket_ends_with_the_permission(
    proxied: Proxied, authorizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "RECHECK", 0.02)
    connection = await proxied.websocket(Origin=proxied.origin)
    await connection.read_message()
    asked = len(authorizer.asked)
    await until(lambda: len(authorizer.asked) > asked + 2)
    authorizer.answer = False
    assert await connection.read_message() is None
    with pytest.raises(WebSocketClosedError):
        await connection.write_message("x")


async def test_a_websocket_ends_with_the_sign_in(
    proxied: Proxied, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "RECHECK", 0.02)
    connection = await proxied.websocket(Origin=proxied.origin)
    await connection.read_message()
    monkeypatch.setitem(jp_serverapp.web_app.settings, "cookie_secret", b"another")
    assert await connection.read_message() is None


async def test_a_websocket_ends_with_the_child(proxied: Proxied) -> None:
    connection = await proxied.websocket(Origin=proxied.origin)
    await connection.read_message()
    await asyncio.to_thread(proxied.children.stop, proxied.child_id)
    assert await connection.read_message() is None


async def test_a_child_that_wants_no_websocket(proxied: Proxied) -> None:
    with pytest.raises(HTTPClientError, match="403"):
        await proxied.websocket("/refused", Origin=proxied.origin)
