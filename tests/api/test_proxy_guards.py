"""Each guard of the proxy is missed: where one is taken away, what it holds back comes through."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from tornado.httputil import HTTPHeaders

from jupyter_mlkit.api import proxy_rules
from jupyter_mlkit.api.proxy import ProxyHandler
from jupyter_mlkit.children import folder

from .proxied import Proxied, proxied

__all__ = ["proxied"]

SITE = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Guard:
    """What is taken away, and a request that tells whether it is there."""

    name: str
    place: Any
    attribute: str
    without: Any
    holds: Callable[[Proxied], Awaitable[bool]]


def _answer(headers: list[tuple[str, str]], status: int = 200) -> str:
    return f"/answer?{urlencode({'status': status, 'headers': json.dumps(headers)})}"


async def _another_site(proxied: Proxied) -> bool:
    site = {"Sec-Fetch-Site": "cross-site"}
    return (await proxied.browse("POST", Origin=proxied.origin, **site)).code == 403


async def _no_origin(proxied: Proxied) -> bool:
    return (await proxied.browse("POST", **SITE)).code == 403


async def _header(proxied: Proxied) -> bool:
    told = await proxied.told(proxied.ask("GET", "/", **{"X-Forwarded-User": "canary"}))
    return "canary" not in json.dumps(told["headers"])


async def _query(proxied: Proxied) -> bool:
    return "canary" not in (await proxied.told(proxied.ask("GET", "/?_xsrf=canary")))["target"]


async def _cookie(proxied: Proxied) -> bool:
    answer = await proxied.ask("GET", _answer([("Set-Cookie", "a=canary")]))
    return "canary" not in str(answer.headers.get_list("Set-Cookie"))


async def _sealed(proxied: Proxied) -> bool:
    answer = await proxied.ask("GET", _answer([("Content-Type", "text/html")]))
    return answer.headers["Content-Security-Policy"].startswith("sandbox")


async def _redirect(proxied: Proxied) -> bool:
    answer = await proxied.ask("GET", _answer([("Location", "https://evil.example/")], 302))
    return "evil" not in answer.headers.get("Location", "")


async def _not_offered(proxied: Proxied) -> bool:
    return (await proxied.ask("GET", "/refused")).code == 403


async def _dots(proxied: Proxied) -> bool:
    return (await proxied.ask("GET", "/a/%2e%2e/b")).code == 400


async def _private(proxied: Proxied) -> bool:
    proxied.child.address.socket.parent.parent.chmod(0o755)
    try:
        proxied.children.stop(proxied.child_id)
        proxied.children.open("echo")
    except folder.UnsafeFolderError:
        return True
    finally:
        proxied.child.address.socket.parent.parent.chmod(0o700)
    return False


GUARDS = [
    Guard(
        "pages of another site", ProxyHandler, "check_xsrf_cookie", lambda _: None, _another_site
    ),
    Guard("the origin", proxy_rules, "same_origin", lambda *_: True, _no_origin),
    Guard(
        "request headers",
        proxy_rules,
        "child_headers",
        lambda headers, *_, **__: HTTPHeaders(dict(headers) | {"Connection": "close"}),
        _header,
    ),
    Guard("the query", proxy_rules, "child_query", lambda query: query, _query),
    Guard(
        "headers of answers",
        proxy_rules,
        "answer_headers",
        lambda headers, *_: list(headers.get_all()),
        _cookie,
    ),
    Guard("the policy", proxy_rules, "policy", lambda kind, _: kind.policy, _sealed),
    Guard("redirects", proxy_rules, "location", lambda value, *_: value, _redirect),
    Guard("what is not offered", proxy_rules, "refused", lambda *_: False, _not_offered),
    Guard("dots", proxy_rules, "_DOTS", re.compile("(?!)"), _dots),
    Guard("the private folder", folder, "check_private", lambda _: None, _private),
]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
async def test_each_guard_is_missed(
    guard: Guard, proxied: Proxied, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await guard.holds(proxied)
    monkeypatch.setattr(guard.place, guard.attribute, guard.without)
    assert not await guard.holds(proxied)
