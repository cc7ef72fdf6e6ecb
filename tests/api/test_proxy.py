"""The proxy lets in who may, passes on what is harmless, and reaches our children only."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from tornado.httpclient import HTTPClientError
from tornado.simple_httpclient import HTTPStreamClosedError

from jupyter_mlkit.api import proxy, proxy_upstream

from .proxied import SITE, Proxied, greeting, proxied, until
from .recording import authorizer, jp_server_config

__all__ = ["authorizer", "jp_server_config", "proxied"]

# ------------------------------------------------------------------------------- who gets in


async def test_nobody_gets_in_without_a_credential(proxied: Proxied, authorizer: Any) -> None:
    connections = _count_connections(proxied)
    for credential in ({"Authorization": ""}, {"Authorization": "token 1234"}):
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            answer = await proxied.ask(method, Origin=proxied.origin, **SITE, **credential)
            assert answer.code == 403, method
    for cookie in ("", "username-127-0-0-1=2|1:0|10:1|abc|def"):
        with pytest.raises(HTTPClientError, match="403"):
            await proxied.websocket(Origin=proxied.origin, Cookie=cookie)
    assert connections == []
    assert authorizer.asked == []


async def test_the_authorizer_is_asked_by_method(proxied: Proxied, authorizer: Any) -> None:
    expected = dict.fromkeys(("GET", "HEAD"), "read")
    expected |= dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), "write")
    connections = _count_connections(proxied)
    authorizer.answer = False
    for method, action in expected.items():
        authorizer.asked.clear()
        assert (await proxied.ask(method)).code == 403
        assert authorizer.asked == [(action, "mlkit-proxy")]
    assert (await proxied.ask("OPTIONS")).code == 405
    with pytest.raises(HTTPClientError, match="403"):
        await proxied.websocket(Origin=proxied.origin)
    assert connections == []


async def test_a_websocket_needs_the_right_to_change_things(
    proxied: Proxied, authorizer: Any
) -> None:
    connections = _count_connections(proxied)
    authorizer.is_authorized = lambda handler, user, action, resource: action == "read"
    assert (await proxied.ask()).code == 200
    connections.clear()
    with pytest.raises(HTTPClientError, match="403"):
        await proxied.websocket(Origin=proxied.origin)
    assert connections == []


OWN, FOREIGN = "own", "https://evil.example"


@pytest.mark.parametrize(
    ("origin", "site", "code"),
    [
        (OWN, "same-origin", 200),
        (OWN, None, 403),
        (OWN, "same-site", 403),
        (OWN, "cross-site", 403),
        (OWN, "none", 403),
        (None, "same-origin", 403),
        (None, None, 403),
        ("null", "same-origin", 403),
        (FOREIGN, "same-origin", 403),
        (FOREIGN, "cross-site", 403),
    ],
)
async def test_changes_come_from_our_page_or_with_the_token(
    proxied: Proxied, origin: str | None, site: str | None, code: int
) -> None:
    headers = {}
    if origin:
        headers["Origin"] = proxied.origin if origin == OWN else origin
    if site:
        headers["Sec-Fetch-Site"] = site
    # The XSRF token of the page does not help a page that has got hold of it.
    headers["X-XSRFToken"] = proxied.cookie.partition("_xsrf=")[2].partition(";")[0] or "x"
    connections = _count_connections(proxied)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await proxied.browse(method, **headers)
        assert answer.code in ({code} if code == 200 else {403, 404}), method
    assert bool(connections) == (code == 200)
    # A program with the token in a header is no browser.
    assert (await proxied.ask("POST", **headers)).code == 200


async def test_a_token_in_the_address_is_no_token_in_a_header(proxied: Proxied) -> None:
    query = f"/?token={proxied.token}"
    assert (await proxied.browse("POST", query)).code == 403
    assert (await proxied.browse("POST", query, Authorization="token 1")).code == 403


async def test_other_hosts_and_origins_are_refused(proxied: Proxied) -> None:
    connections = _count_connections(proxied)
    for host in ("evil.example", "127.0.0.1.evil.example", f"evil.example:{proxied.port}", "x@y"):
        for ask in (proxied.browse, proxied.ask):
            assert (await ask(Host=host)).code == (400 if "@" in host else 403), host
    assert (await proxied.browse(Origin=FOREIGN)).code == 404
    for origin in (FOREIGN, "null", f"http://127.0.0.1:{proxied.port + 1}", proxied.origin + ".x"):
        with pytest.raises(HTTPClientError, match=r"40[34]"):
            await proxied.websocket(Origin=origin)
    with pytest.raises(HTTPClientError, match="403"):
        await proxied.websocket()
    with pytest.raises(HTTPClientError, match="403"):
        await proxied.websocket(Origin=proxied.origin, Sec_Fetch_Site="cross-site")
    assert connections == []


# ------------------------------------------------------------------------- what is passed on

CANARIES = {
    "Authorization": "Bearer canary",
    "Cookie": "session=canary",
    "X-Xsrftoken": "canary",
    "X-Forwarded-User": "canary",
    "X-Forwarded-For": "10.0.0.canary",
    "Forwarded": "for=canary",
    "Proxy-Authorization": "Basic canary",
    "X-Auth-Request-Access-Token": "canary",
    "X-Amzn-Oidc-Data": "canary",
    "X-Api-Key": "canary",
    "Referer": "http://127.0.0.1/?token=canary",
    "Connection": "close, X-Wanted",
}


async def test_credentials_reach_no_child(proxied: Proxied) -> None:
    secret = proxied.token
    headers = CANARIES | {"Authorization": f"token {secret}"}
    query = "/a/b?x=1&_xsrf=canary&TOKEN=canary&y=%2F&no_track_activity=canary"
    in_address = f"{query}&token=canary&%74oken=canary&token={secret}"
    for method, asked in (("GET", query), ("POST", query), ("GET", in_address)):
        told = await proxied.told(proxied.ask(method, asked, **headers))
        text = json.dumps(told)
        assert "canary" not in text
        assert secret not in text
        assert told["target"] == "/a/b?x=1&y=%2F"
    told = await proxied.told(proxied.browse(Cookie=f"{proxied.cookie}; session=canary"))
    assert proxied.cookie not in json.dumps(told)
    assert "canary" not in json.dumps(told)
    del headers["Connection"]
    del headers["Cookie"]
    told = await greeting(await proxied.websocket(in_address, Origin=proxied.origin, **headers))
    assert "canary" not in json.dumps(told)
    assert secret not in json.dumps(told)


async def test_host_and_origin_are_those_that_the_child_expects(proxied: Proxied) -> None:
    told = await proxied.told(
        proxied.browse("POST", Origin=proxied.origin, **SITE, **{"X-Wanted": "yes"})
    )
    headers = dict(told["headers"])
    assert headers["Host"] == proxied.child.address.host
    assert headers["Origin"] == f"http://{proxied.child.address.host}"
    assert headers["X-Wanted"] == "yes"
    assert "Sec-Fetch-Site" not in headers
    assert "Origin" not in dict((await proxied.told(proxied.ask()))["headers"])


async def test_bodies_arrive_whole(proxied: Proxied) -> None:
    for size in (0, 1, 70_000, 5_000_000):
        body = os.urandom(size)
        for method in ("POST", "PUT", "PATCH"):
            told = await proxied.told(proxied.ask(method, body=body))
            assert told["size"] == size
            assert told["digest"] == hashlib.sha256(body).hexdigest()
    told = await proxied.told(proxied.ask("DELETE", body=b"why"))
    assert told["size"] == 3
    pieces = [b"a" * 100_000, b"b"]

    async def produce(write: Any) -> None:
        for piece in pieces:
            await write(piece)

    from tornado.httpclient import AsyncHTTPClient, HTTPRequest

    chunked = await AsyncHTTPClient().fetch(
        HTTPRequest(
            proxied.origin + proxied.path(),
            "PUT",
            headers={"Authorization": f"token {proxied.token}"},
            body_producer=produce,
        )
    )
    assert json.loads(chunked.body)["digest"] == hashlib.sha256(b"".join(pieces)).hexdigest()


def _head(proxied: Proxied, method: str, rest: str, *headers: str) -> bytes:
    lines = [f"{method} {proxied.path(rest)} HTTP/1.1", "Host: 127.0.0.1", *headers]
    return "\r\n".join([*lines, f"Authorization: token {proxied.token}", "", ""]).encode()


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    async with asyncio.timeout(20):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1])
            for line in head.split("\r\n")
            if line.lower().startswith("content-length:")
        )
        return int(head.split(" ")[1]), await reader.readexactly(length)


@pytest.mark.parametrize("size", [1000, proxy_upstream.LARGE, 3_000_000])
async def test_a_connection_is_of_use_after_a_body(proxied: Proxied, size: int) -> None:
    """Nothing of a body is taken for the next request, which is sent without waiting."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxied.port)
    body = os.urandom(size)
    put = _head(proxied, "PUT", "/", f"Content-Length: {size}") + body
    writer.write(put + put + _head(proxied, "GET", "/after"))
    for _ in range(2):
        status, told = await _read_answer(reader)
        assert status == 200
        assert json.loads(told)["digest"] == hashlib.sha256(body).hexdigest()
    assert json.loads((await _read_answer(reader))[1])["target"] == "/after"
    writer.write(_head(proxied, "PUT", "/", f"Content-Length: {size}", "Expect: 100-continue"))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
    writer.write(body)
    assert json.loads((await _read_answer(reader))[1])["size"] == size
    writer.close()


async def test_a_body_with_two_lengths_is_refused(proxied: Proxied) -> None:
    body = b"5\r\nhello\r\n0\r\n\r\n" + bytes(2_000_000)
    for lengths in (
        (f"Content-Length: {len(body)}", "Transfer-Encoding: chunked"),
        (f"Content-Length: {len(body)}", "Content-Length: 3"),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxied.port)
        writer.write(_head(proxied, "PUT", "/", *lengths) + body)
        answer = b""
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionError):
                answer = await reader.read()
        assert b"200 OK" not in answer
        writer.close()


async def test_a_child_that_has_heard_enough(proxied: Proxied) -> None:
    for size in (10, 500_000, 5_000_000):
        assert (await proxied.ask("PUT", "/enough", body=bytes(size))).code in (413, 502), size


async def test_too_large_a_body_is_refused_before_it_is_read(
    proxied: Proxied, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "MOST_BYTES", 1000)
    assert (await proxied.ask("PUT", body=b"x" * 1000)).code == 200
    answer = await proxied.ask("PUT", body=b"x" * 1001)
    assert answer.code == 413


# --------------------------------------------------------------------------- what comes back


def _answer(status: int = 200, body: str = "", path: str = "/answer", **headers: str) -> str:
    pairs = [[name.replace("_", "-"), value] for name, value in headers.items()]
    query = {"status": status, "body": body, "headers": json.dumps(pairs)}
    return f"{path}?{urlencode(query)}"


async def test_a_child_cannot_speak_for_the_server(proxied: Proxied) -> None:
    rest = _answer(
        Set_Cookie="_xsrf=stolen",
        Clear_Site_Data='"cookies"',
        Access_Control_Allow_Origin="*",
        Service_Worker_Allowed="/",
        Content_Security_Policy="default-src *",
        X_Frame_Options="ALLOWALL",
        Refresh="0; url=https://evil.example",
        Link="<https://evil.example>; rel=preload",
        Server="child/1",
        ETag='"v1"',
        Cache_Control="public, max-age=60",
    )
    answer = await proxied.browse("GET", rest)
    headers = answer.headers
    assert answer.code == 200
    for name in ("Clear-Site-Data", "Service-Worker-Allowed", "Refresh", "Link", "X-Frame-Options"):
        assert name not in headers
    assert "Access-Control-Allow-Origin" not in headers
    assert "stolen" not in str(headers.get_list("Set-Cookie"))
    assert "child" not in headers["Server"]
    assert headers["ETag"] == '"v1"'
    assert headers["Cache-Control"] == "private, max-age=60"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Content-Security-Policy"] == (
        "sandbox; default-src 'none'; frame-ancestors 'self'"
    )


async def test_only_the_childs_own_pages_may_run(proxied: Proxied) -> None:
    page = await proxied.browse("GET", "/page")
    policy = page.headers["Content-Security-Policy"]
    assert "sandbox" not in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'self'" in policy
    for kind in ("text/javascript", "application/javascript", "text/css", "application/ecmascript"):
        foreign = await proxied.browse("GET", _answer(Content_Type=kind))
        assert foreign.headers["Content-Type"] == "text/plain; charset=utf-8", kind
    html = await proxied.browse("GET", _answer(Content_Type="text/html", body="<script>"))
    assert html.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ("/runs?x=1#y", "runs?x=1#y"),
        ("next", "next"),
        ("/", ""),
        ("http://HOST/a", "a"),
        ("//HOST/a", "a"),
    ],
)
async def test_redirects_stay_with_the_child(proxied: Proxied, told: str, seen: str) -> None:
    told = told.replace("HOST", proxied.child.address.host)
    answer = await proxied.browse("GET", _answer(302, Location=told))
    assert answer.code == 302
    assert answer.headers["Location"] == proxied.path("/") + seen


@pytest.mark.parametrize(
    "told",
    ["https://evil.example/", "//evil.example", "https://HOST/", "javascript:alert(1)", "/../..",
     "http://HOST@evil.example/", "http://HOST:80/", "/%2e%2e/%2e%2e/lab", "\\\\evil.example"],
)  # fmt: skip
async def test_redirects_elsewhere_are_refused(proxied: Proxied, told: str) -> None:
    told = told.replace("HOST", proxied.child.address.host)
    answer = await proxied.browse("GET", _answer(302, Location=told))
    if answer.code == 302:  # made harmless: a path below the child's own
        assert answer.headers["Location"].startswith(proxied.path("/"))
        assert ".." not in answer.headers["Location"]
    else:
        assert answer.code == 502
        assert "Location" not in answer.headers


async def test_answers_without_a_body(proxied: Proxied) -> None:
    head = await proxied.ask("HEAD", _answer(200, body="12345"))
    assert head.headers["Content-Length"] == "5"
    assert head.body == b""
    assert (await proxied.ask("DELETE", _answer(204))).code == 204
    assert (await proxied.ask("GET", _answer(304, ETag='"x"'))).code == 304
    assert (await proxied.ask("GET", _answer(599))).code == 599
    failed = await proxied.ask("GET", _answer(500, body="oops"))
    assert (failed.code, failed.body) == (500, b"oops")


async def test_an_address_without_its_slash_is_completed(proxied: Proxied) -> None:
    answer = await proxied.browse("GET", f"?token={proxied.token}&x=1")
    assert answer.code == 302
    assert answer.headers["Location"] == proxied.path("/?x=1")


async def test_answers_of_every_length_arrive_whole(proxied: Proxied) -> None:
    large = proxy_upstream.LARGE
    for size in (0, 1, large - 1, large, large + 1, 5 * large + 17):
        answer = await proxied.ask("GET", f"/stream?bytes={size}")
        pattern = bytes(range(256)) * (size // 256 + 1)
        assert answer.body == pattern[:size], size


async def test_an_answer_that_breaks_off_is_not_passed_as_whole(proxied: Proxied) -> None:
    size = 3_000_000
    with pytest.raises(HTTPStreamClosedError):
        await proxied.ask("GET", f"/stream?bytes={size}&stop=1000000")
    whole = await proxied.ask("GET", f"/stream?bytes={size}")
    assert len(whole.body) == size


async def test_a_child_that_says_nothing_or_nonsense(
    proxied: Proxied, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_upstream, "ANSWER_WITHIN", 0.2)
    assert (await proxied.ask("GET", "/silent")).code == 504
    monkeypatch.setattr(proxy_upstream, "ANSWER_WITHIN", 20)
    assert (await proxied.ask("GET", "/stream?bytes=nonsense")).code == 502


async def test_refused_paths(proxied: Proxied) -> None:
    for rest in (
        "/refused",
        "/refused/x",
        "/%72efused",
        "//refused",
        "/%2572efused",
        "/%2Frefused",
    ):
        answer = await proxied.ask("GET", rest)
        assert answer.code == 403, rest
        assert json.loads(answer.body)["code"] == "not_offered"
    for rest in ("/a/../b", "/%2e%2e/x", "/%252e%252e/x", "/a/.", "/a%00", "/\u00e9", "/a%0d%0ab"):
        answer = await proxied.ask("GET", rest)
        assert answer.code == 400, rest


async def test_a_stopped_child_is_explained(proxied: Proxied, call: Any) -> None:
    listed = (await call("GET", "children")).json["items"]
    assert [(one["child_id"], one["state"]) for one in listed] == [(proxied.child_id, "running")]
    for _ in range(2):
        assert (await call("DELETE", f"children/{proxied.child_id}")).status == 204
    assert (await call("GET", "children")).json == {"items": []}
    assert (await call("DELETE", "children/0123456789abcdef")).status == 404
    program = await proxied.ask()
    assert program.code == 503
    assert json.loads(program.body)["code"] == "child_stopped"
    person = await proxied.browse("GET", **{"Sec-Fetch-Dest": "iframe"})
    assert person.code == 503
    assert person.headers["Content-Type"].startswith("text/html")
    assert b"Open it again from JupyterLab" in person.body
    assert "sandbox" in person.headers["Content-Security-Policy"]
    again = (await call("POST", "children", {"kind": "echo"})).json
    assert again["child_id"] == proxied.child_id, "an open page finds it again"
    assert (await proxied.ask()).code == 200


async def test_a_child_that_died_is_told_at_once(proxied: Proxied) -> None:
    assert proxied.child._listener is not None
    os.kill(proxied.child._listener, 9)
    answer = await proxied.ask()
    assert answer.code in (502, 503)


async def test_too_many_requests_at_once(proxied: Proxied, monkeypatch: Any) -> None:
    monkeypatch.setattr(proxy, "MOST_REQUESTS", 0)
    assert (await proxied.ask()).code == 503


async def test_memory_stays_flat_however_slow_the_reader(proxied: Proxied) -> None:
    """The numbers for 2 GB are in ``benchmarks/proxy.py``."""
    size = 192 * 1024 * 1024
    await proxied.ask("GET", "/stream?bytes=10000000")
    reader, writer = await asyncio.open_connection("127.0.0.1", proxied.port, limit=64 * 1024)
    writer.write(
        f"GET {proxied.path(f'/stream?bytes={size}')} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: token {proxied.token}\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    before, most, got = _resident(), 0, 0
    while got < size:
        got += len(await reader.read(64 * 1024))
        most = max(most, _resident())
        if got < 4 * 1024 * 1024:
            await asyncio.sleep(0)  # slower than the child for a while
    writer.close()
    assert most - before < 64 * 1024 * 1024


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_a_child_that_takes_nothing_is_given_up(
    proxied: Proxied, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then the body waits where it is, and nothing of it is kept in memory."""
    await proxied.ask("PUT", body=bytes(10_000_000))
    before, most, size = _resident(), 0, 192 * 1024 * 1024
    monkeypatch.setattr(proxy_upstream, "ANSWER_WITHIN", 1.0)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxied.port)
    writer.write(_head(proxied, "PUT", "/deaf", f"Content-Length: {size}"))
    for _ in range(size // 2**20):
        writer.write(bytes(2**20))
        await writer.drain()
        most = max(most, _resident())
    assert (await _read_answer(reader))[0] == 504
    writer.close()
    assert most - before < 64 * 1024 * 1024
    await until(lambda: proxied.child.requests == 0)


async def test_a_client_that_goes_within_its_body_lets_the_child_go(proxied: Proxied) -> None:
    for length in (1000, 100_000_000):
        _, writer = await asyncio.open_connection("127.0.0.1", proxied.port)
        writer.write(_head(proxied, "PUT", "/", f"Content-Length: {length}") + bytes(999))
        await until(lambda: proxied.child.requests == 1)
        writer.transport.abort()
        await until(lambda: proxied.child.requests == 0)


async def test_a_client_that_goes_lets_the_child_go(proxied: Proxied) -> None:
    for rest in ("/stream?bytes=100000000000", "/silent"):
        _, writer = await asyncio.open_connection("127.0.0.1", proxied.port)
        writer.write(
            f"GET {proxied.path(rest)} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: token {proxied.token}\r\n\r\n".encode()
        )
        await until(lambda: proxied.child.requests == 1)
        assert proxied.child.idle_for() == 0.0
        writer.close()
        await until(lambda: proxied.child.requests == 0)


def _count_connections(proxied: Proxied) -> list[str]:
    """Note every connection that is made to the child from now on."""
    made: list[str] = []
    connect = type(proxied.child).connect

    def counted() -> socket.socket:
        made.append(quote(str(proxied.child.address.socket)))
        return connect(proxied.child)

    proxied.child.connect = counted  # type: ignore[method-assign]
    return made
