"""What the store refuses for good is kept, with the reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ..disk import replace_file

#: The file beside the segments of a run.
NAME = "dead-letters.jsonl"


class DeadLetter(msgspec.Struct, frozen=True):
    """An entry, or a part of one, that the store does not take.

    Attributes
    ----------
    what : str
        ``metric``, ``param``, ``tag``, ``artifact``, ``aside`` or ``model``.
    key : str
    value : str or float
        NaN and the infinities as text.
    why : str
        What the store said.
    more : dict
        Step and time of a metric.
    """

    what: str
    key: str
    value: Any
    why: str
    more: dict[str, Any] = {}


_decode = msgspec.json.Decoder(DeadLetter).decode
_encode = msgspec.json.Encoder().encode


def keep(folder: Path, letters: list[DeadLetter]) -> None:
    """Write them down, on the disk when this returns.

    Raises
    ------
    OSError
        They are not kept; what they are of must wait.
    """
    if not letters:
        return
    flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
    file = os.open(folder / NAME, flags, 0o600)
    try:
        data = b"".join(b"\n" + _encode(letter) for letter in letters)
        while data:
            data = data[os.write(file, data) :]
        os.fsync(file)
    finally:
        os.close(file)


def dead_letters(folder: Path) -> list[DeadLetter]:
    """Return what was refused, each once though it may have been tried again."""
    try:
        lines = (folder / NAME).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    found: dict[bytes, DeadLetter] = {}
    for line in lines:
        try:
            found.setdefault(line, _decode(line))
        except msgspec.DecodeError:
            continue  # the begin of a line that was cut off
    return list(found.values())


def withdraw(folder: Path, is_over: Callable[[DeadLetter], bool]) -> None:
    """Forget what is refused no longer.

    Raises
    ------
    OSError
        It stays as it was.
    """
    found = dead_letters(folder)
    left = [one for one in found if not is_over(one)]
    if len(left) == len(found):
        return
    if left:
        replace_file(folder / NAME, b"".join(b"\n" + _encode(one) for one in left))
    else:
        (folder / NAME).unlink()
