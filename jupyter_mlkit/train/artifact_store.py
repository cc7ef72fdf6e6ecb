"""Cubes among the artifacts of a run, opened so that nothing in them reaches another file.

Whoever may log can log a zarr folder with links in place of chunks, or a netCDF file that says
that its values lie in another file.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import xarray as xr
from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.core.buffer.core import default_buffer_prototype

from ..errors import CubeError, InvalidInputError, NotFoundError
from ..tracking.beneath import list_folder, open_file, split_path

#: Largest chunk as it is stored; a small file may still decode into a large one.
_CHUNK_BYTES = 128 * 1024**2
_HDF5 = b"\x89HDF\r\n\x1a\n"


class BeneathStore(Store):  # type: ignore[misc, unused-ignore]
    """A zarr store beneath a folder of artifacts: read only, and no link is followed.

    Parameters
    ----------
    root : Path
        A root that may be served.
    parts : sequence of str
        The zarr folder beneath it.
    """

    supports_writes = False
    supports_deletes = False
    supports_listing = True

    def __init__(self, root: Path, parts: Iterable[str]) -> None:
        super().__init__(read_only=True)
        self._root = root
        self._parts = tuple(parts)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, BeneathStore)
            and self._root == other._root
            and self._parts == other._parts
        )

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return the bytes of a key, None where there is no such file."""
        content = await asyncio.to_thread(self._read, key, byte_range)
        made = prototype or default_buffer_prototype()
        return None if content is None else made.buffer.from_bytes(content)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> Sequence[Buffer | None]:
        """Return pieces of keys."""
        return [await self.get(key, prototype, piece) for key, piece in key_ranges]

    async def exists(self, key: str) -> bool:
        """Tell whether there is such a file."""
        return await asyncio.to_thread(self._read, key, RangeByteRequest(0, 0)) is not None

    async def list(self) -> AsyncIterator[str]:
        """Yield every key."""
        async for key in self.list_prefix(""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield every key that begins with `prefix`."""
        folders = [prefix.strip("/")]
        while folders:
            folder = folders.pop()
            for name, is_dir in await asyncio.to_thread(self._names, folder):
                inner = f"{folder}/{name}".strip("/")
                if is_dir:
                    folders.append(inner)
                else:
                    yield inner

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names in a folder."""
        for name, _ in await asyncio.to_thread(self._names, prefix.strip("/")):
            yield name

    async def set(self, key: str, value: Buffer) -> NoReturn:  # noqa: ARG002
        """Refuse."""
        raise PermissionError("Artifacts are not written to.")

    async def delete(self, key: str) -> NoReturn:  # noqa: ARG002
        """Refuse."""
        raise PermissionError("Artifacts are not written to.")

    def _names(self, folder: str) -> Sequence[tuple[str, bool]]:
        try:
            found = list_folder(self._root, (*self._parts, *split_path(folder)))
        except (NotFoundError, InvalidInputError):
            return []
        return [(entry.name, entry.is_dir) for entry in found]

    def _read(self, key: str, piece: ByteRequest | None) -> bytes | None:
        try:
            file, size = open_file(self._root, (*self._parts, *split_path(key)))
        except (NotFoundError, InvalidInputError):
            return None
        with file:
            start, end = 0, size
            if isinstance(piece, RangeByteRequest):
                start, end = piece.start, min(piece.end, size)
            elif isinstance(piece, OffsetByteRequest):
                start = piece.offset
            elif isinstance(piece, SuffixByteRequest):
                start = max(0, size - piece.suffix)
            if end - start > _CHUNK_BYTES:
                raise too_large(f"{key} has {size:,} bytes")
            file.seek(start)
            return file.read(max(0, end - start))


def open_artifact_cube(root: Path, parts: tuple[str, ...]) -> tuple[str, xr.Dataset]:
    """Open a zarr folder or a netCDF file beneath `root`, lazily; tell which it is.

    Raises
    ------
    CubeError
        ``not_a_cube``, ``unsafe_cube``, ``too_large``.
    NotFoundError
        Where there is neither, or a link on the way.
    """
    try:
        file, size = open_file(root, parts)
    except NotFoundError:
        list_folder(root, parts)
        _refuse_pickled_values()
        return "zarr", _opened(BeneathStore(root, parts), engine="zarr", chunks=None)
    head = file.read(8)
    file.seek(0)
    if head.startswith(b"CDF"):
        # Read whole by scipy, whatever the variables are.
        if size > _CHUNK_BYTES:
            raise too_large(f"the file has {size:,} bytes")
        return "netCDF", _opened(io.BytesIO(file.read()), engine="scipy")
    if head != _HDF5:
        raise CubeError("This is neither zarr nor netCDF.", code="not_a_cube", field="path")
    _refuse_other_files(file)
    return "netCDF", _opened(file, engine="h5netcdf")


def _opened(store: Any, **how: Any) -> xr.Dataset:
    try:
        return xr.open_dataset(store, cache=False, **how)
    except CubeError:
        raise
    except Exception as error:
        # Damaged files make decoders raise whatever they like.
        raise CubeError(
            f"This is not a cube that can be opened: {str(error)[:200]}",
            hint="Download it and look at it with the tool that made it.",
            code="not_a_cube",
            field="path",
        ) from error


def _refuse_pickled_values() -> None:
    """Forget the codec that unpickles what a chunk holds; for good, in this process."""
    import numcodecs.registry  # type: ignore[import-untyped, unused-ignore]

    numcodecs.registry.codec_registry.pop("pickle", None)
    numcodecs.registry.entries.pop("pickle", None)


def _refuse_other_files(file: Any) -> None:
    """Refuse HDF5 whose values or groups lie in other files."""
    try:
        import h5py  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise CubeError(
            "Looking into this netCDF file needs h5netcdf and h5py in the kernel's environment.",
            hint='pip install "jupyter_mlkit[remote]"',
            code="netcdf_support_missing",
            field="path",
        ) from error

    def look(group: Any) -> None:
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise _elsewhere(name)
            if isinstance(link, h5py.SoftLink):
                continue  # within the file: met where it lies
            inner = group[name]
            if isinstance(inner, h5py.Group):
                look(inner)
            elif isinstance(inner, h5py.Dataset) and (inner.external or inner.is_virtual):
                raise _elsewhere(name)

    try:
        with h5py.File(file, "r") as opened:
            look(opened)
    except (OSError, RuntimeError, KeyError, ValueError, RecursionError) as error:
        raise CubeError(
            f"This netCDF file cannot be read: {str(error)[:200]}", code="not_a_cube", field="path"
        ) from error
    file.seek(0)


def _elsewhere(name: str) -> CubeError:
    return CubeError(
        f"{name[:200]!r} lies in another file, which is not opened.",
        hint="Copy it into this file, or download both.",
        code="unsafe_cube",
        field="path",
    )


def too_large(what: str) -> CubeError:
    """Return the error for what a preview does not read."""
    return CubeError(
        f"This is too large for a preview: {what}.",
        hint="Open it in a notebook.",
        code="too_large",
        field="path",
    )
