"""What the process that gathers is asked: a file without a name, which both sides hold open.

All of it is there before anybody reads it, and it has an end although a forked worker holds it
open; a pipe has neither. Its first byte tells whether the run has ended.
"""

from __future__ import annotations

import os
import tempfile
from typing import IO

_GOES_ON, _ENDED = b"\0", b"\1"


def asking(request: bytes) -> IO[bytes]:
    """Return a file with a request, to be the standard input of a process.

    Raises
    ------
    OSError
        There is no room for it.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever asks closes it
    try:
        file.write(_GOES_ON + request)
        file.seek(0)
    except OSError:
        file.close()
        raise
    return file


def asked(file: IO[bytes]) -> bytes:
    """Return the request of a file."""
    return file.read()[1:]


def tell_end(file: IO[bytes]) -> None:
    """Tell whoever is asked by a file that the run has ended."""
    # The position is shared with who reads it, and stays.
    os.pwrite(file.fileno(), _ENDED, 0)


def has_ended(file: IO[bytes]) -> bool:
    """Return whether the run has ended for which was asked."""
    return os.pread(file.fileno(), 1, 0) == _ENDED
