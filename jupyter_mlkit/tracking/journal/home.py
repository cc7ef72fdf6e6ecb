"""Where the journals of a user lie: a folder for each store, in it one for each run."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlkit.errors import InvalidInputError

from ..disk import private_folder, replace_file
from ..redact import redact
from .ids import Ids

_STORE = "store.uri"
#: Folder of a run with a folder for each model, and the end of the name of what tells that the
#: files of a model were sent.
MODELS, SENT = "models", ".sent"
#: Folder of a run with a folder for each model that was handed over.
UNMADE = "unmade"
#: Not the name of a run.
_IDS = ".ids"
#: Bytes that the journals of a user should not exceed, and the share of them at which that is told.
#: More is kept all the same: nothing that is not in a store is ever deleted.
QUOTA, TOLD_AT = 1024**3, 0.8
#: As MLflow makes ids, and as we do; nothing that leads out of a folder.
_RUN = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")


@dataclass(frozen=True)
class Journal:
    """The journal of a run.

    Attributes
    ----------
    folder : Path
    run : str
    store : str
        URI of the store, without a password.
    """

    folder: Path
    run: str
    store: str

    @property
    def files(self) -> Path:
        """Where files wait to be sent, each whole."""
        return self.folder / "files"

    @property
    def sending(self) -> Path:
        """Where files are that are on their way."""
        return self.folder / "sending"

    @property
    def loose(self) -> Path:
        """Where a run that no store knows has its files, which may still be written."""
        return self.folder / "loose"

    @property
    def unmade(self) -> Path:
        """Where models wait to be logged; see :mod:`.unmade`."""
        return self.folder / UNMADE

    @property
    def waiting_files(self) -> tuple[Path, ...]:
        """Folders that are there while something in them waits."""
        return self.files, self.sending, self.loose

    def model_files(self, model: str) -> Path:
        """Where files of a model wait until the store is there."""
        return self.folder / MODELS / model


class Home:
    """The journals of a user.

    Parameters
    ----------
    root : Path
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def journal(self, store: str, run: str) -> Journal:
        """Return the journal of a run, with its folder made.

        Parameters
        ----------
        store : str
            URI of the store; a password in it is not written down.
        run : str

        Raises
        ------
        InvalidInputError
            ``not_a_run_id``.
        BackendError
            ``store_unwritable``.
        OSError
            The folder cannot be written.
        """
        found = self.find(store, run)
        private_folder(found.folder)
        told = found.folder.parent / _STORE
        if not told.exists():
            # Several processes may begin to write at the same moment.
            replace_file(told, found.store.encode())
        return found

    def find(self, store: str, run: str) -> Journal:
        """Return where the journal of a run is, whether there is one or not.

        Raises
        ------
        InvalidInputError
            ``not_a_run_id``.
        """
        if not _RUN.fullmatch(run):
            raise InvalidInputError(
                f"{run[:80]!r} is no id of a run.",
                hint="Ids have letters, digits, '-' and '_'.",
                code="not_a_run_id",
            )
        plain = redact(store)
        return Journal(self._folder(plain) / run, run, plain)

    def ids(self, store: str) -> Ids:
        """Return the ids that were given while a store could not be asked."""
        return Ids(self._folder(redact(store)) / _IDS)

    def journals(
        self, unlisted: Callable[[OSError | UnicodeDecodeError], object] = lambda _: None
    ) -> Iterator[Journal]:
        """Yield the journals of all runs.

        Parameters
        ----------
        unlisted : callable
            Told why those of a store cannot be listed; they keep nobody from the others.
        """
        for told in sorted(self.root.glob(f"*/{_STORE}")):
            try:
                found = [*self.journals_of(told.read_text(encoding="utf-8"))]
            except (OSError, UnicodeDecodeError) as error:
                unlisted(error)
                continue
            yield from found

    def journals_of(self, store: str) -> Iterator[Journal]:
        """Yield the journals of the runs of one store."""
        plain = redact(store)
        folder = self._folder(plain)
        for found in sorted(folder.iterdir()) if folder.exists() else ():
            if found.is_dir() and _RUN.fullmatch(found.name):
                yield Journal(found, found.name, plain)

    def _folder(self, plain: str) -> Path:
        return self.root / hashlib.sha256(plain.encode()).hexdigest()[:16]

    def size(self) -> int:
        """Return the bytes of all journals."""
        found = 0
        for folder, _, names in os.walk(self.root):
            for name in names:
                with suppress(FileNotFoundError):  # brought to the store meanwhile
                    found += Path(folder, name).lstat().st_size
        return found
