"""Ask a store that may be away, without waiting for it as long as MLflow does."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from jupyter_mlkit.errors import BackendError

from ..client import StoreClient
from ..redact import redact
from ..store import is_local

T = TypeVar("T")
_log = logging.getLogger("jupyter_mlkit.tracking")
#: Seconds that a server gets for an answer. MLflow itself tries for 4 minutes where nobody
#: listens, and for 20 where somebody does and does not answer.
ANSWERS_WITHIN = 5.0
#: Seconds for which a server that was away is not asked again.
AWAY = 10.0


class UnreachableError(Exception):
    """The store cannot be asked now."""


class Reach:
    """A store, made when it is first asked.

    While a question is open to which no answer came in time no other is asked: MLflow goes on
    trying, so its answer tells when the store is there again.

    Parameters
    ----------
    uri : str
    make : callable
        Returns the store.
    """

    def __init__(self, uri: str, make: Callable[[], Any]) -> None:
        self._uri = uri
        self._door = StoreClient(uri)
        self._make = make
        self._store: Any = None
        self._lock = threading.Lock()
        self._open: threading.Thread | None = None
        self._away_until = 0.0
        self._told = False

    @property
    def store(self) -> Any:
        """The store itself, with all the patience of MLflow."""
        with self._lock:
            if self._store is None:
                self._store = self._make()
            return self._store

    @property
    def answering(self) -> Any:
        """The store itself, if anybody listens at its address.

        Raises
        ------
        UnreachableError
            Nobody does: MLflow would try for minutes.
        """
        if not is_local(self._uri):
            try:
                self._door.check_reachable()
            except BackendError as error:
                raise self._told_once(error.message) from error
        return self.store

    def ask(self, call: Callable[[Any], T]) -> T:
        """Return what a store answers.

        Raises
        ------
        UnreachableError
            It does not answer, or cannot be used now.
        MlflowException
            It refuses.
        """
        if is_local(self._uri):  # a file answers, or fails, by itself
            return self._judged(lambda: call(self.store))
        is_open = self._open is not None and self._open.is_alive()
        if is_open or time.monotonic() < self._away_until:
            raise UnreachableError(f"{redact(self._uri)} does not answer.")
        answers: list[Callable[[], T]] = []
        context = contextvars.copy_context()

        def asking() -> None:
            try:
                self._door.check_reachable()
                answer = context.run(lambda: call(self.store))
            except BaseException as error:  # noqa: BLE001 - raised where it was asked
                failed = error
                answers.append(lambda: _raise(failed))
            else:
                answers.append(lambda: answer)

        thread = threading.Thread(target=asking, name="mlkit-asks", daemon=True)
        thread.start()
        thread.join(ANSWERS_WITHIN)
        if not answers:
            self._open = thread
            raise self._told_once(f"{redact(self._uri)} does not answer.")
        return self._judged(answers[0])

    def forked(self) -> None:
        """Forget what threads of the process before were about."""
        self._lock, self._open = threading.Lock(), None

    def _judged(self, call: Callable[[], T]) -> T:
        from mlflow.exceptions import MlflowException
        from requests.exceptions import RequestException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            found = call()
        except MlflowException as error:
            ours = self._door.translate(error, "The store")
            if isinstance(ours, BackendError):
                raise self._told_once(ours.message) from error
            raise
        except BackendError as error:  # when a file is made ready
            raise self._told_once(error.message) from error
        except (SQLAlchemyError, RequestException, OSError) as error:
            raise self._told_once(str(error).splitlines()[0]) from error
        self._told = False
        return found

    def _told_once(self, why: str) -> UnreachableError:
        self._away_until = time.monotonic() + AWAY
        if not self._told:
            self._told = True
            _log.warning(
                "%s What is logged waits in the journal and is sent when the store is there again; "
                "jupyter mlkit sync --status tells what waits.",
                why,
            )
        return UnreachableError(why)


def _raise(error: BaseException) -> Any:
    raise error
