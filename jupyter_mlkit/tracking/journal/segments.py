"""The files of a journal: a folder for each run, in it the segments of each writer."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .frames import FILE_MARK, Frame, salt_of
from .reader import Damage, Rest, read

#: The version of the format stands in the name: what is newer is not opened, let alone deleted.
SUFFIX = ".mlkj1"
#: What is begun and no segment yet; one that stays is of a dead process, and anybody may delete it.
UNFINISHED = ".new"
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

    def create(self, first: bytes) -> int:
        """Create it with its first bytes; return its descriptor, which only appends.

        It has its name once they are in it: whoever is killed before leaves a file that ends in
        `UNFINISHED`, and no segment of which nobody can tell who writes it.

        Raises
        ------
        OSError
            It cannot be created, or is there already.
        """
        for _ in range(_TRIES):
            try:
                return self._create(first)
            except FileNotFoundError:
                # The folder went when the store had all that was in it, or the file with what
                # others had left unfinished.
                self.folder.mkdir(mode=0o700, exist_ok=True)
        return self._create(first)

    def _create(self, first: bytes) -> int:
        new = self.path.with_name(self.path.name + UNFINISHED)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        file = os.open(new, flags, 0o600)
        try:
            while first:
                first = first[write_some(file, first) :]
            new.rename(self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.close(file)
            with contextlib.suppress(OSError):
                new.unlink()
            raise
        return file

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
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = filter(None, map(_NAME.fullmatch, names))
    return sorted(Segment(folder, match[1], int(match[2])) for match in found)


def write_some(file: int, data: bytes) -> int:
    """Write a part of `data`, which is never none of it; return how many bytes.

    Raises
    ------
    OSError
        Nothing of it is written.
    """
    written = os.write(file, data)
    if not written:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return written
