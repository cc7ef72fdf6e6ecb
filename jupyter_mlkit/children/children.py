"""The children of one server: started when somebody asks, ended when nobody does any more."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .. import models
from ..errors import MLKitError, NotFoundError
from .child import Child, ChildError
from .folder import make_private, socket_folder
from .kind import Kind
from .leftovers import clear_leftovers

#: Seconds between two looks for children that are idle or have ended.
_LOOK_EVERY = 10.0


class TooManyChildrenError(MLKitError):
    """As many children run as may run at the same time."""

    code = "too_many_children"
    status = 429


class StoppedError(ChildError):
    """The child has been ended, by a person or because nobody used it."""

    code = "child_stopped"
    status = 503


@dataclass
class _Place:
    """Keeps the address of a kind for the life of the server, whether it runs or not."""

    child_id: str
    kind: str
    starting: threading.Lock = field(default_factory=threading.Lock)
    child: Child | None = None
    is_ready: bool = False


class Children:
    """The children of one server, at most one of each kind.

    Thread-safe and synchronous. A thread of its own starts with the first child.

    Parameters
    ----------
    kinds : mapping
        What may be started: makers of kinds by name.
    folder : Path, optional
        Where sockets are made; see :func:`~.folder.socket_folder`.
    idle : float
        Seconds without a request after which a child is ended.
    most : int
        Children that run at the same time.
    start_timeout : float
        Seconds that a child may take until it answers.
    """

    def __init__(
        self,
        kinds: Mapping[str, Callable[[], Kind]],
        *,
        folder: Path | None = None,
        idle: float = 1800.0,
        most: int = 4,
        start_timeout: float = 120.0,
    ) -> None:
        self._kinds = kinds
        self._wanted_folder = folder
        self._folder: Path | None = None
        self._idle = idle
        self._most = most
        self.start_timeout = start_timeout
        self._places: dict[str, _Place] = {}
        self._changed = threading.Condition()
        self._culler: threading.Thread | None = None
        self._closed = False

    def open(self, kind: str) -> models.Child:
        """Return the running child of a kind; it is started where there is none.

        Returns when it answers, which takes seconds for one that is started.

        Raises
        ------
        NotFoundError
            There is no such kind.
        TooManyChildrenError
        ChildError
            It could not be started.
        """
        make = self._kinds.get(kind)
        if make is None:
            raise NotFoundError(f"There is no program '{kind}' to open.", field="kind")
        with self._changed:
            place = next((one for one in self._places.values() if one.kind == kind), None)
            if place is None:
                place = _Place(secrets.token_hex(8), kind)
                self._places[place.child_id] = place
        with place.starting:
            if place.child is None or not place.child.is_alive:
                self._start(place, make())
            assert place.child is not None
            place.child.touch()
            return _told(place, place.child)

    def list(self) -> models.ChildList:
        """Return the children that run or are being started."""
        with self._changed:
            places = [(place, place.child) for place in self._places.values()]
        return models.ChildList(
            items=[
                _told(place, child)
                for place, child in places
                if child is not None and child.is_alive
            ]
        )

    def child(self, child_id: str) -> Child:
        """Return a running child, for a request to it. Nothing is started.

        Raises
        ------
        NotFoundError
            This server has never started it.
        StoppedError
            It does not run (any more, or yet).
        """
        with self._changed:
            place = self._places.get(child_id)
            child = None if place is None else place.child
        if place is None:
            raise NotFoundError("There is no such program, or another server has started it.")
        if child is None or not place.is_ready or not child.is_alive:
            raise StoppedError(
                "This program does not run: it was stopped, or nobody used it for a while.",
                hint="Open it again from JupyterLab, then reload this page.",
            )
        return child

    def stop(self, child_id: str) -> None:
        """End a child; one that has ended already stays so."""
        with self._changed:
            place = self._places.get(child_id)
            if place is None:
                raise NotFoundError("There is no such program.")
            child, place.child = place.child, None
        if child is not None:
            child.stop()

    def close(self, timeout: float) -> None:
        """End all children within about `timeout` seconds."""
        with self._changed:
            self._closed = True
            running = [place.child for place in self._places.values() if place.child]
            for place in self._places.values():
                place.child = None
            self._changed.notify_all()
        _stop_all(running, timeout)

    # ------------------------------------------------------------------------------- details

    def _start(self, place: _Place, kind: Kind) -> None:
        folder = self._prepared_folder()
        with self._changed:
            if self._closed:
                raise StoppedError("The server is being stopped.")
            ended, place.child, place.is_ready = place.child, None, False
            running = [one.child for one in self._places.values() if one.child]
            if sum(child.is_alive for child in running) >= self._most:
                raise TooManyChildrenError(
                    f"{self._most} programs run already, which is as many as are allowed.",
                    hint="Stop one of them, or raise MLKitApp.children_at_once.",
                )
            child = place.child = Child(kind, folder)
        if ended is not None:
            ended.stop()
        try:
            child.wait_until_ready(self.start_timeout)
        except BaseException:
            with self._changed:
                if place.child is child:
                    place.child = None
            child.stop(timeout=1.0)
            raise
        with self._changed:
            place.is_ready = place.child is child
            if self._culler is None:
                self._culler = threading.Thread(
                    target=self._cull, name="jupyter-mlkit-children", daemon=True
                )
                self._culler.start()
        if not place.is_ready:
            raise StoppedError(f"{kind.title} was stopped while it was being started.")

    def _prepared_folder(self) -> Path:
        if self._folder is None:
            folder = make_private(socket_folder(self._wanted_folder))
            clear_leftovers(folder)
            self._folder = folder
        return self._folder

    def _cull(self) -> None:
        """End idle children until none is left; then this thread ends too."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed, min(_LOOK_EVERY, self._idle / 4))
                due: list[Child] = []
                for place in self._places.values():
                    child = place.child
                    if child is None or not place.is_ready:
                        continue
                    if child.idle_for() >= self._idle or not child.is_alive:
                        due.append(child)
                        place.child = None
                is_last = self._closed or not any(one.child for one in self._places.values())
                if is_last:
                    self._culler = None
            for child in due:
                child.stop()
            if is_last:
                return


def _told(place: _Place, child: Child) -> models.Child:
    return models.Child(
        child_id=place.child_id,
        kind=place.kind,
        title=child.kind.title,
        state="running" if place.is_ready else "starting",
        path=f"jupyter-mlkit/children/{place.child_id}/",
        started=int(child.started * 1000),
        idle=int(child.idle_for()),
    )


def _stop_all(children: list[Child], timeout: float) -> None:
    enders = [threading.Thread(target=child.stop, args=(timeout,)) for child in children]
    for ender in enders:
        ender.start()
    for ender in enders:
        ender.join()
