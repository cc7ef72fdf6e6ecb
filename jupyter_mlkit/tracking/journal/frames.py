"""Records as bytes: each stands alone, so that damage costs the records it hits and no other.

A segment is the eight bytes `FILE_MARK` and then records, each of

====== ==== ===============================================================
offset size
====== ==== ===============================================================
0      2    `MARK`; its first byte is in no UTF-8 text
2      1    kind
3      1    0
4      4    bytes of the payload
8      8    number of the record, counted by its writer over all segments
16     8    when: nanoseconds since 1970-01-01 UTC by the machine's clock
24     8    when: nanoseconds of a clock that never steps back
32     n    payload
32+n   4    CRC-32C of all before
====== ==== ===============================================================

all little-endian. The CRC starts from that of the writer's name, which the name of the file holds:
a record of another writer is none here. Nothing that is needed to read a record stands elsewhere in
the file.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import google_crc32c

from jupyter_mlkit.errors import InvalidInputError

#: What a segment begins with; readers do not need it, people and ``file`` do.
FILE_MARK = b"MLKJ\x01\r\n\0"
MARK = b"\xf5\x4a"
HEAD = struct.Struct("<2sBBIQqq")
TAIL = struct.Struct("<I")
#: Bytes of a record around its payload.
AROUND = HEAD.size + TAIL.size
#: A longer text is an artifact; a damaged length beyond it is seen as such.
MOST = 1 << 20


class Frame(NamedTuple):
    """A record as it lies in a segment.

    Attributes
    ----------
    kind : int
    number : int
        Counted by its writer from 1.
    wall, monotonic : int
        When it was written, nanoseconds.
    payload : bytes
    begin, end : int
        Where it lies in the segment.
    """

    kind: int
    number: int
    wall: int
    monotonic: int
    payload: bytes
    begin: int
    end: int


def salt_of(writer: str) -> int:
    """Return what the CRCs of a writer's records start from."""
    return int(google_crc32c.value(writer.encode()))


def framed(salt: int, kind: int, number: int, wall: int, monotonic: int, payload: bytes) -> bytes:
    """Return a record.

    Raises
    ------
    InvalidInputError
        ``entry_too_long``.
    """
    if len(payload) > MOST:
        raise InvalidInputError(
            f"What is to be logged has {len(payload):,} bytes; one entry has {MOST:,} at most.",
            hint="Log it as an artifact.",
            code="entry_too_long",
        )
    body = HEAD.pack(MARK, kind, 0, len(payload), number, wall, monotonic) + payload
    return body + TAIL.pack(google_crc32c.extend(salt, body))


def frame_at(salt: int, data: bytes, at: int, base: int = 0) -> Frame | int:
    """Return the record that begins at `at` in `data`.

    Parameters
    ----------
    salt : int
    data : bytes
    at : int
    base : int
        Where `data` begins in the segment.

    Returns
    -------
    Frame or int
        0 where there is none; else how many bytes more are needed to tell.
    """
    begin = data[at : at + HEAD.size]
    if len(begin) < HEAD.size:
        return HEAD.size - len(begin) if MARK.startswith(begin[:2]) else 0
    mark, kind, zero, length, number, wall, monotonic = HEAD.unpack(begin)
    if mark != MARK or zero or length > MOST:
        return 0
    stop = at + HEAD.size + length
    end = stop + TAIL.size
    if end > len(data):
        missing: int = end - len(data)
        return missing
    (told,) = TAIL.unpack_from(data, stop)
    if google_crc32c.extend(salt, data[at:stop]) != told:
        return 0
    payload = data[at + HEAD.size : stop]
    return Frame(kind, number, wall, monotonic, payload, base + at, base + end)
