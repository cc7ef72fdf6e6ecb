"""Have what waits brought now."""

from __future__ import annotations

from contextlib import suppress

from jupyter_mlkit.errors import BackendError

from ..journal.home import Home
from .dead_letters import NAME
from .process import start


def wake(home: Home) -> int | None:
    """Start a drainer where there is something to bring; return its pid.

    None where there is nothing, or a drainer already.

    Raises
    ------
    BackendError
        ``journal_unwritable``.
    """
    try:
        return start(home) if _has_work(home) else None
    except OSError as error:
        raise BackendError(
            f"What waits in {home.root} cannot be brought: {error.strerror}.",
            hint="Make the folder writable, or free some space there; what is in it is kept.",
            code="journal_unwritable",
        ) from error


def _has_work(home: Home) -> bool:
    """Whether more is left of any run than what its store has refused for good."""
    for journal in home.journals():
        with suppress(FileNotFoundError):  # brought meanwhile
            if any(path.name != NAME for path in journal.folder.iterdir()):
                return True
    return False
