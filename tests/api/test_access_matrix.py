"""Who may do what, asked of the live server; and that each guard is one whose loss is noticed."""

from __future__ import annotations

import random
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from jupyter_mlkit.api import authorizer, owned
from jupyter_mlkit.api.authorizer import POLICY, MLKitAuthorizer, Role
from jupyter_mlkit.api.base import MLKitHandler, UnknownRouteHandler
from jupyter_mlkit.api.routes import handlers

from .matrix import TABLE, Cell, World, cells
from .special import SPECIAL, Special
from .team import team_config


@pytest.fixture
def jp_server_config(jp_server_config: Any) -> Any:
    config = team_config(jp_server_config)
    # As Jupyter has it by default, so that its own check of strangers does not cover for ours.
    config["ServerApp"]["allow_unauthenticated_access"] = True
    return config


@pytest.fixture
def live(jp_serverapp: Any) -> list[Any]:
    return live_handlers(jp_serverapp)


@pytest.fixture
def services(jp_serverapp: Any) -> Any:
    return jp_serverapp.web_app.settings["jupyter_mlkit_services"]


@pytest.fixture
def world(jp_fetch: Any, services: Any, live: list[Any]) -> World:
    world = World(jp_fetch, services, live)
    world.populate()
    return world


def live_handlers(jp_serverapp: Any) -> list[Any]:
    """Return the handler classes below our prefix, as tornado routes them."""
    rules = list(jp_serverapp.web_app.wildcard_router.rules)
    for outer in jp_serverapp.web_app.default_router.rules:
        rules += getattr(outer.target, "rules", [])
    found = dict.fromkeys(
        rule.target
        for rule in rules
        if "jupyter-mlkit" in getattr(getattr(rule.matcher, "regex", None), "pattern", "")
    )
    return [handler for handler in found if handler is not UnknownRouteHandler]


def shuffled(found: list[Cell]) -> list[Cell]:
    seed = random.randrange(2**32)
    sys.stderr.write(f"shuffled by {seed}\n")
    mixed = list(found)
    random.Random(seed).shuffle(mixed)
    return mixed


def test_the_table_has_every_route_and_no_other(live: list[Any]) -> None:
    found = {
        (verb.upper(), route.path): one for route in live for verb, one in route.endpoints.items()
    }
    assert found.keys() == TABLE.keys()
    for key, declared in found.items():
        assert (declared.action, declared.resource) == TABLE[key][:2], key
    assert {(one.action, one.resource) for one in found.values()} <= POLICY.keys()


async def test_no_cell_is_wrong(world: World, live: list[Any], services: Any) -> None:
    every = cells(live)
    assert len(every) > 1500
    before = state(services)
    assert await world.wrong(shuffled([cell for cell in every if cell.is_denied])) == []
    assert state(services) == before, "who is refused leaves no trace but in the audit"
    reads = [cell for cell in every if cell.method == "GET" and not cell.is_denied]
    assert await world.wrong(shuffled(reads), arrange=False) == []
    assert state(services) == before, "no GET changes anything"
    assert await world.wrong(shuffled(every)) == []


@pytest.mark.parametrize("special", SPECIAL, ids=lambda special: special.name)
async def test_special_requests(special: Special, jp_fetch: Any, jp_serverapp: Any) -> None:
    assert await special.is_refused(jp_fetch, jp_serverapp)


# ------------------------------------------------------------------------------- mutations


async def test_each_line_of_the_policy_is_missed(world: World, live: list[Any]) -> None:
    every = cells(live)
    asked = {row[:2] for row in TABLE.values()}
    for key in POLICY.keys() & asked:
        weaker = dict(POLICY) | {key: Role(POLICY[key] - 1)}
        affected = [
            cell for cell in every if TABLE.get((cell.method, cell.route), ("", ""))[:2] == key
        ]
        with replaced(authorizer, "POLICY", MappingProxyType(weaker)):
            assert await world.wrong(shuffled(affected)), key


async def test_each_declaration_is_missed(world: World, live: list[Any]) -> None:
    every = cells(live)
    for handler in live:
        for verb, declared in handler.endpoints.items():
            here = [c for c in every if (c.method, c.route) == (verb.upper(), handler.path)]
            if declared.action != "read":
                with mutated(declared, action="read", resource="mlkit-status"):
                    assert await world.wrong(here), (verb, handler.path)
            if TABLE[verb.upper(), handler.path][2] == "own":
                with mutated(declared, on=owned.NOTHING):
                    assert await world.wrong(here), (verb, handler.path)


GUARDS: list[tuple[str, Any, str, Any]] = [
    ("strangers", MLKitHandler, "_signed_in", lambda self: self._user),
    ("our authorizer", MLKitAuthorizer, "is_authorized", lambda *_, **__: True),
    ("the owner of an object", MLKitAuthorizer, "may_change", lambda *_: True),
    ("people without a role", MLKitAuthorizer, "role", lambda self, user: Role.VIEW),
    ("the sole user", MLKitAuthorizer, "_is_sole_user", lambda self: True),
    ("names of owners", MLKitAuthorizer, "_is_owner", lambda self, user: True),
    *(
        (f"the owner of a {kind.kind}", kind, "owner", None)
        for kind in (owned.RUN, owned.JOB, owned.MODEL, owned.VERSION)
    ),
]


@pytest.mark.parametrize(
    ("name", "place", "attribute", "without"), GUARDS, ids=lambda x: str(x)[:30]
)
async def test_each_guard_is_missed(
    world: World, live: list[Any], name: str, place: Any, attribute: str, without: Any
) -> None:
    denied = [cell for cell in cells(live) if cell.is_denied and (cell.method, cell.route) in TABLE]
    change = mutated if place in KINDS else replaced_in
    with change(place, **{attribute: without}):
        assert await world.wrong(shuffled(denied)), name


KINDS = (owned.RUN, owned.JOB, owned.MODEL, owned.VERSION)


@pytest.mark.parametrize("special", SPECIAL, ids=lambda special: special.name)
async def test_each_special_guard_is_missed(
    special: Special, jp_fetch: Any, jp_serverapp: Any
) -> None:
    with replaced(special.place, special.attribute, special.without):
        assert not await special.is_refused(jp_fetch, jp_serverapp)


def test_the_decorator_that_the_server_looks_for_is_missed(jp_serverapp: Any) -> None:
    check = jp_serverapp.web_app._check_handler_auth
    for handler in handlers():
        assert check("here", handler) == []
    status = next(handler for handler in handlers() if handler.path == "status")
    with replaced(status, "get", status.get.__wrapped__):
        assert len(check("here", status)) == 1


@contextmanager
def replaced(place: Any, attribute: str, value: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, attribute, value)
        yield


def replaced_in(place: Any, **values: Any) -> Any:
    ((attribute, value),) = values.items()
    return replaced(place, attribute, value)


@contextmanager
def mutated(frozen: Any, **values: Any) -> Iterator[None]:
    """Change fields of a frozen dataclass for a while."""
    before = {name: getattr(frozen, name) for name in values}
    for name, value in values.items():
        object.__setattr__(frozen, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            object.__setattr__(frozen, name, value)


def state(services: Any) -> Any:
    """Return all that a request could have changed: both databases, files and processes."""
    store = Path(services.settings.tracking_uri.removeprefix("sqlite:///"))
    dumps = []
    for path in (store, services.settings.folder / "jobs.db"):
        with closing(sqlite3.connect(path)) as connection:
            dumps.append("\n".join(connection.iterdump()))
    files = sorted(str(path) for path in services.settings.folder.rglob("*"))
    children = [task.read_text() for task in Path("/proc/self/task").glob("*/children")]
    return dumps, files, sorted("".join(children).split())
