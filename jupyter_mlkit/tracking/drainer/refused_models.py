"""Models that could not be logged are kept aside, and put back where somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..journal.home import Journal
from .dead_letters import DeadLetter, keep, withdraw

#: Folder of a run with a folder for each of them.
REFUSED_MODELS = "refused-models"
_WHAT = "model"


def refuse(journal: Journal, folder: Path, name: str, why: str) -> None:
    """Keep a model aside, and say why.

    Parameters
    ----------
    journal : Journal
    folder : Path
        Where it waits.
    name, why : str

    Raises
    ------
    OSError
        It cannot be written down; the model waits on.
    """
    refused = journal.folder / REFUSED_MODELS / folder.name
    refused.parent.mkdir(mode=0o700, exist_ok=True)
    keep(journal.folder, [DeadLetter(_WHAT, name, str(refused), why)])
    folder.replace(refused)


def refused_models(journal: Journal) -> Iterator[Path]:
    """Yield the folders of the models of a run that are kept aside."""
    yield from sorted(journal.folder.glob(f"{REFUSED_MODELS}/*"))


def put_back(journal: Journal) -> int:
    """Let the models of a run that are kept aside wait again; return how many it is.

    Only for the drainer of the home: it alone writes what was refused.

    Raises
    ------
    OSError
        Not all of them can be.
    """
    found = list(refused_models(journal))
    for one in found:
        journal.unmade.mkdir(mode=0o700, exist_ok=True)
        one.replace(journal.unmade / one.name)
    if found:
        with suppress(OSError):
            (journal.folder / REFUSED_MODELS).rmdir()
    # Also what was put back by a process that was killed then.
    withdraw(journal.folder, lambda one: one.what == _WHAT and not Path(str(one.value)).exists())
    return len(found)
