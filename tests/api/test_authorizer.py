"""Roles: from groups, for the sole user of a laptop, on a hub; and the server's own resources."""

from __future__ import annotations

import getpass
import json
import warnings
from typing import Any

import pytest
from jupyter_server.auth import IdentityProvider, PasswordIdentityProvider, User
from jupyter_server.utils import JupyterServerAuthWarning
from tornado.httpclient import HTTPClientError

from jupyter_mlkit.api.authorizer import POLICY, MLKitAuthorizer, Role
from jupyter_mlkit.api.base import MLKitHandler
from jupyter_mlkit.api.endpoint import Endpoint, endpoint
from jupyter_mlkit.api.owned import NOTHING
from jupyter_mlkit.api.routes import rules

from .special import signed_in
from .team import PEOPLE, Member, TeamIdentityProvider, as_person, team_config

GROUPS = {"readers": "view", "earth": "contribute", "staff": "approve"}


@pytest.fixture
def jp_server_config(jp_server_config: Any) -> Any:
    config = team_config(jp_server_config)
    config["ServerApp"]["authorizer_class"] = MLKitAuthorizer
    return config


class HubUser(User):
    """As JupyterHub's single-user servers have them."""

    def __init__(self, name: str, groups: list[str], kind: str = "user") -> None:
        self.hub_user = {"name": name, "groups": groups, "kind": kind}
        super().__init__(username=name)


def authorizer(provider: IdentityProvider | None = None, **traits: Any) -> MLKitAuthorizer:
    return MLKitAuthorizer(
        identity_provider=provider or TeamIdentityProvider(), group_roles=GROUPS, **traits
    )


def test_roles_come_from_groups() -> None:
    asked = authorizer(owner="olga")
    found = {role: asked.role(person) for role, person in PEOPLE.items()}
    assert found == {
        "nobody": Role.NONE,
        "viewer": Role.VIEW,
        "contributor": Role.CONTRIBUTE,
        "approver": Role.APPROVE,
        "owner": Role.OWNER,
    }
    assert asked.role(None) == Role.NONE
    assert asked.role(User("olga2")) == Role.NONE, "a user without groups"


def test_who_may_is_refused_what_nobody_has_named() -> None:
    asked = authorizer(owner="olga")
    olga = PEOPLE["owner"]
    for action, resource in [("write", "mlkit-status"), ("read", "mlkit-new"), ("", "mlkit-runs")]:
        assert not asked.is_authorized(None, olga, action, resource), (action, resource)
    assert all(asked.is_authorized(None, olga, *key) for key in POLICY)
    assert not any(asked.is_authorized(None, None, *key) for key in POLICY)


@pytest.mark.parametrize("provider", [IdentityProvider, PasswordIdentityProvider])
def test_the_sole_user_of_a_laptop_owns_all(provider: type[IdentityProvider]) -> None:
    asked = authorizer(provider())
    anonymous = User("4f1d2c")
    assert asked.role(anonymous) == Role.OWNER
    assert asked.person(anonymous) == getpass.getuser()
    assert asked.may_change(anonymous, None)
    assert asked.may_change(anonymous, "somebody")


def test_a_provider_of_ones_own_has_no_sole_user() -> None:
    assert authorizer(TeamIdentityProvider()).role(User("anybody")) == Role.NONE


def test_an_account_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise KeyError("uid")

    monkeypatch.setattr(getpass, "getuser", fail)
    assert authorizer(IdentityProvider()).person(User("x")).startswith("uid-")


def test_on_a_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    asked = authorizer()
    assert asked.role(HubUser("ada", [])) == Role.OWNER
    assert asked.role(HubUser("bob", ["earth", "readers"])) == Role.CONTRIBUTE
    assert asked.role(HubUser("eve", [])) == Role.NONE
    assert asked.role(HubUser("ada", [], kind="service")) == Role.NONE
    monkeypatch.delenv("JUPYTERHUB_USER")
    assert authorizer().role(Member("ada")) == Role.NONE, "nobody owns it"


def test_own_is_what_the_server_has_stamped() -> None:
    asked = authorizer(owner="olga")
    carl, anna, vera = PEOPLE["contributor"], PEOPLE["approver"], PEOPLE["viewer"]
    assert asked.may_change(carl, "carl")
    assert not asked.may_change(carl, "anna")
    assert not asked.may_change(carl, None)
    assert not asked.may_change(carl, "")
    assert asked.may_change(anna, "carl")
    assert asked.may_change(anna, None)
    assert not asked.may_change(vera, "vera")
    assert not asked.may_change(None, None)


async def test_it_can_guard_the_whole_server(jp_fetch: Any) -> None:
    async def status(role: str, *path: str) -> int:
        answer = await jp_fetch(*path, headers=as_person(role), raise_error=False)
        return int(answer.code)

    for path in (("api", "kernels"), ("api", "contents"), ("api", "sessions")):
        assert await status("owner", *path) == 200, path
        for role in ("nobody", "viewer", "contributor", "approver"):
            assert await status(role, *path) == 403, (role, path)
    assert await status("viewer", "jupyter-mlkit", "api", "runs") == 200
    assert await status("nobody", "jupyter-mlkit", "api", "runs") == 403


async def test_a_page_learns_by_which_name_its_jobs_are_stamped(jp_fetch: Any) -> None:
    for role in ("viewer", "contributor", "owner"):
        answer = await jp_fetch("jupyter-mlkit", "api", "status", headers=as_person(role))
        assert json.loads(answer.body)["person"] == PEOPLE[role].username


async def test_who_may_listen_to_the_live_channel(
    jp_ws_fetch: Any, jp_fetch: Any, jp_http_port: int
) -> None:
    for role in ("viewer", "contributor", "owner"):
        socket = await jp_ws_fetch("api/events/subscribe", headers=as_person(role))
        socket.close()
    cookie = (await signed_in(jp_fetch, "viewer", Host=f"localhost:{jp_http_port}"))["cookie"]
    socket = await jp_ws_fetch(
        "api/events/subscribe", headers={"Authorization": "", "Cookie": cookie}
    )
    socket.close()
    foreign = {"Authorization": "", "Cookie": cookie, "Origin": "https://evil.example"}
    for headers in (as_person("nobody"), as_person("stranger"), as_person("impostor"), foreign):
        with pytest.raises(HTTPClientError) as refused:
            await jp_ws_fetch("api/events/subscribe", headers=headers)
        assert refused.value.code in (302, 403), headers  # strangers are sent to sign in


async def test_who_may_emit_on_the_live_channel(jp_fetch: Any) -> None:
    """Listeners take events for hints only, and even so only the owner can make them up."""
    for role in ("nobody", "viewer", "contributor", "approver"):
        answer = await jp_fetch(
            "api/events", method="POST", body="{}", headers=as_person(role), raise_error=False
        )
        assert answer.code == 403, role


@pytest.mark.parametrize("allowed", [True, False])
def test_the_server_finds_no_route_without_a_sign_in(jp_serverapp: Any, allowed: bool) -> None:
    web_app = jp_serverapp.web_app
    web_app.settings["allow_unauthenticated_access"] = allowed
    with warnings.catch_warnings():
        warnings.simplefilter("error", JupyterServerAuthWarning)
        web_app.add_handlers(".*$", rules())


def test_a_change_must_say_of_what() -> None:
    with pytest.raises(TypeError, match="say on what"):
        endpoint("write", "runs", "Forgotten")


def test_a_get_only_reads() -> None:
    with pytest.raises(TypeError, match="make it a POST"):

        class Wrong(MLKitHandler):
            path = "wrong"

            @endpoint("execute", "train", "Starts something", on=NOTHING)
            async def get(self) -> None:
                """Start something."""


def test_classes_that_share_a_method_share_what_it_declares() -> None:
    """The server's own decorator would check the second class as it did the first request."""

    class First(MLKitHandler):
        path = "first"

        @endpoint("write", "runs", "Writes", on=NOTHING)
        async def put(self) -> None:
            """Write."""

    class Second(First):
        path = "second"

        @endpoint("read", "status", "Reads")
        async def get(self) -> None:
            """Read."""

    assert Second.endpoints["put"] is First.endpoints["put"]
    assert isinstance(Second.endpoints["get"], Endpoint)
    assert First.endpoints.keys() == {"put"}
