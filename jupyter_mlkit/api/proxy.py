"""Passes requests on to children of this server: authenticate, authorize, strip, forward."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from html import escape
from http.client import responses
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.httputil import HTTPHeaders
from tornado.iostream import IOStream, SSLIOStream, StreamClosedError

from ..children.child import Child
from ..errors import ForbiddenError, InvalidInputError, MLKitError, TooLargeError
from . import proxy_rules
from .base import MLKitHandler
from .endpoint import MARK, Action, endpoint
from .owned import Owned
from .proxy_relay import relay_body
from .proxy_upstream import LARGE, PIECE, Upstream, pump
from .refusal import Refusal, body_of
from .threads import BusyError

#: Where the pages of children stand below the server's base URL.
PROXY_PREFIX = "/jupyter-mlkit/children/"
#: Bytes of a body that are passed on at most: an artifact is uploaded in one piece.
MOST_BYTES = 64 * 1024**3
#: Requests to one child at the same time.
MOST_REQUESTS = 64
#: Seconds after which an open websocket is asked again whether it may.
RECHECK = 30.0

_DOCUMENTS = frozenset({"document", "iframe", "frame"})


def _passed_on(action: Action) -> Callable[..., Awaitable[None] | None]:
    """Declare a method of the proxy: what it may is asked as everywhere, its body is not read."""

    async def forward(handler: ProxyHandler, /, **_: str) -> None:
        await handler.forward()

    declared = endpoint(action, "proxy", "Use a program", on=Owned("program"), binary=True)
    setattr(forward, MARK, getattr(declared(forward), MARK))
    return web.authenticated(forward)


class ProxyHandler(MLKitHandler):
    """Everything below the address of a child.

    The XSRF cookie is not asked for here, as a child's page does not know it; what is asked
    instead stands in :meth:`check_xsrf_cookie`.
    """

    path = "children/{rest}"

    get = _passed_on("read")
    head = _passed_on("read")
    post = _passed_on("write")
    put = _passed_on("write")
    patch = _passed_on("write")
    delete = _passed_on("write")

    def initialize(self) -> None:
        """Start without a child."""
        super().initialize()
        self._using = ExitStack()
        self._child: Child | None = None
        self._upstream: Upstream | None = None
        self._place = self._target_path = ""
        self._problem: MLKitError | None = None
        self._gone = False

    # ------------------------------------------------------------------------ who may do what

    async def prepare(self) -> None:  # type: ignore[override]
        """Let somebody in, then open the way to the child; the body is read after that."""
        declared = self.endpoints.get((self.request.method or "").lower())
        try:
            await APIHandler.prepare(self)
            user = self._signed_in()
            if declared is None:
                raise web.HTTPError(405)
            await self._authorize(user, declared)
            if self._is_websocket:
                # Nobody sees what is said there, so it has to be somebody who may change things.
                await self._authorize(user, self.endpoints["post"])
                self.check_xsrf_cookie()
            self._admitted = True
            # A page left open asks by itself; who opens one, or runs a program, is there.
            self._track_activity = self._is_document or self._has_token_in_header()
            await self._reach_child()
        except MLKitError as error:
            raise Refusal(error) from error

    def check_xsrf_cookie(self) -> None:
        """Refuse what another page may have sent.

        Called for methods that change things, and for websockets. The request has to carry the
        server's token in a header, which no browser adds by itself, or come from a page of
        exactly this origin, which every browser says and no page can.
        """
        if self._user is None or self._has_token_in_header():
            return  # nobody is refused as such; before it is known who asks, this is too early
        headers = self.request.headers
        site = headers.get("Sec-Fetch-Site")
        from_here = proxy_rules.same_origin(headers.get("Origin"), headers.get("Host"))
        # Not every browser says it of websockets; an origin they always say.
        said = site == "same-origin" or (site is None and self._is_websocket)
        if not (from_here and said):
            raise Refusal(
                ForbiddenError(
                    "The request did not come from a page of this server.",
                    code="cross_origin",
                    hint="Programs send the token in the header Authorization. In a browser this "
                    "needs https, or an address on this machine.",
                )
            )

    def _has_token_in_header(self) -> bool:
        return bool(
            self.token_authenticated
            and "Authorization" in self.request.headers
            and "token" not in self.request.query_arguments
        )

    @property
    def _is_websocket(self) -> bool:
        upgrade = self.request.headers.get("Upgrade", "").lower()
        return self.request.method == "GET" and upgrade == "websocket"

    @property
    def _is_document(self) -> bool:
        return self.request.headers.get("Sec-Fetch-Dest", "") in _DOCUMENTS

    # ---------------------------------------------------------------------------- the request

    async def _reach_child(self) -> None:
        prefix = url_path_join(self.base_url, PROXY_PREFIX)
        child_id, path = proxy_rules.child_path(self.request.path, prefix)
        child = self._child = self.services.children.child(child_id)
        self._place = f"{prefix}{child_id}/"
        query = proxy_rules.child_query(self.request.query)
        if not path:
            self.redirect(self._place + (f"?{query}" if query else ""))
            return
        if proxy_rules.refused(child.kind, path):
            raise ForbiddenError(
                f"{child.kind.title} does not offer this here.", code="not_offered"
            )
        self._check_body()
        if child.requests >= MOST_REQUESTS:
            raise BusyError(f"{child.kind.title} is busy with other requests.")
        self._target_path = path
        self._using.enter_context(child.in_use())
        self._upstream = Upstream(
            child.connect(), self._begin, self._pass_on, hand_over=self._can_relay
        )
        self._using.callback(self._upstream.close)
        headers = proxy_rules.child_headers(
            self.request.headers, child.kind, child.address, websocket=self._is_websocket
        )
        sends = {"Content-Length", "Transfer-Encoding"} & set(self.request.headers)
        if self.request.method in ("POST", "PUT", "PATCH") and not sends:
            headers["Content-Length"] = "0"
        assert self.request.method is not None
        target = path + (f"?{query}" if query else "")
        await self._upstream.ask(self.request.method, target, headers)
        # Who asks whether to send, or tells two lengths, hears it from Tornado, after this.
        special = {"Expect", "Transfer-Encoding"} & set(self.request.headers)
        if self._body_length >= LARGE and not special:
            await self._pass_large_body(self._upstream, self._body_length)

    @property
    def _body_length(self) -> int:
        length = self.request.headers.get("Content-Length", "0")
        return int(length) if length.isdecimal() else 0

    async def _pass_large_body(self, upstream: Upstream, left: int) -> None:
        """Pass a body on through one buffer, without an object for each of its pieces."""
        client = self.request.connection.stream  # type: ignore[union-attr]
        buffer = memoryview(bytearray(PIECE))
        try:
            while left:
                got = await client.read_into(buffer[: min(left, PIECE)], partial=True)
                await upstream.send(buffer[:got])
                left -= got
        except StreamClosedError:
            self._gone = True
            self._using.close()
        # Tornado, which reads the body after this, finds it read.
        self.request.headers["Content-Length"] = "0"

    def _check_body(self) -> None:
        headers = self.request.headers
        if self._body_length > MOST_BYTES:
            raise TooLargeError(f"At most {MOST_BYTES // 1024**3} GiB are passed on.")
        if "Transfer-Encoding" in headers and self.request.method in ("GET", "HEAD", "DELETE"):
            raise InvalidInputError("A request with this method has no body, or tells its length.")
        self.request.connection.set_max_body_size(MOST_BYTES)  # type: ignore[union-attr]

    async def data_received(self, chunk: bytes) -> None:  # type: ignore[override]
        """Pass a piece of the body on before the next one is read."""
        if self._upstream is not None:
            await self._upstream.send(chunk)

    async def forward(self) -> None:
        """Pass the answer on."""
        upstream = self._upstream
        if upstream is None:
            return
        try:
            await upstream.receive()
        except MLKitError as error:
            if self._gone:
                return
            if not self._headers_written:
                raise Refusal(self._problem or error) from error
            # The length does not match what was sent: the client sees that it is cut short.
            self.request.connection.stream.close()  # type: ignore[union-attr]
            return
        if self._problem is not None:
            raise Refusal(self._problem)
        if upstream.tunnel is None:
            await self.finish()
        elif upstream.length:
            await self._relay(upstream.tunnel, upstream.length)
        else:
            await self._tunnel(upstream.tunnel)

    # ----------------------------------------------------------------------------- the answer

    @property
    def content_security_policy(self) -> str:
        """Of what this handler says itself; for what a child says see :mod:`.proxy_rules`."""
        return "sandbox; default-src 'none'; frame-ancestors 'self'"

    async def _begin(self, status: int, headers: HTTPHeaders) -> None:
        try:
            self._set_answer(status, headers)
            if status != 101:
                await self.flush()
        except MLKitError as error:
            self._problem = error
            self._give_up()
        except StreamClosedError:
            self._give_up()

    def _set_answer(self, status: int, headers: HTTPHeaders) -> None:
        assert self._child is not None
        kind, path = self._child.kind, self._target_path
        self.set_status(status, None if status in responses else "Unknown")
        for name in ("Content-Type", "Access-Control-Allow-Origin"):
            self.clear_header(name)
        for name, value in proxy_rules.answer_headers(headers, kind, path):
            self.set_header(name, value)
        if "Location" in headers:
            told = headers["Location"]
            self.set_header(
                "Location", proxy_rules.location(told, self._child.address, self._place, path)
            )
        if self._upstream is not None and self._upstream.length:
            self.set_header("Connection", "close")
        self.set_header("Content-Security-Policy", proxy_rules.policy(kind, path))
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Referrer-Policy", "same-origin")

    @property
    def _can_relay(self) -> bool:
        """Whether what is written to the client's socket is what the client gets."""
        stream = self.request.connection.stream  # type: ignore[union-attr]
        encrypted_or_changed = isinstance(stream, SSLIOStream) or self.application.transforms
        return self.request.method == "GET" and not encrypted_or_changed

    async def _relay(self, child: IOStream, length: int) -> None:
        """Pass a large body on, past HTTP; the connection is of no use after that."""
        client = self.detach()
        try:
            await relay_body(child, client, length)
        except StreamClosedError:
            pass
        finally:
            self._using.close()

    async def _pass_on(self, piece: bytes) -> None:
        try:
            self.write(piece)
            await self.flush()
        except StreamClosedError:
            self._give_up()

    def _give_up(self) -> None:
        if self._upstream is not None:
            self._upstream.close()

    def on_connection_close(self) -> None:
        """Let go of the child when the client goes."""
        self._gone = True
        self._using.close()
        super().on_connection_close()

    def on_finish(self) -> None:
        """Let go of the child; what it was asked is not for the audit, who was refused is."""
        self._using.close()
        if not self._admitted:
            super().on_finish()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say it in words where a person looks at it, else in JSON."""
        if not self._is_document:
            super().write_error(status_code, **kwargs)
            return
        error = kwargs.get("exc_info", (None, None, None))[1]
        told = self._told = body_of(error, status_code, signed_in=self._user is not None)
        words = "".join(f"<p>{escape(text)}</p>" for text in (told.message, told.hint) if text)
        self.set_header("Content-Security-Policy", self.content_security_policy)
        self.finish(
            f"<!doctype html><title>{status_code}</title>{words}",
            set_content_type="text/html; charset=utf-8",
        )

    # --------------------------------------------------------------------------- the websocket

    async def _tunnel(self, child: IOStream) -> None:
        """Tell the client that the child has agreed, then pass on what both say."""
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [
            f"{name}: {value}"
            for name, value in self._headers.get_all()
            if name.lower().startswith("sec-websocket-")
        ]
        client = self.detach()
        watch = asyncio.ensure_future(self._keep_watch(client))
        try:
            client.set_nodelay(True)
            await client.write("\r\n".join([*lines, "", ""]).encode("latin1"))
            await pump(client, child)
        except StreamClosedError:
            pass
        finally:
            watch.cancel()
            client.close()
            self._using.close()

    async def _keep_watch(self, client: IOStream) -> None:
        """Close the websocket of somebody who may not use it any more."""
        while await self._may_still():
            await asyncio.sleep(RECHECK)
        client.close()

    async def _may_still(self) -> bool:
        # A new handler for the same request: what this one knows of its user is from before.
        asked = type(self)(self.application, self.request)
        try:
            user = asked.identity_provider.get_user(asked)
            user = await user if isinstance(user, Awaitable) else user
            if user is None:
                return False
            asked.current_user = asked._jupyter_current_user = user
            await asked._authorize(user, self.endpoints["post"])
        except (MLKitError, web.HTTPError):
            return False
        return True
