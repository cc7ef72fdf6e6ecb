"""The output of a job: files of limited size, the first and the newest of which are kept.

Standard library only: the runner of a job imports this without any installed package.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

#: Size of one file, and how many of them are kept.
SEGMENT_BYTES = 4 * 1024 * 1024
SEGMENTS = 8

_NAME = re.compile(r"output(?:\.(\d+))?\.log")


def first_segment(folder: Path) -> Path:
    """Return the file in which output begins."""
    return folder / "output.log"


def segments(folder: Path) -> list[tuple[int, Path]]:
    """Return the files that are kept, each with the position of its first byte."""
    found: list[tuple[int, Path]] = []
    try:
        for entry in os.scandir(folder):
            match = _NAME.fullmatch(entry.name)
            if match:
                found.append((int(match[1] or 0), Path(entry.path)))
    except FileNotFoundError:
        return []
    return sorted(found)


def written(folder: Path) -> int:
    """Return how many bytes were written so far, those dropped since included."""
    for start, path in reversed(segments(folder)):
        try:
            return start + path.stat().st_size
        except FileNotFoundError:  # dropped while we looked
            continue
    return 0


def read(folder: Path, offset: int, limit: int) -> tuple[bytes, int, int]:
    """Return a piece of output, where it begins, and how much was written in all.

    Parameters
    ----------
    folder : Path
    offset : int
        First byte; negative counts from the end. What was dropped is passed over, so the piece
        may begin later.
    limit : int
        Longest piece; it ends with its file.
    """
    kept = segments(folder)
    size = written(folder)
    offset = max(0, size + offset) if offset < 0 else min(offset, size)
    for start, path in kept:
        try:
            with path.open("rb") as file:
                end = start + file.seek(0, os.SEEK_END)
                if end <= offset:
                    continue
                offset = max(offset, start)
                file.seek(offset - start)
                return file.read(limit), offset, max(size, end)
        except FileNotFoundError:  # dropped while we looked
            continue
    return b"", offset, size


class OutputWriter:
    """Writes output; never fails, as a full disk must not end a training.

    Parameters
    ----------
    folder : Path
    segment_bytes, kept : int
        Size of a file and how many are kept: the first, which tells how it began, and the
        newest.

    Attributes
    ----------
    lost : int
        Bytes that could not be written.
    """

    def __init__(
        self, folder: Path, segment_bytes: int = SEGMENT_BYTES, kept: int = SEGMENTS
    ) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._kept = kept
        self._position = written(folder)
        self._file: int | None = None
        self._room = 0
        self.lost = 0
        with suppress(OSError):
            self._next_file()  # there from the beginning, however quiet the job is

    def write(self, data: bytes) -> None:
        """Append `data`."""
        view = memoryview(data)
        while view:
            try:
                if self._file is None or self._room == 0:
                    self._next_file()
                assert self._file is not None
                count = os.write(self._file, view[: self._room])
            except OSError:
                self.lost += len(view)
                return
            view = view[count:]
            self._room -= count
            self._position += count

    def drop(self) -> None:
        """Give the space of all output back, for something that matters more."""
        self.close()
        for _, path in segments(self._folder):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _next_file(self) -> None:
        self.close()
        name = f"output.{self._position}.log" if self._position else "output.log"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(self._folder / name, flags, 0o600)
        self._room = self._segment_bytes
        for _, path in segments(self._folder)[1 : -(self._kept - 1)]:
            path.unlink(missing_ok=True)
