"""Default deny: generated from the table of routes, so that none is forgotten."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tornado import web

from jupyter_mlkit.api.base import MLKitHandler, UnknownRouteHandler
from jupyter_mlkit.api.endpoint import endpoint
from jupyter_mlkit.api.routes import PREFIX

from .recording import RecordingAuthorizer, jp_server_config
from .routes import every_endpoint, well_formed

__all__ = ["jp_server_config"]

ENDPOINTS = every_endpoint()


@pytest.fixture
def authorizer(jp_serverapp: Any) -> RecordingAuthorizer:
    """It refuses, until it is told another answer."""
    jp_serverapp.authorizer.answer = False
    return jp_serverapp.authorizer


@pytest.fixture
def side_effects(jp_serverapp: Any) -> Any:
    """Tell what a request may have left behind."""
    services = jp_serverapp.web_app.settings["jupyter_mlkit_services"]

    def look() -> Any:
        folder = services.settings.folder
        files = sorted(str(path) for path in folder.rglob("*")) if folder.exists() else []
        return files, sorted(services._made), services._prepared

    return look


def test_the_live_router_has_the_table(jp_serverapp: Any) -> None:
    """Walk tornado's own rules: nothing of ours stands there that the tests do not know."""
    found = set()
    prefix = jp_serverapp.base_url.rstrip("/") + PREFIX
    for rule in jp_serverapp.web_app.wildcard_router.rules + [
        inner
        for outer in jp_serverapp.web_app.default_router.rules
        for inner in getattr(outer.target, "rules", [])
    ]:
        pattern = getattr(rule.matcher, "regex", None)
        if pattern is not None and prefix in pattern.pattern:
            assert issubclass(rule.target, MLKitHandler)
            found.add(rule.target)
    assert found == {handler for *_, handler in ENDPOINTS} | {UnknownRouteHandler}


@pytest.mark.parametrize("credential", ["none", "wrong token", "token in a cookie"])
async def test_nobody_gets_in(
    jp_fetch: Any, side_effects: Any, authorizer: Any, credential: str
) -> None:
    headers = {
        "none": {"Authorization": ""},
        "wrong token": {"Authorization": "token 1234"},
        "token in a cookie": {"Authorization": "", "Cookie": "username-localhost=abc; _xsrf=x"},
    }[credential]
    before = side_effects()
    for method, path, declared, _ in ENDPOINTS:
        body, query = well_formed(declared)
        answer = await _send(jp_fetch, method, path, body, query, headers)
        assert answer.code == 403, (method, path)
        assert b"message" in answer.body
    assert authorizer.asked == [], "the stranger is turned away before"
    assert side_effects() == before


async def test_the_authorizer_is_asked_exactly_what_is_declared(
    jp_fetch: Any, side_effects: Any, authorizer: Any
) -> None:
    before = side_effects()
    shuffled = ENDPOINTS * 3
    random.Random(1).shuffle(shuffled)
    for method, path, declared, _ in shuffled:
        body, query = well_formed(declared)
        authorizer.asked.clear()
        answer = await _send(jp_fetch, method, path, body, query)
        assert answer.code == 403, (method, path)
        assert b'"code":"forbidden"' in answer.body
        assert authorizer.asked == [(declared.action, declared.resource)], (method, path)
    assert side_effects() == before


async def test_an_authorizer_that_fails_lets_nobody_in(
    jp_fetch: Any, side_effects: Any, authorizer: Any
) -> None:
    before = side_effects()
    for refusal in (RuntimeError("secret detail"), None, 0, ""):
        authorizer.answer = refusal
        for method, path, declared, _ in ENDPOINTS[:6]:
            body, query = well_formed(declared)
            answer = await _send(jp_fetch, method, path, body, query)
            assert answer.code == (500 if isinstance(refusal, Exception) else 403)
            assert b"secret detail" not in answer.body
    assert side_effects() == before


async def test_methods_that_are_not_there(jp_fetch: Any, authorizer: Any) -> None:
    authorizer.answer = True
    paths = {path: set() for _, path, *_ in ENDPOINTS}
    for method, path, *_ in ENDPOINTS:
        paths[path].add(method)
    for path, known in paths.items():
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - known:
            answer = await _send(jp_fetch, method, path, None, [])
            assert answer.code == 405, (method, path)
            stranger = await _send(jp_fetch, method, path, None, [], {"Authorization": ""})
            assert stranger.code == 403, (method, path)


async def test_unknown_routes_answer_in_json(jp_fetch: Any, authorizer: Any) -> None:
    authorizer.answer = True
    for method in ("GET", "POST", "DELETE"):
        answer = await _send(jp_fetch, method, "no/such/thing", None, [])
        assert answer.code == 404
        assert b'"code":"not_found"' in answer.body
    authorizer.answer = False
    assert (await _send(jp_fetch, "GET", "nothing", None, [])).code == 403


async def test_another_page_cannot_use_the_cookie(
    jp_fetch: Any, jp_serverapp: Any, authorizer: Any, side_effects: Any
) -> None:
    """With a signed-in cookie, what writes or starts something needs the XSRF token too."""
    authorizer.answer = True
    cookie = await _signed_in(jp_fetch, jp_serverapp)
    before = side_effects()
    for method, path, declared, _ in ENDPOINTS:
        if method == "GET":
            continue
        body, query = well_formed(declared)
        for extra in ({}, {"X-XSRFToken": "guessed"}, {"Content-Type": "text/plain"}):
            headers = {"Authorization": "", "Cookie": cookie} | extra
            answer = await _send(jp_fetch, method, path, body, query, headers)
            assert answer.code == 403, (method, path, answer.body)
    assert side_effects() == before
    signed_in = {"Authorization": "", "Cookie": cookie}
    assert (await _send(jp_fetch, "GET", "train/schema", None, [], signed_in)).code == 200
    xsrf = {"X-XSRFToken": cookie.partition("_xsrf=")[2].partition(";")[0]}
    stop = await _send(jp_fetch, "POST", "jobs/0/stop", None, [], signed_in | xsrf)
    assert stop.code == 404, "with the header, it is let in"


def test_a_method_without_a_declaration_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="who may call it"):

        class Forgotten(MLKitHandler):
            path = "forgotten"

            @endpoint("read", "status", "Fine")
            async def get(self) -> None:
                """Declared."""

            async def post(self) -> None:
                """Not declared."""


async def test_a_method_that_came_another_way_is_not_run(
    jp_fetch: Any, authorizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    authorizer.answer = True
    handler = next(handler for _, path, _, handler in ENDPOINTS if path == "status")

    def post(self: Any) -> None:
        self.finish("ran")

    monkeypatch.setattr(handler, "post", web.authenticated(post))
    answer = await _send(jp_fetch, "POST", "status", None, [])
    assert answer.code == 405
    assert authorizer.asked == []


async def _send(
    jp_fetch: Any,
    method: str,
    path: str,
    body: bytes | None,
    query: list[tuple[str, str]],
    headers: dict[str, str] | None = None,
) -> Any:
    return await jp_fetch(
        "jupyter-mlkit/api",
        path,
        method=method,
        body=body,
        params=query,
        headers={"Content-Type": "application/json"} | (headers or {}),
        raise_error=False,
        follow_redirects=False,
        allow_nonstandard_methods=True,
    )


async def _signed_in(jp_fetch: Any, jp_serverapp: Any) -> str:
    """Return the cookies of a page that was opened with the token, without an XSRF header."""
    token = jp_serverapp.identity_provider.token
    pages = [
        await jp_fetch("api", "me", headers={"Authorization": ""}, params={"token": token}),
        await jp_fetch(
            "login", headers={"Authorization": ""}
        ),  # a page with a form, so it brings the XSRF token
    ]
    cookies = [morsel for page in pages for morsel in page.headers.get_list("Set-Cookie")]
    return "; ".join(morsel.partition(";")[0] for morsel in cookies)
