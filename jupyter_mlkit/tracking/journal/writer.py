"""Append records to segments: what was appended survives the death of the process."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
import uuid
import weakref
from collections.abc import Callable
from pathlib import Path

from .entries import Closed, Opened, encoded
from .flusher import Flusher, on_disk
from .frames import FILE_MARK, framed, salt_of
from .segments import Segment, write_some

#: Bytes after which a new segment is begun.
SEGMENT_BYTES = 16 << 20


class Writer:
    """Writes the journal of a run from this process.

    A record is handed to the system before `append` returns, by one call: it survives the death
    of the process. What was there when `flush` was called survives that of the machine. Threads
    may share a writer. After a fork the child has a writer of its own with other segments.

    Parameters
    ----------
    folder : Path
        Of the run; is there.
    opened : callable
        Returns the first entry of a segment, given the writer's name and the segment's number.
    segment_bytes : int
    flush_every : float, optional
        Seconds between two flushes by a thread of the writer; None leaves them to the caller.
    """

    def __init__(
        self,
        folder: Path,
        opened: Callable[[str, int], Opened],
        *,
        segment_bytes: int = SEGMENT_BYTES,
        flush_every: float | None = None,
    ) -> None:
        self._folder = folder
        self._opened = opened
        self._most = segment_bytes
        self._flush_every = flush_every
        self._begin()
        _writers.add(self)

    def _begin(self) -> None:
        """Become a writer that has written nothing."""
        self.name = uuid.uuid4().hex
        # A handler of a signal may log while its own thread does.
        self._lock = threading.RLock()
        self._salt = salt_of(self.name)
        self._file: int | None = None
        self._size = 0
        self._segments, self._segment = itertools.count(1), 0
        self._numbers, self._number = itertools.count(1), 0
        self._flushing = threading.Lock()
        self._flusher: Flusher | None = None
        #: The last record that is on the disk, and the first segment that may not be.
        self._safe = 0
        self._unsafe = 1

    @property
    def lock(self) -> threading.RLock:
        """What is held while something is written; of a fork another one."""
        return self._lock

    def append(self, entry: tuple[int, bytes], *more: tuple[int, bytes]) -> None:
        """Write entries, given as kind and payload, one behind the other.

        Raises
        ------
        OSError
            They could not be written; what was written before stays as it is.
        """
        with self._lock:
            if self._file is None or self._size >= self._most:
                self._make_room()
            self._write(self._framed(entry, *more) if more else self._framed(entry))

    def flush(self) -> None:
        """Return when all that was appended before is on the disk.

        Raises
        ------
        OSError
            It cannot be brought there, neither into this file nor into another.
        """
        with self._flushing:
            with self._lock:
                number, segment = self._number, self._segment
            if number == self._safe:
                return
            for unsafe in range(self._unsafe, segment + 1):
                segment = max(segment, self._put_on_disk(unsafe))
            on_disk(self._folder)
            self._safe, self._unsafe = number, segment

    def close(self) -> None:
        """Say that nothing more comes; a writer that has written nothing leaves nothing.

        Raises
        ------
        OSError
            It could not be said.
        """
        flusher, self._flusher = self._flusher, None
        if flusher is not None:
            flusher.stop()
        with self._lock:
            if self._file is not None:
                try:
                    self._write(self._framed(encoded(Closed())))
                finally:
                    self._leave()
        if flusher is not None:
            self.flush()

    def _framed(self, entry: tuple[int, bytes], *more: tuple[int, bytes]) -> bytes:
        wall, monotonic = time.time_ns(), time.monotonic_ns()
        # No number is used twice, whatever becomes of the record.
        number = self._number = next(self._numbers)
        data = framed(self._salt, entry[0], number, wall, monotonic, entry[1])
        for kind, payload in more:
            number = self._number = next(self._numbers)
            data += framed(self._salt, kind, number, wall, monotonic, payload)
        return data

    def _make_room(self) -> None:
        if self._file is None:
            self._open()
            return
        # Where no new segment can be begun, as of too many open files, the old one serves.
        with contextlib.suppress(OSError):
            self._open()

    def _open(self) -> None:
        """Begin a segment; the one before is left as it is if that fails.

        A handler of a signal may log, and open, at any point of it: the new file is shown to
        others once it is a segment.
        """
        number = next(self._segments)
        first = FILE_MARK + self._framed(encoded(self._opened(self.name, number)))
        file = Segment(self._folder, self.name, number).create(first)
        size = len(first)
        unused: int | None = file
        # No call in here, so no handler of a signal either. What one has begun meanwhile stays:
        # who reads goes on to a later segment, and does not come back to this one.
        if number > self._segment:
            unused, self._file, self._size, self._segment = self._file, file, size, number
        if unused is not None:
            with contextlib.suppress(OSError):
                os.close(unused)
        if self._flush_every is not None and self._flusher is None:
            self._flusher = Flusher(self.flush, self._flush_every)

    def _put_on_disk(self, number: int) -> int:
        """Put a segment on the disk; return in which segment its records are there."""
        path = Segment(self._folder, self.name, number).path
        try:
            on_disk(path)
        except FileNotFoundError:
            return number  # what it held was brought to the store
        except OSError:
            # The system may have forgotten what it could not write, and says so once only.
            with self._lock:
                held = path.read_bytes()[len(FILE_MARK) :]
                self._open()
                self._write(held)
                again = self._segment
            on_disk(Segment(self._folder, self.name, again).path)
            return again
        return number

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        done = os.write(self._file, data)
        if done < len(data):
            try:
                while done < len(data):
                    done += write_some(self._file, data[done:])
            except OSError:
                self._take_back(done)
                raise
        self._size += done

    def _take_back(self, done: int) -> None:
        """Remove the begin of a record; where that fails, write on in another segment."""
        if not done:
            return
        assert self._file is not None
        try:
            # Of what others have written in between there is nothing: the file is ours alone.
            os.ftruncate(self._file, os.fstat(self._file).st_size - done)
        except OSError:
            self._leave()

    def _leave(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                os.close(file)

    def _after_fork(self) -> None:
        file = self._file
        self._begin()
        if file is not None:
            with contextlib.suppress(OSError):
                os.close(file)


_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


def _after_fork() -> None:
    for writer in list(_writers):
        writer._after_fork()


os.register_at_fork(after_in_child=_after_fork)
