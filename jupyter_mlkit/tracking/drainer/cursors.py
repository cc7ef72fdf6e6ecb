"""How far the journal of a run was brought to the store."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..disk import replace_file
from ..journal.frames import FILE_MARK

_SUFFIX = ".cursor"


class Cursor(msgspec.Struct, frozen=True):
    """What comes next of a writer.

    Attributes
    ----------
    segment : int
    offset : int
        Where in the segment.
    closed : bool
        Whether the writer has said that nothing more comes.
    """

    segment: int = 1
    offset: int = len(FILE_MARK)
    closed: bool = False


_decode = msgspec.json.Decoder(Cursor).decode
_encode = msgspec.json.Encoder().encode


def read_cursor(folder: Path, writer: str) -> Cursor:
    """Return the cursor of a writer; where there is none, all of it is still to be brought.

    One that cannot be read is none: what comes twice is in the store once.
    """
    try:
        return _decode((folder / (writer + _SUFFIX)).read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        return Cursor()


def write_cursor(folder: Path, writer: str, cursor: Cursor) -> None:
    """Replace the cursor of a writer; whoever reads it sees the old one or the new one.

    Raises
    ------
    OSError
        It stays as it was.
    """
    replace_file(folder / (writer + _SUFFIX), _encode(cursor))
