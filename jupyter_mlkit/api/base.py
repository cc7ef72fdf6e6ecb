"""The one base of all handlers: default deny, limits, audit, answers and errors in JSON."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import msgspec
from jupyter_server.base.handlers import APIHandler
from msgspec import Struct
from tornado import web
from tornado.iostream import StreamClosedError

from ..errors import (
    ForbiddenError,
    InvalidInputError,
    MLKitError,
    NotFoundError,
    TooManyRequestsError,
)
from ..models import ErrorBody
from .audit import Entry
from .endpoint import MARK, Endpoint, endpoint
from .limits import Pace
from .owned import Owned
from .reading import check_length, check_media_type, read_body, read_query
from .refusal import Refusal, body_of

if TYPE_CHECKING:
    from jupyter_server.auth import User

    from ..registry.versions import Registry
    from ..tracking.backend import TrackingBackend
    from .services import Services

T = TypeVar("T")

#: Name under which the services stand in the web app's settings.
SETTING = "jupyter_mlkit_services"

_VERBS = ("get", "head", "post", "put", "patch", "delete")


@web.stream_request_body
class MLKitHandler(APIHandler):
    """Base of every route: authenticates and authorizes before anything else, or refuses.

    Each HTTP method of a subclass is declared by :func:`~.endpoint.endpoint`; a class with a
    method that is not cannot be made, and a method that came in another way is not run.
    Nothing of a body is read before its sender was let in.

    Attributes
    ----------
    path : str
        Where the route stands below ``jupyter-mlkit/api/``, with ``{parameters}``.
    """

    path: ClassVar[str]
    endpoints: ClassVar[dict[str, Endpoint]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared: dict[str, Endpoint] = {}
        for verb in _VERBS:
            method = getattr(cls, verb)
            if method is web.RequestHandler._unimplemented_method:
                continue
            found = getattr(method, MARK, None)
            if not isinstance(found, Endpoint):
                raise TypeError(f"{cls.__name__}.{verb} has no @endpoint: who may call it?")
            if verb in ("get", "head") and found.action != "read":
                # No browser asks before it sends one, and the XSRF token is not looked at.
                raise TypeError(f"{cls.__name__}.{verb} is to {found.action}: make it a POST.")
            declared[verb] = found
        cls.endpoints = declared

    def initialize(self) -> None:
        """Start as nobody."""
        self._admitted = False
        self._running = False
        self._told: ErrorBody | None = None
        self._body = bytearray()
        self._made: str | None = None

    @property
    def services(self) -> Services:
        """Rooms behind the API."""
        services: Services = self.settings[SETTING]
        return services

    # ------------------------------------------------------------------------ who may do what

    @property
    def person(self) -> str:
        """Who asks, as it is stamped on what is made; empty until that is known."""
        return self.services.authorizer.person(self._user) if self._user else ""

    @property
    def _user(self) -> User | None:
        # Not `current_user`, which asks for the user where nobody was looked for yet.
        user: User | None = getattr(self, "_jupyter_current_user", None)
        return user

    async def prepare(self) -> None:  # type: ignore[override]
        """Authenticate and authorize; no method runs unless both were answered with yes."""
        verb = (self.request.method or "").lower()
        if verb == "options" and self._answers_preflight():
            await super().prepare()
            return
        declared = self.endpoints.get(verb)
        self._track_activity = declared is not None and not declared.polled
        try:
            self._refuse_token_in_url()
            await super().prepare()
            user = self._signed_in()
            pace = self.services.request_pace
            self.keep_pace(pace, "You send more requests than are served.")
            pace.take(self.person)
            if declared is None:
                raise web.HTTPError(405)
            await self._authorize(user, declared)
            self._admitted = True
            if verb not in ("get", "head"):
                check_media_type(self.request.headers.get("Content-Type", ""))
                check_length(self.request.headers.get("Content-Length", ""), self.services.limits)
        except MLKitError as error:
            raise Refusal(error) from error

    def _signed_in(self) -> User:
        """Return who asks, or refuse strangers."""
        if self._user is None:
            raise web.HTTPError(403)
        return self._user

    async def _authorize(self, user: User, declared: Endpoint) -> None:
        """Ask the server's authorizer, then ours; each of them may refuse."""
        for authorizer in (self.authorizer, self.services.authorizer):
            allowed = authorizer.is_authorized(self, user, declared.action, declared.resource)
            if isawaitable(allowed):
                allowed = await allowed
            if not allowed:
                raise ForbiddenError(
                    f"You are not allowed to {declared.action} {declared.resource}.",
                    hint="Ask who runs this server for the permission.",
                )

    async def _check_owner(self, what: Owned, path: dict[str, str]) -> None:
        """Find what is to be changed, and refuse whoever may not change this one."""
        if what.owner is None:
            return
        owner = await self.blocking(what.owner, self.services, path)
        if not self.services.authorizer.may_change(self._user, owner):
            raise ForbiddenError(
                f"This {what.kind} belongs to {owner or 'the owner of this server'}.",
                hint="Ask them, or somebody who may approve.",
            )

    def _refuse_token_in_url(self) -> None:
        if "token" in self.request.query_arguments:
            raise InvalidInputError(
                "A token in an address ends up in logs and histories.",
                code="token_in_url",
                field="token",
                hint="Send it in the header Authorization: token ….",
            )

    def keep_pace(self, pace: Pace, message: str) -> None:
        """Refuse whoever has to wait before `pace` lets them do more."""
        wait = pace.wait(self.person)
        if wait > 0:
            error = TooManyRequestsError(message, hint=f"Try again in {math.ceil(wait)} s.")
            error.retry_after = wait
            raise error

    def _answers_preflight(self) -> bool:
        """Tell whether the owner of the server lets other origins in at all."""
        headers = self.settings.get("headers", {})
        return bool(
            self.allow_origin or self.allow_origin_pat or "Access-Control-Allow-Origin" in headers
        )

    # --------------------------------------------------------------------------- in and out

    def data_received(self, chunk: bytes) -> None:
        """Collect the body, up to what is read at most."""
        if len(self._body) <= self.services.limits.body_bytes:
            self._body += chunk

    async def run_endpoint(
        self,
        declared: Endpoint,
        method: Callable[..., Awaitable[Struct | None]],
        path: dict[str, str],
    ) -> None:
        """Read what `declared` takes, ask for the owner, call `method`, write what it returns."""
        self._running = True
        try:
            parts = self._parts(declared)
            if declared.on is not None:
                await self._check_owner(declared.on, path)
            answer = await method(self, **parts, **path)
        except MLKitError as error:
            raise Refusal(error) from error
        if declared.action != "read":
            # Written before it is told: what somebody knows to be done stands in the audit.
            await self._note("done", declared.status)
        if declared.binary:
            return
        self.set_status(declared.status)
        if declared.answer is None:
            await self.finish()
        else:
            self.set_header("Cache-Control", "no-cache")
            await self.finish(msgspec.json.encode(answer))

    def made(self, what: str) -> None:
        """Say what a method has made, for the audit, such as ``job/0123``."""
        self._made = what

    async def blocking(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a call that reads or writes the store, in a thread, within the time limit."""
        return await self.services.threads.call(
            function, *args, timeout=self.services.store_timeout, **kwargs
        )

    async def with_tracking(self, use: Callable[[TrackingBackend], T]) -> T:
        """Run `use` on the tracking store, which is made ready before if it is not."""
        return await self.blocking(lambda: use(self.services.open_tracking()))

    async def with_registry(self, use: Callable[[Registry], T]) -> T:
        """Run `use` on the model registry, which lives in the tracking store."""
        return await self.blocking(lambda: use(self.services.open_registry()))

    async def asking_kernel(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a call that starts or asks a probe; these are slow and have their own threads."""
        # The probe's own limit comes first, as it ends the probe; this one covers what is around.
        limit = 2 * self.services.probe_timeout + 10
        return await self.services.slow_threads.call(function, *args, timeout=limit, **kwargs)

    def _parts(self, declared: Endpoint) -> dict[str, Struct]:
        arguments = {
            name: [self.decode_argument(value, name=name) for value in values]
            for name, values in self.request.query_arguments.items()
        }
        parts: dict[str, Struct] = {}
        query = read_query(declared.query, arguments)
        if query is not None:
            parts["query"] = query
        if declared.body is not None:
            parts["body"] = read_body(bytes(self._body), declared.body, self.services.limits)
        return parts

    # --------------------------------------------------------------------- errors and audit

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write ``{message, code, hint, field}``; of an unknown exception, nothing but that."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        self._told = body_of(error, status_code, signed_in=self._user is not None)
        if isinstance(error, Refusal) and error.retry_after is not None:
            self.set_header("Retry-After", str(math.ceil(error.retry_after)))
        if not self._running:
            # The server hangs up on a body that nobody has read: a client that is not told sends
            # its next request into a closed connection.
            self.set_header("Connection", "close")
        if status_code == 405:
            self.set_header("Allow", ", ".join(verb.upper() for verb in self.endpoints))
        self.set_header("Content-Type", "application/json")
        self.finish(msgspec.json.encode(self._told))

    def on_finish(self) -> None:
        """Note what was refused, and what was begun but failed."""
        super().on_finish()
        status = self.get_status()
        declared = self.endpoints.get((self.request.method or "").lower())
        # A wrong origin is answered with 404, before anybody is let in.
        denied = status in (401, 403) or (status == 404 and not self._admitted)
        failed = self._admitted and declared is not None and declared.action != "read"
        if denied or (failed and status >= 400):
            self._note("denied" if denied else "failed", status)

    def _note(self, result: Literal["done", "failed", "denied"], status: int) -> Awaitable[None]:
        verb = (self.request.method or "").lower()
        declared = self.endpoints.get(verb)
        path = {name: str(value) for name, value in self.path_kwargs.items()}
        label = declared.on.label(path) if declared and declared.on else "/".join(path.values())
        return self.services.audit.note(
            Entry(
                person=self.person,
                role=self.services.authorizer.role(self._user).name.lower(),
                action=declared.action if declared else "unknown",
                resource=declared.resource if declared else "unknown",
                object=self._made or label,
                request=f"{self.request.method} {self.path}",
                result=result,
                status=status,
                code=self._told.code if self._told else None,
            )
        )

    def log_exception(self, _typ: Any, value: BaseException | None, _tb: Any) -> None:
        """Log what is ours to mend, once, without the query (tokens may stand in it)."""
        where = f"{self.request.method} {self.request.path}"
        if isinstance(value, Refusal):
            if value.status_code >= 500:
                self.log.warning("%s: %s (%s)", where, value.body.message, value.body.code)
        elif isinstance(value, web.HTTPError):
            self.log.debug("%s: %s", where, value)
        elif isinstance(value, StreamClosedError):
            # Pages give up requests whose answers nobody waits for any more.
            self.log.debug("%s: the client went away", where)
        else:
            self.log.error("%s failed", where, exc_info=value)


class UnknownRouteHandler(MLKitHandler):
    """Anything below our prefix that is no route: a JSON answer, for those who may know."""

    path = "{anything}"

    @endpoint("read", "status", "Nothing is here")
    async def get(self, anything: str) -> None:
        """Say that there is no such route."""
        raise NotFoundError(
            f"There is no route '{anything[:200]}'.",
            hint="Perhaps the page is of another version than the server: reload it.",
        )

    post = put = patch = delete = get


__all__ = ["MLKitHandler", "UnknownRouteHandler"]
