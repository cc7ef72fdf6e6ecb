"""Requests that are wrong in another way than by who sends them, and the guard against each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from jupyter_server.base.handlers import JupyterHandler

from jupyter_mlkit.api import base, reading
from jupyter_mlkit.api.base import MLKitHandler

from .routes import SPEC
from .team import PEOPLE, as_person


@dataclass(frozen=True)
class Special:
    """A request that must be refused, by one guard that can be taken away.

    Attributes
    ----------
    place, attribute : object, str
        The guard.
    without : object
        What stands there where it is taken away.
    status, code : int, str
        The refusal.
    """

    name: str
    place: Any
    attribute: str
    without: Any
    status: int
    code: str
    method: str = "POST"
    path: str = "train/text"
    body: Any = field(default_factory=lambda: {"spec": SPEC})
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    by_cookie: bool = False

    async def is_refused(self, jp_fetch: Any, jp_serverapp: Any) -> bool:
        """Send it as the owner and tell whether it was refused as it must be."""
        who = as_person("owner")
        if self.by_cookie:
            cookies = await signed_in(jp_fetch, "owner")
            who = {"Authorization": "", "Cookie": cookies["cookie"]}
            if "X-XSRFToken" in self.headers:
                who["X-XSRFToken"] = cookies["xsrf"]
        answer = await jp_fetch(
            "jupyter-mlkit/api",
            self.path,
            method=self.method,
            body=None if self.body is None else json.dumps(self.body).encode(),
            params=self.query,
            headers={"Content-Type": "application/json"} | self.headers | who,
            raise_error=False,
            follow_redirects=False,
            allow_nonstandard_methods=True,
        )
        code = json.loads(answer.body).get("code") if answer.code >= 400 else None
        assert answer.code < 500, answer.body
        return (answer.code, code) == (self.status, self.code)


async def signed_in(jp_fetch: Any, role: str, **headers: str) -> dict[str, str]:
    """Return the cookies of a page that a member has open, and its XSRF token."""
    pages = [
        await jp_fetch("api", "me", headers=as_person(role) | headers),
        await jp_fetch("login", headers={"Authorization": ""} | headers),
    ]
    cookies = [morsel for page in pages for morsel in page.headers.get_list("Set-Cookie")]
    cookie = "; ".join(morsel.partition(";")[0] for morsel in cookies)
    return {"cookie": cookie, "xsrf": cookie.partition("_xsrf=")[2].partition(";")[0]}


def _nothing(*_: Any, **__: Any) -> None:
    """Stand where a guard stood."""


def _deep(depth: int) -> Any:
    found: Any = 1
    for _ in range(depth):
        found = [found]
    return found


def _with(value: Any) -> dict[str, Any]:
    return {"spec": SPEC | {"unknown": value}}


SPECIAL = [
    Special(
        "the page's cookie without its token",
        JupyterHandler,
        "check_xsrf_cookie",
        _nothing,
        403,
        "forbidden",
        by_cookie=True,
    ),
    Special(
        "another origin",
        JupyterHandler,
        "check_origin",
        lambda *_: True,
        404,
        "not_found",
        headers={"Origin": "https://evil.example", "X-XSRFToken": ""},
        by_cookie=True,
    ),
    Special(
        "another host",
        JupyterHandler,
        "check_host",
        lambda _: True,
        403,
        "not_signed_in",
        headers={"Host": "evil.example"},
    ),
    Special(
        "a form",
        base,
        "check_media_type",
        _nothing,
        415,
        "unsupported_media_type",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ),
    Special(
        "no declared type and no body",
        base,
        "check_media_type",
        _nothing,
        415,
        "unsupported_media_type",
        path="jobs/0/stop",
        body=None,
        headers={"Content-Type": ""},
    ),
    Special(
        "a token in the address",
        MLKitHandler,
        "_refuse_token_in_url",
        _nothing,
        400,
        "token_in_url",
        query={"token": "owner-token"},
    ),
    Special(
        "a body that is announced to be too large",
        base,
        "check_length",
        _nothing,
        413,
        "too_large",
        path="jobs/0/stop",
        body={"spec": "x" * 2**21},
    ),
    Special(
        "nesting",
        reading,
        "check_shape",
        _nothing,
        413,
        "too_large",
        body={"spec": {"a": _deep(40)}},
    ),
    Special(
        "a key", reading, "check_shape", _nothing, 413, "too_large", body=_with({"k" * 251: 1})
    ),
    Special(
        "a text",
        reading,
        "check_shape",
        _nothing,
        413,
        "too_large",
        body=_with("x" * 65537),
    ),
]
__all__ = ["PEOPLE", "SPECIAL", "Special", "signed_in"]
