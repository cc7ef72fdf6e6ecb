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
from ..journal.files import forget_unfinished, staged
from ..journal.home import Journal
from .dead_letters import DeadLetter, keep

#: Seconds for which a file must not have changed where no end of the run says that it is whole.
SETTLED = 5.0


def bring_files(journal: Journal, store: StoreClient, run: str, *, all_of_it: bool) -> int:
    """Send the files that wait, and delete each that was sent; return how many it was.

    What the store refuses for good is kept, and is among the dead letters.

    Parameters
    ----------
    journal : Journal
    store : StoreClient
    run : str
        Its id in the store.
    all_of_it : bool
        Whether nothing is written any more; else files that may be are left for later.

    Raises
    ------
    MLKitError
        The store, or the place of its files, cannot be used now.
    """
    # Those that an earlier drainer had in its hands are older than others of their name.
    sent = _bring_sending(journal, store, run)
    moved = 0
    for folder in (journal.files, journal.loose):
        for path in staged(folder):
            is_whole = all_of_it or folder == journal.files or _rests(path)
            if is_whole:
                # What is written from now on under this name is another file.
                target = journal.sending / path.relative_to(folder)
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.replace(target)
                moved += 1
        forget_unfinished(folder)
        _remove_empty(folder)
    return sent + (_bring_sending(journal, store, run) if moved else 0)


def _rests(path: Path) -> bool:
    return time.time() - path.stat().st_ctime >= SETTLED


def _bring_sending(journal: Journal, store: StoreClient, run: str) -> int:
    sent = 0
    for path in staged(journal.sending):
        name = path.relative_to(journal.sending)
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
    _remove_empty(journal.sending)
    return sent


def _remove_empty(folder: Path) -> None:
    inside = (one for one in folder.rglob("*") if one.is_dir())
    for one in (*sorted(inside, reverse=True), folder):
        with suppress(OSError):  # something is left, or new
            one.rmdir()


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
