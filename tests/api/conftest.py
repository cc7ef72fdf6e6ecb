"""A real Jupyter server under ``/a%40b/`` with the extension, and requests to it."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from drainers import end_drainers
from jsonschema import Draft202012Validator
from jupyter_server.utils import url_escape
from pytest_jupyter.jupyter_core import *  # noqa: F403
from pytest_jupyter.jupyter_server import *  # noqa: F403
from pytest_jupyter.pytest_tornasync import *  # noqa: F403
from tornado.httpclient import HTTPResponse

from jupyter_mlkit.api.openapi import document
from jupyter_mlkit.paths import journal_dir
from jupyter_mlkit.tracking.journal.home import Home

API = document()


@dataclass
class Answer:
    """Status, headers and JSON of an answer."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Call = Callable[..., Awaitable[Answer]]


@pytest.fixture
def own_environ() -> Iterator[None]:
    """Put the environment back: the extension sets variables for kernels."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def own_drainer(jp_environ: None) -> Iterator[None]:
    """End what brings the runs of jobs: where their store is away it would try for ever."""
    home = Home(journal_dir())
    yield
    end_drainers(home)


@pytest.fixture
def jp_server_config(
    new_store: Callable[[], Path], own_environ: None, own_drainer: None
) -> dict[str, Any]:
    store = new_store()
    return {
        "ServerApp": {
            "jpserver_extensions": {"jupyter_mlkit": True},
            "allow_unauthenticated_access": False,
        },
        "MLKitApp": {"tracking_uri": f"sqlite:///{store}"},
        # Tests ask faster than any person; the limits have tests of their own.
        "MLKitLimits": {"requests_per_second": 1e6, "requests_burst": 10**6},
    }


@pytest.fixture
def call(jp_fetch: Any) -> Call:
    """Ask a route; the answer is checked against the API's description."""

    async def ask(
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        params: dict[str, Any] | list[tuple[str, Any]] | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = 60,
    ) -> Answer:
        path, _, query = path.partition("?")
        pairs = list(params.items() if isinstance(params, dict) else params or [])
        pairs += parse_qsl(query, keep_blank_values=True)
        sent = raw if raw is not None else None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | (headers or {})
        response: HTTPResponse = await jp_fetch(
            "jupyter-mlkit/api",
            path,
            method=method,
            body=sent,
            params=pairs,
            headers=headers,
            raise_error=False,
            follow_redirects=False,
            allow_nonstandard_methods=True,
            request_timeout=timeout,
        )
        answer = Answer(response.code, response.headers, response.body)
        conforms(method, path, answer)
        return answer

    return ask


def conforms(method: str, path: str, answer: Answer) -> None:
    """Assert that an answer is what the API's description says of it."""
    if 300 <= answer.status < 400:
        return
    operation = _operation(method, path)
    if answer.status >= 400:
        validate({"$ref": "#/components/schemas/ErrorBody"}, answer.json)
        return
    assert operation is not None, f"{method} {path} is not described"
    described = operation["responses"].get(str(answer.status))
    assert described is not None, f"{method} {path} answered {answer.status}"
    content = described.get("content")
    if content is None:
        assert answer.body == b""
    elif "application/json" in content:
        assert answer.headers["Content-Type"].startswith("application/json")
        validate(content["application/json"]["schema"], answer.json)


def validate(schema: dict[str, Any], value: Any) -> None:
    Draft202012Validator({**schema, "components": API["components"]}).validate(value)


def _operation(method: str, path: str) -> dict[str, Any] | None:
    wanted = [url_escape(part) for part in path.strip("/").split("/")]
    best: dict[str, Any] | None = None
    for template, item in API["paths"].items():
        parts = template.strip("/").split("/")
        if len(parts) != len(wanted) or method.lower() not in item:
            continue
        pairs = list(zip(parts, wanted, strict=True))
        if all(part == word for part, word in pairs):
            return item[method.lower()]
        if all(part.startswith("{") or part == word for part, word in pairs):
            best = item[method.lower()]
    return best
