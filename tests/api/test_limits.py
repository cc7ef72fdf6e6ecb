"""Each limit has a request just within it and one beyond: 413 and 429, and when to come back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tornado.httputil import HTTPHeaders

from jupyter_mlkit.api.limits import MLKitLimits, Pace

from .matrix import World
from .routes import SPEC
from .team import as_person, team_config
from .test_access_matrix import live_handlers

LIMITS = {
    "body_bytes": 4096,
    "depth": 6,
    "key_length": 20,
    "string_bytes": 200,
    "requests_per_second": 1e6,
    "requests_burst": 10**6,
    "curve_points": 40,
    "curves_points": 20,
    "runs_compared": 3,
    "log_bytes_per_second": 10,
    "log_burst": 25,
}


@pytest.fixture
def jp_server_config(jp_server_config: Any) -> Any:
    return team_config(jp_server_config) | {"MLKitLimits": LIMITS}


@pytest.fixture
def services(jp_serverapp: Any) -> Any:
    return jp_serverapp.web_app.settings["jupyter_mlkit_services"]


@pytest.fixture
def call(call: Any) -> Any:
    async def ask(*args: Any, role: str = "contributor", **kwargs: Any) -> Any:
        headers = as_person(role) | kwargs.pop("headers", {})
        return await call(*args, headers=headers, **kwargs)

    return ask


def nested(depth: int) -> Any:
    """Return a body that is nested `depth` deep, the body and its spec among them."""
    value: Any = 1
    for _ in range(depth - 2):
        value = [value]
    return {"spec": SPEC | {"unknown": value}}


def spec_with(**more: Any) -> Any:
    return {"spec": SPEC | more}


@pytest.mark.parametrize(
    ("within", "beyond", "field"),
    [
        (nested(6), nested(7), None),
        (spec_with(**{"k" * 20: 1}), spec_with(**{"k" * 21: 1}), "spec"),
        (spec_with(unknown="ä" * 100), spec_with(unknown="ä" * 100 + "x"), "spec.unknown"),
        (spec_with(unknown=["x"] * 700), spec_with(unknown=["x"] * 1000), None),
    ],
    ids=["depth", "key", "text", "body"],
)
async def test_what_a_body_may_hold(call: Any, within: Any, beyond: Any, field: Any) -> None:
    allowed = await call("POST", "train/text", within)
    assert allowed.json["code"] == "invalid_spec", "read, and found to be no spec"
    refused = await call("POST", "train/text", beyond)
    assert (refused.status, refused.json["code"]) == (413, "too_large")
    assert refused.json["field"] == field


async def test_a_body_without_a_length(jp_fetch: Any, jp_http_port: int, jp_base_url: str) -> None:
    """Of a stream no more is kept than is read; the answer comes when it has ended."""
    head = _head("POST", jp_base_url, "train/text", {"Transfer-Encoding": "chunked"})
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
        writer.write(head)
        for _ in range(100):
            writer.write(b"400\r\n" + b" " * 1024 + b"\r\n")
        writer.write(b"0\r\n\r\n")
        assert (await reader.readline()).split()[1] == b"413"
        writer.close()


@pytest.mark.parametrize(
    ("role", "status"), [("stranger", b"403"), ("viewer", b"403"), ("owner", b"413")]
)
async def test_a_body_is_refused_before_it_is_sent(
    jp_fetch: Any, jp_http_port: int, jp_base_url: str, role: str, status: bytes
) -> None:
    head = _head("POST", jp_base_url, "jobs", {"Content-Length": "400000000"}, role)
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
        writer.write(head)
        assert (await reader.readline()).split()[1] == status
        writer.close()


def _head(
    method: str, base_url: str, path: str, more: dict[str, str], role: str = "owner"
) -> bytes:
    headers = HTTPHeaders(
        {"Host": "127.0.0.1", "Content-Type": "application/json"} | as_person(role) | more
    )
    lines = [f"{method} {base_url}jupyter-mlkit/api/{path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.get_all() if value]
    return "\r\n".join([*lines, "", ""]).encode()


async def test_how_much_of_curves_and_comparisons(
    call: Any, jp_fetch: Any, jp_serverapp: Any, services: Any
) -> None:
    world = World(jp_fetch, services, live_handlers(jp_serverapp))
    world.populate()
    ids = [world.objects[role]["run_id"] for role in ("viewer", "contributor", "owner", "other")]
    for runs, points, status in ((1, 40, 200), (1, 41, 413), (2, 20, 200), (2, 21, 413)):
        params = [("run_id", one) for one in ids[:runs]]
        params += [("key", "m"), ("max_points", str(points))]
        answer = await call("GET", "metrics", params=params)
        assert answer.status == status, (runs, points, answer.body)
    for runs, status in ((3, 200), (4, 413)):
        answer = await call("GET", "compare", params=[("run_id", one) for one in ids[:runs]])
        assert answer.status == status, answer.body


async def test_how_much_output_a_second(
    call: Any, jp_fetch: Any, jp_serverapp: Any, services: Any
) -> None:
    world = World(jp_fetch, services, live_handlers(jp_serverapp))
    world.populate()
    clock = [0.0]
    services.log_pace = Pace(10, 25, lambda: clock[0])
    log = f"jobs/{world.objects['owner']['job_id']}/log"
    first = await call("GET", log)
    assert (first.status, len(first.json["text"])) == (200, 100), "a piece is sent whole"
    refused = await call("GET", log)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "8")
    assert (await call("GET", log, role="viewer")).status == 200, "each person has a pace"
    clock[0] = 8.0
    assert (await call("GET", log)).status == 200


async def test_how_many_requests_a_second(call: Any, services: Any) -> None:
    clock = [0.0]
    services.request_pace = Pace(0.5, 3, lambda: clock[0])
    for _ in range(3):
        assert (await call("GET", "train/schema")).status == 200
    refused = await call("GET", "train/schema")
    assert (refused.status, refused.json["code"]) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == "2"
    assert (await call("POST", "jobs/0/stop")).status == 429, "every route counts"
    assert (await call("GET", "train/schema", role="viewer")).status == 200
    assert (await call("GET", "train/schema", role="stranger")).status == 403
    clock[0] = 2.0
    assert (await call("GET", "train/schema")).status == 200
    assert (await call("GET", "train/schema")).status == 429


def test_the_pace_forgets_who_has_waited_long_enough() -> None:
    clock = [0.0]
    pace = Pace(1, 1, lambda: clock[0])
    for number in range(5000):
        pace.take(f"person {number}")
    assert len(pace._left) == 1000
    assert pace.wait("person 4999") == 1
    clock[0] = 10.0
    pace.take("one more")
    assert pace.wait("person 4999") == 0


def test_the_limits_that_are_promised() -> None:
    """Those of docs/security.md."""
    found = {name: getattr(MLKitLimits(), name) for name in MLKitLimits.class_own_traits()}
    found.pop("parent", None), found.pop("config", None)
    assert json.loads(json.dumps(found)) == {
        "body_bytes": 2 * 1024**2,
        "depth": 32,
        "key_length": 250,
        "string_bytes": 64 * 1024,
        "requests_per_second": 50.0,
        "requests_burst": 200,
        "curve_points": 10_000,
        "curves_points": 2_000,
        "runs_compared": 200,
        "log_bytes_per_second": 64 * 1024,
        "log_burst": 1024**2,
    }
