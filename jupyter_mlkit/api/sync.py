"""What was logged and is not in its store yet: how much, why, and bring it now."""

from __future__ import annotations

from ..models import SyncState
from .base import MLKitHandler
from .endpoint import endpoint
from .owned import Owned

JOURNAL = Owned("journal")


class SyncHandler(MLKitHandler):
    """The journals of the account that runs the server."""

    path = "sync"

    @endpoint("read", "sync", "Tell what waits, and why", answer=SyncState, polled=True)
    async def get(self) -> SyncState:
        """Return what waits."""
        return await self.blocking(self.services.sync_state)

    @endpoint("execute", "sync", "Bring what waits to its store now", on=JOURNAL, answer=SyncState)
    async def post(self) -> SyncState:
        """Have it brought; answers before it is there."""
        return await self.blocking(self.services.sync_now)


HANDLERS = [SyncHandler]
