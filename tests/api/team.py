"""Five people on one server, told apart by their tokens as an identity provider of a team does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jupyter_server.auth import IdentityProvider, User


@dataclass
class Member(User):
    """A user with groups, as JupyterHub's have them."""

    groups: tuple[str, ...] = ()


#: Who they are, by their role.
PEOPLE = {
    "nobody": Member("nemo", groups=("visitors",)),
    "viewer": Member("vera", groups=("readers",)),
    "contributor": Member("carl", groups=("readers", "earth")),
    "approver": Member("anna", groups=("staff", "earth")),
    "owner": Member("olga"),
}
_BY_NAME = {person.username: person for person in PEOPLE.values()}


class TeamIdentityProvider(IdentityProvider):
    """Knows the members by their tokens, and by the cookie that they then get."""

    async def get_user_token(self, handler: Any) -> User | None:
        token = self.get_token(handler) or ""
        return PEOPLE.get(token.removesuffix("-token")) if token.endswith("-token") else None

    def user_from_cookie(self, cookie_value: str) -> User | None:
        user = super().user_from_cookie(cookie_value)
        return user and _BY_NAME.get(user.username)


def as_person(role: str) -> dict[str, str]:
    """Return the header by which a member signs in; "stranger" has none, "impostor" a wrong one."""
    if role == "stranger":
        return {"Authorization": ""}
    return {"Authorization": f"token {role}-token"}


def team_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a server that the team shares."""
    server = config["ServerApp"] | {"identity_provider_class": TeamIdentityProvider}
    roles = {"readers": "view", "earth": "contribute", "staff": "approve"}
    return config | {
        "ServerApp": server,
        "MLKitAuthorizer": {"group_roles": roles, "owner": "olga"},
    }
