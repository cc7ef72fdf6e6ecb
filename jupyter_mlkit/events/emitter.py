"""Puts changes on Jupyter's event bus."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jupyter_mlkit.models import Change

if TYPE_CHECKING:
    from jupyter_events import EventLogger

SCHEMA_ID: Final = "https://events.jupyter.org/jupyter_mlkit/change/v1"
_SCHEMA = Path(__file__).with_name("change.yaml")

#: More ids than this are not named; listeners fetch again.
MOST_IDS: Final = 200


class Emitter:
    """Emits changes from any thread.

    Make it while the server starts: Jupyter's stream of events carries only the schemas that
    are known when a browser connects.

    Parameters
    ----------
    event_logger : jupyter_events.EventLogger
        The server's bus.
    loop : asyncio.AbstractEventLoop, optional
        The server's loop, on which listeners run; the running one where missing.
    """

    def __init__(
        self, event_logger: EventLogger, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self._logger = event_logger
        self._loop = loop
        register_schema(event_logger)

    def emit(self, change: Change) -> None:
        """Emit `change`; returns at once, and says nothing where the server is going down."""
        data: dict[str, object] = {
            "capability": change.capability,
            "kind": change.kind,
            "ids": change.ids if len(change.ids) <= MOST_IDS else [],
        }
        loop = self._loop or asyncio.get_running_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._emit, data)

    def _emit(self, data: dict[str, object]) -> None:
        self._logger.emit(schema_id=SCHEMA_ID, data=data)


def register_schema(event_logger: EventLogger) -> None:
    """Make the schema of our events known to the bus, once."""
    if SCHEMA_ID not in event_logger.schemas:
        event_logger.register_event_schema(_SCHEMA)
