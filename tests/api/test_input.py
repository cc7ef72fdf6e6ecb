"""What comes in is read strictly, and every refusal says which field and why."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from jupyter_mlkit.api.base import MLKitHandler
from jupyter_mlkit.api.limits import MLKitLimits
from jupyter_mlkit.api.threads import Threads
from jupyter_mlkit.errors import (
    BackendError,
    BackendTimeoutError,
    ConflictError,
    ForbiddenError,
    MLKitError,
    NotFoundError,
    TooLargeError,
)
from jupyter_mlkit.models import JobPage

from .routes import SPEC, every_endpoint, well_formed

WITH_BODY = [
    (method, path, declared) for method, path, declared, _ in every_endpoint() if declared.body
]


async def test_bodies_that_are_refused_everywhere(call: Any) -> None:
    deep = b"[" * 100_000
    for method, path, declared in WITH_BODY:
        good, _ = well_formed(declared)
        assert good is not None
        wrong: list[tuple[bytes, dict[str, str], int, str]] = [
            (b"", {}, 400, "invalid_input"),
            (b"{", {}, 400, "invalid_input"),
            (b"[]", {}, 400, "invalid_input"),
            (b'"\xff"', {}, 400, "invalid_input"),
            (b'{"no_such_field": 1}', {}, 400, "invalid_input"),
            (b'{"note": NaN, "description": NaN, "spec": {"a": NaN}}', {}, 400, "invalid_input"),
            (b'{"spec": ' + deep, {}, 413, "too_large"),
            (good, {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
            (good, {"Content-Type": "application/x-www-form-urlencoded"}, 415, ""),
            (b" " * (MLKitLimits().body_bytes + 1), {}, 413, "too_large"),
        ]
        for raw, headers, status, code in wrong:
            answer = await call(method, path, raw=raw, headers=headers)
            assert answer.status == status, (method, path, raw[:40], answer.body)
            assert answer.json["code"] == code or not code
            assert answer.json["message"]


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("runs", [("max_results", "0")], "max_results"),
        ("runs", [("max_results", "1001")], "max_results"),
        ("experiments", [("max_results", "ten")], "max_results"),
        ("jobs", [("max_results", "1"), ("max_results", "2")], "max_results"),
        ("jobs", [("page_token", "x")], "page_token"),
        ("registry/models", [("max_results", "-1")], "max_results"),
        ("runs", [("filtre", "a")], "filtre"),
        ("status", [("x", "a")], "x"),
        ("runs", [("view", "everything")], "view"),
        ("runs", [("filter", "metrics.")], "filter"),
        ("runs", [("period", "last year")], "period"),
        ("runs", [("cube", "x" * 2001)], "cube"),
        ("compare", [("run_id", "a")], "run_id"),
        ("metrics", [("run_id", "a")], "key"),
        ("runs/0/artifacts/content", [], "path"),
        ("runs/0/artifacts", [("max_results", "1.5")], "max_results"),
    ],
)
async def test_queries_that_are_refused(
    call: Any, path: str, params: list[tuple[str, str]], field: str
) -> None:
    answer = await call("GET", path, params=params)
    assert (answer.status, answer.json["field"]) == (400, field), answer.body


async def test_what_the_page_adds_is_no_parameter(call: Any) -> None:
    answer = await call("GET", "train/schema?1790000000000&no_track_activity=1")
    assert answer.status == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "runs/{0}", None),
        ("PATCH", "runs/{0}", {"note": "n"}),
        ("DELETE", "runs/{0}", None),
        ("POST", "runs/{0}/restore", None),
        ("PUT", "runs/{0}/tags", {"key": "k", "value": "v"}),
        ("DELETE", "runs/{0}/tags?key=k", None),
        ("GET", "runs/{0}/artifacts", None),
        ("GET", "runs/{0}/artifacts/content?path=a", None),
        ("GET", "compare?run_id={0}&run_id=1", None),
        ("GET", "jobs/{0}", None),
        ("GET", "jobs/{0}/log", None),
        ("POST", "jobs/{0}/stop", None),
        ("GET", "registry/models/none", None),
        ("PATCH", "registry/models/none", {"description": "d"}),
        ("GET", "registry/models/none/versions", None),
        ("POST", "registry/models/none/versions", {"run_id": "0" * 32}),
        ("PATCH", "registry/models/none/versions/1", {"description": "d"}),
        ("PUT", "registry/models/none/aliases/a", {"version": "1"}),
        ("DELETE", "registry/models/none/aliases/a", None),
        ("POST", "train/kernels/none", None),
    ],
)
async def test_what_is_not_there_is_404(call: Any, method: str, path: str, body: Any) -> None:
    answer = await call(method, path.format("0" * 32), body)
    assert answer.status == 404, answer.body
    assert answer.json["message"]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"target": None}, {"target"}),
        ({"target": "", "features": []}, {"target", "features"}),
        ({"sources": [{"uri": 3}], "use": "luck"}, {"sources.0.uri", "use"}),
        (
            {"sources": [{"uri": "x", "options": {"secret_key": "s"}}]},
            {"sources.0.options.secret_key"},
        ),
        ({"split": {"kind": "block"}}, {"split.sizes"}),
        ({"split": {"kind": "dice"}}, {"split.kind"}),
        ({"features": ["y"]}, {"features"}),
        ({"epochs": 3}, {"epochs"}),
        ({"kernelspec": "no-kernel"}, {"kernelspec"}),
    ],
)
async def test_a_wrong_spec_names_every_field(
    call: Any, change: dict[str, Any], fields: set[str]
) -> None:
    spec = SPEC | change
    answer = await call("POST", "train/validate", {"spec": spec})
    assert answer.status == 200
    assert answer.json["ok"] is False
    assert {error["field"] for error in answer.json["errors"]} == fields
    refused = await call("POST", "jobs", {"spec": spec})
    assert refused.status == 400
    assert refused.json["field"] in fields
    assert (await call("GET", "jobs")).json["items"] == [], "nothing is left behind"
    for path in ("train/preview", "train/text"):
        if change != {"kernelspec": "no-kernel"}:
            assert (await call("POST", path, {"spec": spec})).json["field"] in fields


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFoundError("m"), 404),
        (ForbiddenError("m"), 403),
        (ConflictError("m"), 409),
        (TooLargeError("m"), 413),
        (BackendError("m", code="store_locked"), 502),
        (BackendTimeoutError("m"), 504),
        (MLKitError("m"), 500),
    ],
)
async def test_every_error_has_its_status(
    call: Any, monkeypatch: pytest.MonkeyPatch, error: MLKitError, status: int
) -> None:
    async def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(MLKitHandler, "blocking", fail)
    answer = await call("GET", "jobs")
    assert (answer.status, answer.json["code"]) == (status, error.code)


async def test_what_nobody_foresaw_is_told_to_the_log_only(
    call: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: Any) -> None:
        raise ZeroDivisionError("password=canary")

    monkeypatch.setattr(MLKitHandler, "blocking", fail)
    answer = await call("GET", "jobs?no_track_activity=1")
    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    assert b"canary" not in answer.body
    assert "canary" not in caplog.text
    traces = [record for record in caplog.records if record.exc_info or record.exc_text]
    assert len(traces) == 1
    assert "jupyter-mlkit/api/jobs" in traces[0].getMessage()


async def test_a_page_that_goes_away_is_no_error(
    call: Any,
    jp_http_port: int,
    jp_base_url: str,
    jp_auth_header: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked, gone, told = asyncio.Event(), asyncio.Event(), asyncio.Event()
    log_exception = MLKitHandler.log_exception

    async def answer_late(*_: Any) -> JobPage:
        asked.set()
        await gone.wait()
        return JobPage(items=[], next_page_token=None)

    def notice(handler: MLKitHandler, *what: Any) -> None:
        log_exception(handler, *what)
        told.set()

    monkeypatch.setattr(MLKitHandler, "blocking", answer_late)
    monkeypatch.setattr(MLKitHandler, "on_connection_close", lambda _: gone.set())
    monkeypatch.setattr(MLKitHandler, "log_exception", notice)
    async with asyncio.timeout(20):
        _, page = await asyncio.open_connection("127.0.0.1", jp_http_port)
        page.write(
            f"GET {jp_base_url}jupyter-mlkit/api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: {jp_auth_header['Authorization']}\r\n\r\n".encode()
        )
        await asked.wait()
        page.close()
        await told.wait()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert (await call("GET", "jobs")).status == 200


async def test_a_call_that_hangs_is_given_up_and_a_full_line_says_so() -> None:
    release = threading.Event()
    threads = Threads("test", workers=1, waiting=1)
    with pytest.raises(BackendTimeoutError):
        await threads.call(release.wait, timeout=0.05)
    with pytest.raises(BackendTimeoutError):
        await threads.call(release.wait, timeout=0.05)
    with pytest.raises(MLKitError) as raised:
        await threads.call(release.wait, timeout=0.05)
    assert (raised.value.status, raised.value.code) == (503, "busy")
    release.set()
    async with asyncio.timeout(10):
        while threads._calls.qsize():
            await asyncio.sleep(0.01)
        assert await threads.call(lambda: 3, timeout=5) == 3
