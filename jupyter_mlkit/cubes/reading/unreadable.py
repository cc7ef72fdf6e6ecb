"""Say which chunk of which variable cannot be read, and what to do."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Sequence

import xarray as xr

from ...errors import CubeError
from ..sources.open import remote_errors


def read_errors() -> tuple[type[Exception], ...]:
    """Return what stores and codecs raise where a chunk cannot be read."""
    import zarr

    return (
        *remote_errors(),
        ValueError,
        RuntimeError,
        EOFError,
        TypeError,
        zlib.error,
        lzma.LZMAError,
        zarr.errors.BaseZarrError,
    )


def unreadable(
    variable: xr.DataArray, chunk: Sequence[tuple[str, int]], error: Exception
) -> CubeError:
    """Return the error ``unreadable_chunk`` for a chunk, given by dim and index.

    Without `chunk`, every chunk could be read when they were tried one by one.
    """
    if not chunk:
        return CubeError(
            f"'{variable.name}' cannot be read: {_reason(error)}.",
            hint="It can be read on a second try: the store or the network is unstable.",
            code="unreadable_chunk",
        )
    index = ", ".join(f"{dim} {k}" for dim, k in chunk)
    return CubeError(
        f"Chunk ({index}) of '{variable.name}' cannot be read: {_reason(error)}.",
        hint="Fetch this chunk again from where the cube came from, or leave its "
        "region or period out.",
        code="unreadable_chunk",
    )


def _reason(error: Exception) -> str:
    lines = str(error).strip().rstrip(".").splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
