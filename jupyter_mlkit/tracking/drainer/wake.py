"""Have what waits brought, where nobody does it."""

from __future__ import annotations

from jupyter_mlkit.errors import BackendError

from ..journal.home import Home
from .process import needs_drainer, start
from .status import ask_now, pending


def wake(home: Home, *, now: bool = False) -> int | None:
    """Start a drainer where there is something to bring; return its pid.

    None where there is nothing, or a drainer already. Cheap where there is nothing.

    Parameters
    ----------
    home : Home
    now : bool
        Have a drainer that waits for its next try do it now.

    Raises
    ------
    BackendError
        ``journal_unwritable``.
    """
    try:
        if needs_drainer(home) or any(one.entries for one in pending(home)):
            pid = start(home)
            if now and pid is None:
                ask_now(home)
            return pid
    except OSError as error:
        raise BackendError(
            f"What waits in {home.root} cannot be brought: {error.strerror}.",
            hint="Make the folder writable, or free some space there; what is in it is kept.",
            code="journal_unwritable",
        ) from error
    return None
