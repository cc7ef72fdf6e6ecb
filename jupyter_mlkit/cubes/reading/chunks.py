"""Decoded chunks of a zarr array, however they are stored."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import Future
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .codec import Bytes, ChunkCodec, codec_of, inner_codec_of
from .fetch import LocalBytes, RemoteBytes, Scratch, bytes_of, reopened

Index = tuple[int, ...]

#: Position and size of a chunk that its shard does not hold.
_ABSENT = 2**64 - 1
_SHARD_TABLES = 64


class Chunks:
    """Reads the chunks of one zarr array.

    Attributes
    ----------
    shape : tuple of int
        Of a chunk, of the inner one where there are shards.
    dtype : numpy.dtype
        Of the stored numbers.
    remote : bool
        Whether it pays to :meth:`ask` for chunks before they are read.
    """

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape: tuple[int, ...] = tuple(map(int, array.chunks))
        self.dtype = np.dtype(array.dtype)
        source = bytes_of(array)
        self.remote = isinstance(source, RemoteBytes)
        self._reader = _reader(array, source)

    def ask(self, index: Index) -> Future[Any] | None:
        """Start to fetch a chunk; None where it is on disk and is best read when needed."""
        return self._reader.ask(index) if self.remote else None

    def read(
        self, index: Index, out: NDArray[Any], scratch: Scratch, asked: Future[Any] | None = None
    ) -> None:
        """Write a chunk into `out`, which is C-contiguous and of its shape and dtype.

        Cells of it that lie outside of the array are undefined.

        Raises
        ------
        Exception
            Whatever store and codec raise where it cannot be read.
        """
        self._reader.read(index, out, scratch, asked)


def _reader(array: Any, source: LocalBytes | RemoteBytes) -> _Plain | _Sharded | _ByZarr:
    codec = codec_of(array)
    if codec is not None:
        return _Plain(array, source, codec)
    if isinstance(source, LocalBytes) and _Sharded.reads(array):
        inner = inner_codec_of(array)
        if inner is not None:
            return _Sharded(array, source, inner)
    return _ByZarr(array)


class _Plain:
    """One object for each chunk, decoded here."""

    def __init__(self, array: Any, source: LocalBytes | RemoteBytes, codec: ChunkCodec) -> None:
        self._key = array.metadata.encode_chunk_key
        self._source = source
        self._codec = codec

    def ask(self, index: Index) -> Future[Any]:
        assert isinstance(self._source, RemoteBytes)
        return self._source.ask(self._key(index))

    def read(
        self, index: Index, out: NDArray[Any], scratch: Scratch, asked: Future[Any] | None
    ) -> None:
        data: Bytes | None
        if isinstance(self._source, LocalBytes):
            data = self._source.read(self._key(index), scratch)
        else:
            data = (asked or self.ask(index)).result()
        self._codec.decode(data, out)


class _Sharded:
    """Many chunks in each file, found by the table at its start or end."""

    def __init__(self, array: Any, source: LocalBytes, codec: ChunkCodec) -> None:
        self._array = array
        self._source = source
        self._codec = codec
        self._per_shard: tuple[int, ...] = tuple(
            shard // chunk for shard, chunk in zip(array.shards, codec.shape, strict=True)
        )
        sharding = array.metadata.codecs[0]
        self._at_end = sharding.index_location.value == "end"
        self._tables: dict[str, NDArray[np.uint64] | None] = {}
        self._lock = threading.Lock()

    @staticmethod
    def reads(array: Any) -> bool:
        """Return whether the shards have the usual table and are not compressed as a whole."""
        from zarr.codecs import BytesCodec, Crc32cCodec, ShardingCodec

        codecs: Any = getattr(array.metadata, "codecs", ())
        if len(codecs) != 1 or type(codecs[0]) is not ShardingCodec:
            return False
        index = tuple(codecs[0].index_codecs)
        return (
            len(index) == 2
            and type(index[0]) is BytesCodec
            and index[0].endian is not None
            and index[0].endian.value == "little"
            and type(index[1]) is Crc32cCodec
        )

    def ask(self, index: Index) -> Future[Any]:
        raise NotImplementedError

    def read(
        self, index: Index, out: NDArray[Any], scratch: Scratch, asked: Future[Any] | None
    ) -> None:
        del asked
        shard = tuple(i // n for i, n in zip(index, self._per_shard, strict=True))
        key = self._array.metadata.encode_chunk_key(shard)
        table = self._table(key, scratch)
        data = None
        if table is not None:
            place = tuple(i % n for i, n in zip(index, self._per_shard, strict=True))
            start, size = table[place].tolist()
            if start != _ABSENT:
                data = self._source.read(key, scratch, (start, size))
                if data is None or len(data) != size:
                    raise ValueError("the shard ends before the chunk does")
        self._codec.decode(data, out)

    def _table(self, key: str, scratch: Scratch) -> NDArray[np.uint64] | None:
        with self._lock:
            if key in self._tables:
                return self._tables[key]
        shape = (*self._per_shard, 2)
        size = 8 * int(np.prod(shape)) + 4
        data = self._source.read(key, scratch, (-size if self._at_end else 0, size))
        table = None
        if data is not None:
            table = _checked(data, size).reshape(shape)
        with self._lock:
            while len(self._tables) >= _SHARD_TABLES:
                del self._tables[next(iter(self._tables))]
            self._tables[key] = table
        return table

    def __reduce__(self) -> tuple[object, ...]:
        return (_Sharded, (self._array, self._source, self._codec))


def _checked(data: memoryview, size: int) -> NDArray[np.uint64]:
    """Return the table of a shard whose checksum is right."""
    from numcodecs import CRC32C  # type: ignore[import-untyped, unused-ignore]

    if len(data) != size:
        raise ValueError("the shard is cut off within its table")
    return np.frombuffer(CRC32C().decode(bytes(data)), "<u8").astype(np.uint64)


class _ByZarr:
    """Chunks with filters, transposed, of foreign byte order, ...: decoded by zarr itself."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self._pid = os.getpid()

    def ask(self, index: Index) -> Future[Any]:
        from zarr.core.sync import _get_loop

        if os.getpid() != self._pid:
            self._array, self._pid = reopened(self._array), os.getpid()
        box = tuple(
            slice(i * step, min((i + 1) * step, size))
            for i, step, size in zip(index, self._array.chunks, self._array.shape, strict=True)
        )
        return asyncio.run_coroutine_threadsafe(self._array.async_array.getitem(box), _get_loop())

    def read(
        self, index: Index, out: NDArray[Any], scratch: Scratch, asked: Future[Any] | None
    ) -> None:
        del scratch
        values = np.asarray((asked or self.ask(index)).result())
        out[tuple(map(slice, values.shape))] = values
