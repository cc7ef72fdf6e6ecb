"""What the server part is, what it talks to and what is wrong."""

from __future__ import annotations

from importlib.metadata import version

from .. import __version__
from ..errors import MLKitError
from ..models import ErrorBody, Status
from .base import MLKitHandler
from .endpoint import endpoint
from .refusal import error_body
from .services import Services


class StatusHandler(MLKitHandler):
    """The first question of every page."""

    path = "status"

    @endpoint("read", "status", "Versions, store and problems", answer=Status, polled=True)
    async def get(self) -> Status:
        """Return the state of the server part; a store that fails is a problem, no error."""
        services = self.services
        problems: list[ErrorBody] = []
        try:
            await self.blocking(services.check_store)
            offered = await self.blocking(services.offered)
            problems += [error_body(offered)] if offered else []
        except MLKitError as error:
            problems.append(error_body(error))
        return _status(services, self.person, problems)


def _status(services: Services, person: str, problems: list[ErrorBody]) -> Status:
    from ..tracking.store import is_sql, redact

    settings = services.settings
    root = settings.artifact_root
    return Status(
        version=__version__,
        mlflow_version=version("mlflow"),
        tracking_uri=redact(settings.tracking_uri),
        store="local" if is_sql(settings.tracking_uri) else "remote",
        artifact_root=None if root is None else str(root),
        root_dir=str(settings.root_dir),
        person=person,
        problems=problems,
    )


HANDLERS = [StatusHandler]
