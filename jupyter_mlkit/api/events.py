"""The lease on live changes; the changes themselves travel on Jupyter's event bus."""

from __future__ import annotations

from ..models import Watch
from .base import MLKitHandler
from .endpoint import endpoint


class WatchHandler(MLKitHandler):
    """A lease."""

    path = "events/watch"

    @endpoint("read", "events", "Take or renew a lease on live changes", answer=Watch, polled=True)
    async def post(self) -> Watch:
        """Let the store be watched for the next minute."""
        events = self.services.start_events()
        # A store that is not there yet cannot be watched.
        return await self.with_tracking(lambda _store: events.watch())


HANDLERS = [WatchHandler]
