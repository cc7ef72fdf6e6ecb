"""Get the stored bytes of chunks: from files at once, from elsewhere with many in flight."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

#: Chunks that are fetched from a remote store at the same time, for each reader.
IN_FLIGHT = 16

_MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


class Scratch(threading.local):
    """Memory of each thread that is used again for one chunk after the other."""

    def __init__(self) -> None:
        self._held: dict[str, memoryview] = {}

    def take(self, use: str, size: int) -> memoryview:
        """Return `size` bytes for `use`; what was there before is lost."""
        held = self._held.get(use)
        if held is None or len(held) < size:
            # Unlike a bytearray it is not filled with zeros, for which all threads would wait;
            # sizes differ a little, and what is there beyond takes no memory.
            held = self._held[use] = np.empty(size + size // 4, np.uint8).data
        return held[:size]

    def __reduce__(self) -> tuple[object, ...]:
        return (Scratch, ())


class LocalBytes:
    """Objects of a zarr array in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(
        self, key: str, scratch: Scratch, span: tuple[int, int] | None = None
    ) -> memoryview | None:
        """Return the bytes of an object, or `span` (start, size) of it; None where there is none.

        A negative start counts from the end. They are valid until this thread reads again.
        """
        try:
            file = os.open(self._root / key, os.O_RDONLY)
        except _MISSING:
            return None
        try:
            held = os.fstat(file).st_size
            start, size = (0, held) if span is None else span
            start = max(0, held + start) if start < 0 else start
            buffer = scratch.take("stored", min(size, max(0, held - start)))
            done = 0
            while done < len(buffer):
                step = os.preadv(file, [buffer[done:]], start + done)
                if step == 0:
                    break
                done += step
            return buffer[:done]
        except _MISSING:
            return None
        finally:
            os.close(file)


class RemoteBytes:
    """Objects of a zarr array in any other store, fetched on zarr's event loop."""

    def __init__(self, store: Any, path: str) -> None:
        self._store = store
        self._path = path
        self._pid = os.getpid()
        self._slots = asyncio.Semaphore(IN_FLIGHT)

    def ask(self, key: str, span: tuple[int, int] | None = None) -> Future[Any]:
        """Start to fetch an object; the result is an array of bytes, None where there is none."""
        from zarr.core.sync import _get_loop

        if os.getpid() != self._pid:
            # Connections belong to the event loop that a fork leaves behind.
            self.__init__(_reopened(self._store), self._path)  # type: ignore[misc]
        return asyncio.run_coroutine_threadsafe(
            self._get(f"{self._path}/{key}" if self._path else key, span), _get_loop()
        )

    async def _get(self, key: str, span: tuple[int, int] | None) -> Any:
        from zarr.abc.store import RangeByteRequest, SuffixByteRequest
        from zarr.core.buffer import default_buffer_prototype

        request: Any = None
        if span is not None:
            start, size = span
            within = RangeByteRequest(start, start + size)
            request = SuffixByteRequest(size) if start < 0 else within
        async with self._slots:
            found = await self._store.get(key, default_buffer_prototype(), request)
        return None if found is None else found.as_numpy_array()

    def __reduce__(self) -> tuple[object, ...]:
        return (RemoteBytes, (self._store, self._path))


def bytes_of(array: Any) -> LocalBytes | RemoteBytes:
    """Return where the objects of a zarr array are read from."""
    from zarr.storage import FsspecStore, LocalStore

    store, path = array.store_path.store, array.store_path.path
    if type(store) is LocalStore:
        return LocalBytes(store.root / path)
    if type(store) is FsspecStore and "file" in _protocols(store.fs):
        return LocalBytes(Path(store.path) / path)
    return RemoteBytes(store, path)


def _protocols(fs: Any) -> tuple[str, ...]:
    protocol = getattr(fs, "protocol", ())
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def reopened(array: Any) -> Any:
    """Return a zarr array with connections of this process."""
    import zarr
    from zarr.storage import StorePath

    store = _reopened(array.store_path.store)
    if store is array.store_path.store:
        return array
    return zarr.open_array(StorePath(store, array.store_path.path), mode="r")


def _reopened(store: Any) -> Any:
    """Return an fsspec store with connections of this process; others need none."""
    from fsspec import AbstractFileSystem
    from zarr.storage import FsspecStore

    if type(store) is not FsspecStore:
        return store
    fs = AbstractFileSystem.from_json(json.dumps(json.loads(store.fs.to_json())))
    return FsspecStore(fs, store.read_only, store.path, store.allowed_exceptions)
