"""How a handler method declares what it is: who may call it, what it takes, what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache, wraps
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Concatenate,
    Literal,
    ParamSpec,
    get_args,
    get_origin,
)

from msgspec import Meta, Struct
from msgspec.structs import fields
from tornado import web

from .owned import Owned

if TYPE_CHECKING:
    from .base import MLKitHandler

P = ParamSpec("P")

Action = Literal["read", "write", "execute"]
#: What may be allowed or refused apart from the rest; ``api/authorizer.py`` says to whom.
Capability = Literal[
    "runs",
    "artifacts",
    "registry",
    "aliases",
    "jobs",
    "proxy",
    "cubes",
    "train",
    "events",
    "sync",
    "status",
]

#: Attribute of a handler method that holds its :class:`Endpoint`.
MARK = "mlkit_endpoint"


class Query(Struct, forbid_unknown_fields=True):
    """Base of the query parameters of an endpoint; a misspelt one is refused."""


@cache
def repeatable(query: type[Query]) -> frozenset[str]:
    """Return the parameters that may be given more than once."""
    lists = set()
    for field in fields(query):
        kind = field.type
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        if get_origin(kind) is list:
            lists.add(field.encode_name)
    return frozenset(lists)


class Paging(Query):
    """Query of a list: how much of it, and from where on."""

    max_results: Annotated[int, Meta(ge=1, le=1000, description="Length of a page")] = 100
    page_token: Annotated[
        Annotated[str, Meta(max_length=4096)] | None,
        Meta(description="next_page_token of the page before"),
    ] = None


@dataclass(frozen=True)
class Endpoint:
    """What one HTTP method of one route is.

    Attributes
    ----------
    action, resource : str
        What the authorizers are asked, such as ``("read", "mlkit-runs")``.
    summary : str
        A line for the API's description.
    on : Owned, optional
        What is changed, so that its owner can be asked after it was found; never missing where
        the action is more than to read.
    query, body, answer : type, optional
        Models of what comes in and goes out; no answer model means 204, no content.
    status : int
        Status of success.
    polled : bool
        A page left open calls it by itself, so it is no sign that somebody is there.
    binary : bool
        The answer is the bytes of a file and written by the method itself.
    """

    action: Action
    resource: str
    summary: str
    on: Owned | None = None
    query: type[Query] | None = None
    body: type[Struct] | None = None
    answer: type[Struct] | None = None
    status: int = 200
    polled: bool = False
    binary: bool = False


def endpoint(
    action: Action,
    capability: Capability,
    summary: str,
    *,
    on: Owned | None = None,
    query: type[Query] | None = None,
    body: type[Struct] | None = None,
    answer: type[Struct] | None = None,
    status: int | None = None,
    polled: bool = False,
    binary: bool = False,
) -> Callable[
    [Callable[Concatenate[Any, P], Awaitable[Struct | None]]],
    Callable[..., Awaitable[None] | None],
]:
    """Declare a handler method; it is then called with its parts read and validated.

    The method gets the route's parameters by name, ``query`` and ``body`` where models for
    them are declared, and returns an instance of ``answer``.

    Raises
    ------
    TypeError
        An action other than "read" does not say `on` what.

    Notes
    -----
    ``jupyter_server.auth.authorized`` is not used: it remembers action and resource of the
    first request in its closure. The base handler asks the authorizer itself, before any
    method runs. ``web.authenticated`` repeats the check of the base handler, and it is what
    the server's own audit of handlers looks for.
    """
    if action != "read" and on is None:
        raise TypeError(f"'{summary}' changes something: say on what, so that its owner is asked.")
    declared = Endpoint(
        action=action,
        resource=f"mlkit-{capability}",
        summary=summary,
        on=on,
        query=query,
        body=body,
        answer=answer,
        status=status or (200 if answer or binary else 204),
        polled=polled,
        binary=binary,
    )

    def declare(
        method: Callable[Concatenate[Any, P], Awaitable[Struct | None]],
    ) -> Callable[..., Awaitable[None] | None]:
        @wraps(method)
        async def handle(handler: MLKitHandler, **path: str) -> None:
            await handler.run_endpoint(declared, method, path)

        setattr(handle, MARK, declared)
        return web.authenticated(handle)

    return declare
