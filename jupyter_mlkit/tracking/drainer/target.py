"""Where the entries of a run go, and what of them the store is told in other words."""

from __future__ import annotations

from jupyter_mlkit.errors import ConflictError, InvalidInputError, NotFoundError

from ..client import StoreClient
from ..journal.home import Home, Journal
from ..journal.used import Aside
from .asides import bring, known
from .creation import discard_doubles, told
from .dead_letters import DeadLetter
from .files import bring_files


class Target:
    """A run whose journal says all as its store is to be told.

    Parameters
    ----------
    store : StoreClient
    run : str
        Its id in the store.
    """

    def __init__(self, store: StoreClient, run: str) -> None:
        self.store = store
        self.run = run

    def tags(self, tags: dict[str, str | None]) -> dict[str, str | None]:
        """Return tags as the store is told them."""
        return tags

    def model(self, name: str | None) -> str | None:
        """Return the id of a model in the store."""
        return name

    def bring(self, entry: Aside) -> list[DeadLetter]:
        """Bring an entry that is neither number nor text; return it where it is refused."""
        raise NotImplementedError

    def before_end(self) -> None:
        """Do what is left before the store is told that the run is over."""


class JournalTarget(Target):
    """A run of which a part may have been begun without its store.

    Parameters
    ----------
    home : Home
    journal : Journal
    store : StoreClient
    run : str
        Its id in the store.
    """

    def __init__(self, home: Home, journal: Journal, store: StoreClient, run: str) -> None:
        super().__init__(store, run)
        self._home = home
        self._journal = journal
        self._ids = home.ids(journal.store)

    def tags(self, tags: dict[str, str | None]) -> dict[str, str | None]:
        """Return tags with the parent's id in the store."""
        return told(self._home, self._journal.store, self.store, tags)

    def model(self, name: str | None) -> str | None:
        """Return the id of a model in the store."""
        return None if name is None else known(self._ids, name)

    def bring(self, entry: Aside) -> list[DeadLetter]:
        """Bring inputs, outputs and models; return what the store refuses."""
        try:
            bring(self._journal, self._ids, self.store, self.run, entry)
        except (InvalidInputError, NotFoundError, ConflictError) as error:
            return [DeadLetter("aside", type(entry).__name__, repr(entry)[:1000], error.message)]
        return []

    def before_end(self) -> None:
        """Bring the files, and take away what was made twice."""
        bring_files(self._journal, self.store, self.run, all_of_it=True)
        discard_doubles(self._journal, self.store, self.run)
