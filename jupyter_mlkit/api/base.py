"""The one base of all handlers: default deny, strict JSON in and out, errors with a code."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import msgspec
from jupyter_server.base.handlers import APIHandler
from msgspec import Struct
from tornado import web
from tornado.iostream import StreamClosedError

from ..errors import ForbiddenError, InvalidInputError, MLKitError, NotFoundError, TooLargeError
from ..models import ErrorBody
from .endpoint import MARK, Endpoint, endpoint, repeatable

if TYPE_CHECKING:
    from ..registry.versions import Registry
    from ..tracking.backend import TrackingBackend
    from .services import Services

T = TypeVar("T")

#: Largest body that is read.
MAX_BODY = 2 * 1024 * 1024
#: Names under which the services and the time limit stand in the web app's settings.
SETTING = "jupyter_mlkit_services"

_VERBS = ("get", "head", "post", "put", "patch", "delete")
#: Parameters of the server itself, and the time stamp by which Lab avoids caches.
_FOREIGN_QUERY = re.compile(r"token|no_track_activity|_xsrf|\d+")
_CODES = {
    400: "invalid_input",
    401: "forbidden",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}


class MediaTypeError(InvalidInputError):
    """The body is not declared to be JSON."""

    code = "unsupported_media_type"
    status = 415


class MLKitHandler(APIHandler):
    """Base of every route: authenticates and authorizes before anything else, or refuses.

    Each HTTP method of a subclass is declared by :func:`~.endpoint.endpoint`; a class with a
    method that is not cannot be made, and a method that came in another way is not run.

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
            declared[verb] = found
        cls.endpoints = declared

    @property
    def services(self) -> Services:
        """Rooms behind the API."""
        services: Services = self.settings[SETTING]
        return services

    # ------------------------------------------------------------------------ who may do what

    async def prepare(self) -> None:  # type: ignore[override]
        """Authenticate and authorize; no method runs unless both were answered with yes."""
        verb = (self.request.method or "").lower()
        if verb == "options" and self._answers_preflight():
            await super().prepare()
            return
        declared = self.endpoints.get(verb)
        self._track_activity = declared is not None and not declared.polled
        await super().prepare()
        user = self.current_user
        if user is None:
            raise web.HTTPError(403)
        if declared is None:
            raise web.HTTPError(405)
        if declared.action != "read":
            # The server checks this for writing verbs; a GET that starts a process is no less.
            self.check_xsrf_cookie()
        allowed = self.authorizer.is_authorized(self, user, declared.action, declared.resource)
        if isawaitable(allowed):
            allowed = await allowed
        if not allowed:
            raise Refusal(
                ForbiddenError(
                    f"You are not allowed to {declared.action} {declared.resource}.",
                    hint="Ask who runs this server for the permission.",
                )
            )

    def _answers_preflight(self) -> bool:
        """Tell whether the owner of the server lets other origins in at all."""
        headers = self.settings.get("headers", {})
        return bool(
            self.allow_origin or self.allow_origin_pat or "Access-Control-Allow-Origin" in headers
        )

    # --------------------------------------------------------------------------- in and out

    async def run_endpoint(
        self,
        declared: Endpoint,
        method: Callable[..., Awaitable[Struct | None]],
        path: dict[str, str],
    ) -> None:
        """Read and validate what `declared` takes, call `method`, write what it returns."""
        try:
            parts: dict[str, Any] = dict(path)
            parts |= self._read_query(declared)
            if declared.body is not None:
                parts["body"] = self._read_body(declared.body)
            answer = await method(self, **parts)
        except MLKitError as error:
            raise Refusal(error) from error
        if declared.binary:
            return
        self.set_status(declared.status)
        if declared.answer is None:
            await self.finish()
        else:
            self.set_header("Cache-Control", "no-cache")
            await self.finish(msgspec.json.encode(answer))

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

    def _read_query(self, declared: Endpoint) -> dict[str, Any]:
        given = {
            name: [self.decode_argument(value, name=name) for value in values]
            for name, values in self.request.query_arguments.items()
            if not _FOREIGN_QUERY.fullmatch(name)
        }
        if declared.query is None:
            if given:
                raise InvalidInputError(
                    f"There is no query parameter '{next(iter(given))}' here.",
                    field=next(iter(given)),
                )
            return {}
        lists = repeatable(declared.query)
        plain: dict[str, Any] = {}
        for name, values in given.items():
            if name in lists:
                plain[name] = values
            elif len(values) == 1:
                plain[name] = values[0]
            else:
                raise InvalidInputError(f"'{name}' is given more than once.", field=name)
        try:
            return {"query": msgspec.convert(plain, declared.query, strict=False)}
        except msgspec.ValidationError as error:
            raise invalid(error) from None

    def _read_body(self, model: type[Struct]) -> Struct:
        body = self.request.body
        if len(body) > MAX_BODY:
            raise TooLargeError(
                f"The body has {len(body)} bytes, {MAX_BODY} are read at most.", field=None
            )
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise MediaTypeError(
                f"The body is declared as '{kind or 'nothing'}'.",
                hint="Send JSON with the header Content-Type: application/json.",
            )
        try:
            return msgspec.json.decode(body, type=model)
        except msgspec.ValidationError as error:
            raise invalid(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidInputError(f"The body is not JSON: {error}.") from None

    # -------------------------------------------------------------------------------- errors

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write ``{message, code, hint, field}``; of an unknown exception, nothing but that."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, Refusal):
            body = error.body
        elif isinstance(error, web.HTTPError):
            body = ErrorBody(
                message=error.log_message or _sentence(status_code),
                code=_CODES.get(status_code, "internal_error"),
                hint=None,
                field=None,
            )
        else:
            body = ErrorBody(
                message="Something went wrong in the server.",
                code="internal_error",
                hint="Its log says more.",
                field=None,
            )
        self.set_header("Content-Type", "application/json")
        self.finish(msgspec.json.encode(body))

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


class Refusal(web.HTTPError):
    """An :class:`MLKitError` on its way to the client."""

    def __init__(self, error: MLKitError) -> None:
        super().__init__(error.status)
        self.body = error_body(error)


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


def error_body(error: MLKitError) -> ErrorBody:
    """Return the error as it travels."""
    return ErrorBody(message=error.message, code=error.code, hint=error.hint, field=error.field)


def invalid(error: msgspec.ValidationError) -> InvalidInputError:
    """Turn msgspec's ``... - at `$.key` `` into a sentence and a field."""
    message, _, path = str(error).partition(" - at ")
    field = re.sub(r"\[(\d+)\]", r".\1", path.strip("`")).removeprefix("$").strip(".")
    named = re.search(r"field `([^`]*)`", message)
    if named:
        field = f"{field}.{named.group(1)}".strip(".")
    return InvalidInputError(f"{message}.", field=field or None)


def _sentence(status: int) -> str:
    return {
        403: "You are not signed in, or the request did not come from the page.",
        404: "There is nothing here, or not for requests from this origin.",
        405: "This route does not have that method.",
    }.get(status, "The request could not be understood.")


__all__ = ["MLKitHandler", "Refusal", "UnknownRouteHandler", "error_body", "invalid"]
