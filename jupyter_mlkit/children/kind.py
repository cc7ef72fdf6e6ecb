"""What a kind of child is: how it is started, and what its pages may do in the browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_NOTHING = re.compile(r"(?!)")


@dataclass(frozen=True)
class Address:
    """Where a child listens, and the name by which it is called.

    Attributes
    ----------
    socket : Path
        Of the unix socket that the child makes.
    host : str
        The only ``Host`` that it should answer to; made anew for each start.
    """

    socket: Path
    host: str

    @property
    def origin(self) -> str:
        """The only ``Origin`` from which it should take changes."""
        return f"http://{self.host}"


@dataclass(frozen=True)
class Kind:
    """One kind of child.

    Attributes
    ----------
    name : str
        As the API calls it.
    title : str
        As people call it.
    command : callable
        Program and arguments for an address. No secret may stand there: everybody on the
        machine can read it.
    environment : mapping
        What the child is told, besides the few variables that every child gets.
    storage : bool
        Whether it may have the keys of object stores.
    ready : str
        Path that answers 200 as soon as the child is ready.
    pages, assets : re.Pattern
        Paths of the documents and of the scripts and styles that belong to the program itself.
        What comes from any other path was perhaps made by somebody else: it cannot run.
    refused : re.Pattern
        Paths that are not passed on.
    headers : frozenset of str
        Request headers, in lower case, that are passed on besides the usual ones.
    policy : str
        Content security policy of its pages; ``frame-ancestors`` and ``connect-src`` are ours.
    """

    name: str
    title: str
    command: Callable[[Address], Sequence[str]]
    environment: Callable[[Address], Mapping[str, str]] = field(default=lambda _: {})
    storage: bool = False
    ready: str = "/"
    pages: re.Pattern[str] = _NOTHING
    assets: re.Pattern[str] = _NOTHING
    refused: re.Pattern[str] = _NOTHING
    headers: frozenset[str] = frozenset()
    policy: str = "default-src 'self'"
