"""Bring the files of a run that was begun without its store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jupyter_mlkit.errors import (
    BackendError,
    InvalidInputError,
    MLKitError,
    NotFoundError,
    TooLargeError,
)

from ..client import StoreClient
from ..journal.files import staged
from ..journal.home import Journal
from .dead_letters import DeadLetter, keep

#: Seconds for which a file must not have changed where no end of the run says that it is whole.
SETTLED = 5.0


def bring_files(journal: Journal, store: StoreClient, run: str, *, unchanged: float = 0.0) -> int:
    """Send the files that wait, and delete each that was sent; return how many it was.

    What the store refuses for good stays where it is, and is among the dead letters.

    Parameters
    ----------
    journal : Journal
    store : StoreClient
    run : str
        Its id in the store.
    unchanged : float
        Seconds; files that changed since are left for later.

    Raises
    ------
    MLKitError
        The store, or the place of its files, cannot be used now.
    """
    sent = 0
    for path in staged(journal.files):
        if unchanged and time.time() - path.stat().st_ctime < unchanged:
            continue
        name = path.relative_to(journal.files)
        try:
            _send(store, run, path, name.parent.as_posix())
        except (InvalidInputError, NotFoundError, TooLargeError) as error:
            refused = journal.folder / "refused-files" / name
            letter = DeadLetter("artifact", name.as_posix(), str(refused), error.message)
            keep(journal.folder, [letter])
            refused.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.replace(refused)
            continue
        path.unlink()
        sent += 1
    for folder in sorted((one for one in journal.files.rglob("*") if one.is_dir()), reverse=True):
        with suppress(OSError):  # something is left, or new
            folder.rmdir()
    with suppress(OSError):
        journal.files.rmdir()
    return sent


def _send(store: StoreClient, run: str, path: Path, folder: str) -> None:
    what = f"{path.name} of run {run}"
    with sending(what), store.calling(what) as client:
        client.log_artifact(run, str(path), None if folder == "." else folder)


@contextmanager
def sending(what: str) -> Iterator[None]:
    """Turn what the place for files raises into our errors."""
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    try:
        yield
    except (MLKitError, MlflowException, RequestException):
        raise
    except Exception as error:  # each kind of place has errors of its own
        raise BackendError(
            f"The files of {what} cannot be sent: {error}",
            hint="Look whether the place of its artifacts can be written from here.",
        ) from error
