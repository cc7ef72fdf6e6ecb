"""The files of a journal: a folder for each run, in it the segments of each writer."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .frames import FILE_MARK, Frame, salt_of
from .reader import Damage, Rest, read

#: The version of the format stands in the name: what is newer is not opened, let alone deleted.
SUFFIX = ".mlkj1"
#: How often a folder may vanish again before a file is in it.
_TRIES = 5
_NAME = re.compile(r"([0-9a-f]{32})-(\d{6,})" + re.escape(SUFFIX))


@dataclass(frozen=True, order=True)
class Segment:
    """A file of one writer.

    Attributes
    ----------
    folder : Path
        Of the run.
    writer : str
        32 hexadecimal digits.
    number : int
        Counted by the writer from 1.
    """

    folder: Path
    writer: str
    number: int

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.folder / f"{self.writer}-{self.number:06d}{SUFFIX}"

    def create(self) -> int:
        """Create it and return its descriptor, which only appends.

        Raises
        ------
        OSError
            It cannot be created, or is there already.
        """
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        for _ in range(_TRIES):
            try:
                return os.open(self.path, flags, 0o600)
            except FileNotFoundError:
                # The folder went when the store had all that was in it.
                self.folder.mkdir(mode=0o700, exist_ok=True)
        return os.open(self.path, flags, 0o600)

    def read(self, start: int = len(FILE_MARK)) -> Iterator[Frame | Damage | Rest]:
        """Yield its records from `start` on, see :func:`.reader.read`.

        One that is gone has none: the store has them.
        """
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            yield from read(file, salt_of(self.writer), start)


def segments(folder: Path) -> list[Segment]:
    """Return the segments of a run, those of a writer in the order of their number."""
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    found = filter(None, map(_NAME.fullmatch, names))
    return sorted(Segment(folder, match[1], int(match[2])) for match in found)
