"""Whatever an address says, it names a child that we have started or nobody."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from children.kinds import echo
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tornado.httputil import HTTPHeaders

from jupyter_mlkit.api import proxy_rules
from jupyter_mlkit.children.kind import Address
from jupyter_mlkit.children.mlflow_ui import mlflow_ui
from jupyter_mlkit.errors import InvalidInputError, MLKitError

from .proxied import Proxied, proxied

__all__ = ["proxied"]

#: What makes servers and libraries disagree about where an address leads.
_TRICKS = st.sampled_from(
    ["/", "//", "\\", "%2f", "%2F", "%5c", "..", "%2e%2e", ".", "%00", "%0d%0a", "@", ":", "%40",
     "?", "#", "%23", "%3f", ";", "[::1]", "127.0.0.1", "localhost", "evil.example", ":22", ":80",
     "http:", "http://", "https://evil.example", "//evil.example", "user:pw@", "unix:", "%2", "%",
     "token=1", "children", "0123456789abcdef", "\u2603", "%E2%98%83", " ", "ID", "api", "&", "="]
)  # fmt: skip
_PARTS = st.lists(_TRICKS, max_size=8).map("".join)


class Connections:
    """Notes where a thread connects to and what names it looks up, for as long as it is on."""

    def __init__(self) -> None:
        self.made: list[Any] = []
        self.thread: int | None = None
        sys.addaudithook(self._note)  # stays for the life of the process: there is no way back

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.thread != threading.get_ident():
            return
        if event == "socket.connect":
            self.made.append(arguments[1])
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            self.made.append(arguments[0])


CONNECTIONS = Connections()


async def test_any_address_leads_to_a_registered_socket_or_nowhere(
    proxied: Proxied, jp_serverapp: Any
) -> None:
    """The server runs in this thread; what it connects to is told by the interpreter."""
    registered = str(proxied.child.address.socket)
    statuses: set[int] = set()

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        before=_PARTS, after=_PARTS, hosted=st.booleans(), method=st.sampled_from(["GET", "PUT"])
    )
    @example(before="http://evil.example:80", after="", hosted=False, method="GET")
    @example(before="", after="ID/", hosted=True, method="GET")
    @example(before="", after="ID@evil.example/", hosted=True, method="PUT")
    @example(before="", after="ID%2f..%2f..%2fevil", hosted=True, method="GET")
    @example(before="", after="ID/http://evil.example/", hosted=True, method="GET")
    @example(before="", after="127.0.0.1:22/", hosted=True, method="GET")
    def ask(before: str, after: str, hosted: bool, method: str) -> None:
        here = proxied.path("").removesuffix(proxied.child_id) if hosted else "/"
        target = f"{before}{here}{after}".replace("ID", proxied.child_id)
        if not target.startswith(("/", "http")):
            target = "/" + target
        statuses.add(raw(proxied, method, quote(target, safe="!-~%/\\@:?#;[]&= ")))

    CONNECTIONS.made.clear()
    CONNECTIONS.thread = threading.get_ident()
    try:
        await asyncio.to_thread(ask)
    finally:
        CONNECTIONS.thread = None
    assert set(CONNECTIONS.made) == {registered}
    assert {200, 404} <= statuses
    assert 500 not in statuses


def raw(proxied: Proxied, method: str, target: str) -> int:
    """Send a request as it stands, in a thread of its own, and return the status."""
    target = target.replace(" ", "%20")
    with socket.create_connection(("127.0.0.1", proxied.port), timeout=20) as connection:
        connection.sendall(
            f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{proxied.port}\r\n"
            f"Authorization: token {proxied.token}\r\nContent-Length: 0\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        line = connection.makefile("rb").readline()
    return int(line.split()[1]) if line else 0


# ---------------------------------------------------------------------------------- the rules

ADDRESS = Address(socket=Path("/run/s"), host="abc.mlkit.invalid")


@given(_PARTS)
def test_a_path_is_passed_on_as_it_came_or_not_at_all(rest: str) -> None:
    try:
        child_id, path = proxy_rules.child_path(f"/p/id/{rest}", "/p/")
    except InvalidInputError:
        return
    assert (child_id, path) == ("id", f"/{rest}")
    assert path.isascii()
    assert not re.search(r"[\s\\?#]", path)
    assert ".." not in path.split("/")


@given(st.lists(st.tuples(_PARTS, _PARTS), max_size=5))
def test_a_query_loses_our_names_and_nothing_else(pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in [*pairs, ("token", "t")])
    kept = proxy_rules.child_query(query)
    names = [part.partition("=")[0] for part in kept.split("&")]
    assert "token" not in names
    assert kept == "&".join(
        part for part in query.split("&") if part.partition("=")[0].lower() not in ("token",)
    )


@given(_PARTS, st.booleans())
def test_a_redirect_stays_below_the_child(told: str, absolute: bool) -> None:
    told = ("http://abc.mlkit.invalid" if absolute else "") + told
    try:
        seen = proxy_rules.location(told, ADDRESS, "/user/x/children/id/", "/a/b")
    except MLKitError:
        return
    path = seen.partition("?")[0].partition("#")[0]
    assert path.startswith("/user/x/children/id/")
    assert ".." not in path.split("/")
    assert "\n" not in seen


@given(st.dictionaries(st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,30}", fullmatch=True), st.just("v")))
def test_only_headers_that_are_known_pass(headers: dict[str, str]) -> None:
    kind = echo()
    passed = proxy_rules.child_headers(HTTPHeaders(headers), kind, ADDRESS, websocket=False)
    known = proxy_rules._ASKED | kind.headers | {"host", "origin", "connection"}
    assert {name.lower() for name in passed} <= known
    assert passed["Host"] == ADDRESS.host
    back = proxy_rules.answer_headers(HTTPHeaders(headers), kind, "/page")
    assert {name.lower() for name, _ in back} <= proxy_rules._ANSWERED


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://localhost:8888", "localhost:8888", True),
        ("https://hub.example", "hub.example", True),
        ("https://HUB.example", "hub.example", True),
        ("http://localhost", "localhost:8888", False),
        ("http://localhost:8888.evil.example", "localhost:8888", False),
        ("http://localhost:8888@evil.example", "localhost:8888", False),
        ("http://localhost:8888/", "localhost:8888", False),
        ("file://localhost:8888", "localhost:8888", False),
        ("localhost:8888", "localhost:8888", False),
        ("http://a,http://localhost:8888", "localhost:8888", False),
        ("null", "localhost:8888", False),
        ("http://", "", False),
        (None, "localhost", False),
    ],
)
def test_an_origin_is_the_hosts_own_or_not(origin: str | None, host: str, same: bool) -> None:
    assert proxy_rules.same_origin(origin, host) is same


def test_mlflow_is_told_everything_that_is_safe_to_see() -> None:
    kind = mlflow_ui("sqlite:////x/mlflow.db", "/x/artifacts")
    words = kind.command(ADDRESS)
    assert "sqlite" not in " ".join(words), "a store's address may hold a password"
    assert kind.environment(ADDRESS)["MLFLOW_BACKEND_STORE_URI"] == "sqlite:////x/mlflow.db"
    assert not kind.storage
    assert mlflow_ui("postgresql://db/mlflow", "s3://bucket/x").storage
    with pytest.raises(MLKitError, match=r"page of its own: https://mlflow\.example") as refused:
        mlflow_ui("https://me:secret@mlflow.example", None)
    assert refused.value.code == "store_is_server"
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ("/ajax-api/2.0/mlflow/runs/search", False),
        ("/api/2.0/mlflow-artifacts/artifacts/gateway/webhooks/assistant", False),
        ("/get-artifact", False),
        ("/graphql", False),
        ("/ajax-api/3.0/mlflow/traces/search", False),
        ("/ajax-api/2.0/mlflow/gateway-proxy", False),
        ("/ajax-api/3.0/mlflow/assistant", True),
        ("/ajax-api/3.0/mlflow/assistant/message", True),
        ("/api/2.0/mlflow/webhooks/create", True),
        ("/api/3.0/mlflow/gateway/secrets/create", True),
        ("/gateway/x/mlflow/invocations", True),
        ("/gateway", True),
        ("/ajax-api/3.0/jobs/1", True),
        ("/AJAX-API/3.0/mlflow/Assistant", True),
        ("/%67ateway/x", True),
        ("/%2567ateway/x", True),
        ("//gateway///x", True),
        ("/ajax-api%2F3.0%2Fmlflow%2Fassistant", True),
    ],
)
def test_what_mlflow_may_not_be_asked(path: str, refused: bool) -> None:
    assert proxy_rules.refused(mlflow_ui("sqlite:///x.db", None), path) is refused
