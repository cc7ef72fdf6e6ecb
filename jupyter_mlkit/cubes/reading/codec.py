"""Turn the stored bytes of one chunk into numbers, into memory that is used again.

Below zarr's own codec pipeline, because that allocates each chunk anew, copies it, and passes
every one through its event loop: half of the time of reading (``docs/performance.md``).
Only chains of one compressor over plain little-endian C-ordered numbers are decoded here;
:func:`codec_of` returns None for all others, and zarr decodes them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

#: Stored bytes: anything with the buffer protocol.
Bytes = bytes | bytearray | memoryview | NDArray[np.uint8]
Compressor = Literal["zstd", "blosc", "none", "other"]

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_SIZE_BYTES = (0, 2, 4, 8)
_ZSTD_DICTIONARY_BYTES = (0, 1, 2, 4)
_BLOSC_HEADER = 16


@dataclass(frozen=True)
class ChunkCodec:
    """How stored bytes become the numbers of one chunk.

    Attributes
    ----------
    shape : tuple of int
        Of a chunk; stored chunks at an edge have it too.
    dtype : numpy.dtype
        Of the stored numbers.
    fill : scalar
        What a chunk that is not stored is full of.
    compressor : {"zstd", "blosc", "none", "other"}
    other : object or None
        The numcodecs codec of ``"other"``.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fill: Any
    compressor: Compressor
    other: Any = None

    @property
    def nbytes(self) -> int:
        """Return the size of a decoded chunk."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def decode(self, data: Bytes | None, out: NDArray[Any]) -> None:
        """Write the numbers of a chunk into `out`.

        Parameters
        ----------
        data : bytes-like or None
            As stored; None where the chunk is not stored.
        out : ndarray, shape of a chunk, C-contiguous, of the stored dtype

        Raises
        ------
        ValueError or RuntimeError
            The bytes are damaged, cut off or of another size.
        """
        if data is None:
            out[...] = self.fill
            return
        held = memoryview(data).cast("B") if not isinstance(data, np.ndarray) else data.data
        flat = out.reshape(-1).view(np.uint8)
        if self.compressor == "zstd" and zstd_size(held) == flat.size:
            from numcodecs import zstd  # type: ignore[import-untyped, unused-ignore]

            zstd.decompress(held, flat)
        elif self.compressor == "blosc":
            from numcodecs import blosc  # type: ignore[import-untyped, unused-ignore]

            check_blosc(held, flat.size)
            blosc.decompress(held, flat)
        else:
            flat[:] = self._unpacked(held, flat.size)

    def _unpacked(self, data: memoryview, size: int) -> NDArray[np.uint8]:
        """Decompress into memory of the codec's own, of which nobody knows the size before."""
        decoded: Any = data
        if self.compressor == "zstd":
            from numcodecs import zstd  # type: ignore[import-untyped, unused-ignore]

            decoded = zstd.decompress(data)
        elif self.other is not None:
            decoded = self.other.decode(data)
        values = np.frombuffer(decoded, np.uint8)
        if values.size != size:
            raise ValueError(f"it holds {values.size} bytes, not the {size} of a chunk")
        return values


def codec_of(array: Any) -> ChunkCodec | None:
    """Return how the chunks of a zarr array are decoded, None where zarr has to do it."""
    if sys.byteorder != "little":
        return None
    metadata = array.metadata
    chain = _chain_v2(metadata) if metadata.zarr_format == 2 else _chain_v3(metadata.codecs)
    return None if chain is None else _codec(array, tuple(map(int, array.chunks)), chain)


def inner_codec_of(array: Any) -> ChunkCodec | None:
    """Return how the chunks within the shards of a zarr array are decoded."""
    sharding = array.metadata.codecs[0]
    chain = _chain_v3(sharding.codecs) if sys.byteorder == "little" else None
    return None if chain is None else _codec(array, tuple(map(int, sharding.chunk_shape)), chain)


def _codec(array: Any, shape: tuple[int, ...], chain: tuple[Compressor, Any]) -> ChunkCodec | None:
    dtype = np.dtype(array.dtype)
    if dtype.kind not in "biufc" or not dtype.isnative:
        return None
    fill = array.fill_value
    # Format 2 may leave the fill value out; zarr then fills with zero.
    return ChunkCodec(shape, dtype, dtype.type(0) if fill is None else fill, *chain)


def _chain_v2(metadata: Any) -> tuple[Compressor, Any] | None:
    if metadata.filters or metadata.order != "C":
        return None
    if metadata.compressor is None:
        return "none", None
    name = metadata.compressor.codec_id
    return _known(name) or ("other", metadata.compressor)


def _chain_v3(codecs: Any) -> tuple[Compressor, Any] | None:
    from zarr.codecs import BytesCodec, GzipCodec

    first, *rest = codecs
    if type(first) is not BytesCodec or len(rest) > 1:
        return None
    # A single byte has no order, and then none is given.
    if first.endian is not None and first.endian.value != "little":
        return None
    if not rest:
        return "none", None
    if type(rest[0]) is GzipCodec:
        from numcodecs import GZip  # type: ignore[import-untyped, unused-ignore]

        return "other", GZip()
    return _known(rest[0].to_dict()["name"])


def _known(name: str) -> tuple[Compressor, Any] | None:
    if name == "zstd":
        return "zstd", None
    return ("blosc", None) if name == "blosc" else None


def zstd_size(data: memoryview) -> int | None:
    """Return the decoded size that a zstd frame states (RFC 8878, 3.1.1.1), None without one.

    The decoder takes any frame that fits into the buffer; one that is shorter than a chunk
    would leave the values of the chunk before.
    """
    if len(data) < 6 or data[:4] != _ZSTD_MAGIC:
        return None
    descriptor = data[4]
    flag, single = descriptor >> 6, descriptor >> 5 & 1
    size = _ZSTD_SIZE_BYTES[flag] or single
    if size == 0:
        return None
    start = 5 + (1 - single) + _ZSTD_DICTIONARY_BYTES[descriptor & 3]
    stated = int.from_bytes(data[start : start + size], "little")
    return stated + 256 if size == 2 else stated


def check_blosc(data: memoryview, size: int) -> None:
    """Compare the sizes in a Blosc header with what is there.

    Blosc believes its header: of a truncated chunk it decodes whatever lies behind in memory.
    """
    if len(data) < _BLOSC_HEADER:
        raise ValueError(f"it is cut off after {len(data)} bytes")
    decoded = int.from_bytes(data[4:8], "little")
    stored = int.from_bytes(data[12:16], "little")
    if stored != len(data):
        raise ValueError(f"it has {len(data)} bytes, not the {stored} that its header states")
    if decoded != size:
        raise ValueError(f"it holds {decoded} bytes, not the {size} of a chunk")
