"""Who may do what: roles from the groups of the identity provider, one table of what each may."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from jupyter_server.auth import Authorizer, IdentityProvider, PasswordIdentityProvider
from traitlets import Dict, Enum, Unicode, default

if TYPE_CHECKING:
    from jupyter_server.auth import User


class Role(IntEnum):
    """What somebody may do; each may all that the one before may."""

    NONE = 0
    VIEW = 1
    CONTRIBUTE = 2
    APPROVE = 3
    OWNER = 4


#: The least role for each action on each resource. What does not stand here is refused.
POLICY: Mapping[tuple[str, str], Role] = MappingProxyType(
    {
        ("read", "mlkit-status"): Role.VIEW,
        ("read", "mlkit-events"): Role.VIEW,
        ("read", "mlkit-sync"): Role.VIEW,
        ("read", "mlkit-runs"): Role.VIEW,
        ("read", "mlkit-artifacts"): Role.VIEW,
        ("read", "mlkit-registry"): Role.VIEW,
        ("read", "mlkit-jobs"): Role.VIEW,
        ("read", "mlkit-train"): Role.VIEW,
        ("write", "mlkit-runs"): Role.CONTRIBUTE,
        ("write", "mlkit-artifacts"): Role.CONTRIBUTE,
        ("write", "mlkit-registry"): Role.CONTRIBUTE,
        # These start processes, which read files and the network with the rights of the server.
        ("execute", "mlkit-jobs"): Role.CONTRIBUTE,
        ("execute", "mlkit-cubes"): Role.CONTRIBUTE,
        ("execute", "mlkit-train"): Role.CONTRIBUTE,
        ("execute", "mlkit-sync"): Role.CONTRIBUTE,
        # An alias decides which version others load.
        ("write", "mlkit-aliases"): Role.APPROVE,
        # The raw user interface of MLflow knows no owners: whoever reaches it may change all.
        ("read", "mlkit-proxy"): Role.APPROVE,
        ("write", "mlkit-proxy"): Role.APPROVE,
        ("execute", "mlkit-proxy"): Role.APPROVE,
        # Asked by the server itself where this class is its authorizer: the live channel.
        ("execute", "events"): Role.VIEW,
    }
)

#: Providers that know one secret and no persons: whoever has it is the one user of the server.
_SOLE_USER: Final = (IdentityProvider, PasswordIdentityProvider)


class MLKitAuthorizer(Authorizer):
    """Decides by roles: view < contribute < approve < owner.

    ``MLKitApp.authorizer_class`` asks it for the routes of this extension, after the server's own
    authorizer has said yes. It can be the server's own as well (``ServerApp.authorizer_class``):
    then only the owner may use kernels, files, terminals and everything else of the server.

    Notes
    -----
    Another source of groups: override :meth:`groups`.
    """

    group_roles = Dict(
        key_trait=Unicode(),
        value_trait=Enum(["view", "contribute", "approve"]),
        help="""Role of the members of each group, such as {"earth": "contribute", "staff":
        "approve"}. Groups come from the identity provider (on JupyterHub: the groups of the
        hub). Of several roles the highest holds; who is in no group that stands here may do
        nothing.""",
    ).tag(config=True)
    owner = Unicode(
        help="""Name of the user whom this server belongs to and who may do everything. The
        user of JupyterHub who started it if left out. A server with a token or a password knows
        no users: whoever signs in there is its owner."""
    ).tag(config=True)

    @default("owner")
    def _default_owner(self) -> str:
        return os.environ.get("JUPYTERHUB_USER", "")

    def is_authorized(
        self,
        handler: Any,  # noqa: ARG002 - the server's interface
        user: User | None,
        action: str,
        resource: str,
    ) -> bool:
        """Tell whether the role of `user` is enough; unknown actions and resources: only owners."""
        least = POLICY.get((action, resource), Role.OWNER)
        if resource.startswith("mlkit-") and (action, resource) not in POLICY:
            self.log.error("Nothing says who may %s %s: refused.", action, resource)
            return False
        return self.role(user) >= least

    def may_change(self, user: User | None, owner: str | None) -> bool:
        """Tell whether `user` may change an object of `owner` (None: nobody is known).

        Asked after the object was loaded, and after :meth:`is_authorized` said yes.
        """
        role = self.role(user)
        if user is None or role < Role.CONTRIBUTE:
            return False
        return role >= Role.APPROVE or (owner is not None and owner == self.person(user))

    def role(self, user: User | None) -> Role:
        """Return what somebody may do."""
        if user is None:
            return Role.NONE
        if self._is_sole_user() or self._is_owner(user):
            return Role.OWNER
        return max(
            (Role[name.upper()] for group in self.groups(user) if (name := self._role_of(group))),
            default=Role.NONE,
        )

    def person(self, user: User) -> str:
        """Return the name that is stamped on what `user` makes, and written into the audit."""
        if self._is_sole_user():
            # The server makes up a name for each browser; MLflow writes the name of the account.
            return _account()
        return user.username

    def groups(self, user: User) -> Iterable[str]:
        """Return the groups of `user` as its identity provider knows them."""
        found = getattr(user, "groups", None)
        if found is None:
            found = getattr(user, "hub_user", {}).get("groups")
        return found or ()

    def _role_of(self, group: str) -> str | None:
        role: str | None = self.group_roles.get(group)
        return role

    def _is_sole_user(self) -> bool:
        # A subclass may tell persons apart, so only these two themselves.
        return type(self.identity_provider) in _SOLE_USER

    def _is_owner(self, user: User) -> bool:
        # A service of the hub may carry the name of a user.
        kind = getattr(user, "hub_user", {}).get("kind", "user")
        return bool(self.owner) and user.username == self.owner and kind == "user"


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers have them
        return f"uid-{os.getuid()}"


__all__ = ["POLICY", "MLKitAuthorizer", "Role"]
