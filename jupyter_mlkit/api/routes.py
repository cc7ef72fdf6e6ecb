"""All routes: the one table from which the server, the OpenAPI file and the tests are made."""

from __future__ import annotations

import re

from . import artifacts, children, cubes, events, jobs, registry, status, sync, tracking, train
from .base import MLKitHandler, UnknownRouteHandler
from .proxy import PROXY_PREFIX, ProxyHandler

#: Where the routes live below the server's base URL.
PREFIX = "/jupyter-mlkit/api/"

#: What a parameter of a path may be.
PARAMETERS = {
    "run_id": r"[A-Za-z0-9_-]{1,64}",
    "job_id": r"[A-Za-z0-9_-]{1,64}",
    "version": r"[0-9]{1,12}",
    "anything": r".*",
}
#: Names may hold anything but a slash; they arrive percent-encoded.
NAME = r"[^/]+"


def handlers() -> list[type[MLKitHandler]]:
    """Return the handler classes of all capabilities."""
    rooms = (status, tracking, artifacts, cubes, train, jobs, registry, children, events, sync)
    return [handler for room in rooms for handler in room.HANDLERS]


def pattern(path: str) -> str:
    """Return the regular expression of a path with ``{parameters}``."""
    return re.sub(
        r"\{(\w+)\}",
        lambda match: f"(?P<{match[1]}>{PARAMETERS.get(match[1], NAME)})",
        path,
    )


def rules() -> list[tuple[str, type[MLKitHandler]]]:
    """Return what tornado routes; the last rule answers for everything else below our prefix."""
    table = [(PREFIX + pattern(handler.path), handler) for handler in handlers()]
    table.append((PROXY_PREFIX + r"(?P<rest>.*)", ProxyHandler))
    return [*table, (PREFIX + pattern(UnknownRouteHandler.path), UnknownRouteHandler)]
