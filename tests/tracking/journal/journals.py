"""What the tests of the journal have in common."""

from __future__ import annotations

import io
from collections.abc import Iterable

from jupyter_mlkit.tracking.journal.entries import Metric, Opened, Params, encoded
from jupyter_mlkit.tracking.journal.frames import FILE_MARK, Frame, framed, salt_of
from jupyter_mlkit.tracking.journal.reader import Damage, Rest, read

WRITER = "0123456789abcdef0123456789abcdef"
SALT = salt_of(WRITER)


def opened(writer: str = WRITER, segment: int = 1) -> Opened:
    """Return the first entry of a segment."""
    return Opened("run", writer, segment, "1.0.0", 4321, "777", "boot", "machine")


def segment_of(size: int, long: int = 0) -> tuple[bytes, list[tuple[int, int]]]:
    """Return a segment of at least `size` bytes, and where its records lie.

    Every other record holds a text of `long` characters, if that is given.
    """
    data, places, number = FILE_MARK, [], 0
    while len(data) < size:
        number += 1
        entry = Metric(f"loss é {number}", number / 3, 1_700_000_000_000 + number, number)
        kind, payload = encoded(entry)
        if number == 1:
            kind, payload = encoded(opened())
        elif long and number % 2:
            kind, payload = encoded(Params({f"name {number}": "x" * long}))
        begin = len(data)
        data += framed(SALT, kind, number, number, number, payload)
        places.append((begin, len(data)))
    return data, places


def scanned(data: bytes, start: int = len(FILE_MARK)) -> list[Frame | Damage | Rest]:
    """Return all that is read from a segment."""
    return list(read(io.BytesIO(data), SALT, start))


def frames(found: Iterable[Frame | Damage | Rest]) -> list[Frame]:
    """Return the records that were found."""
    return [one for one in found if isinstance(one, Frame)]


def records(found: Iterable[Frame | Damage | Rest]) -> list[tuple[int, int]]:
    """Return where the records that were found lie."""
    return [(one.begin, one.end) for one in frames(found)]
