"""Open a cube lazily, from disk or through fsspec, with errors that a person understands."""

from __future__ import annotations

import errno
import warnings
from pathlib import Path
from typing import Any

import xarray as xr

from ...errors import CubeError
from ...spec import Source
from .uri import display_uri, fsspec_options, local_path, protocol_of, require_remote

_ZARR_MARKS = (".zgroup", ".zmetadata", "zarr.json")
_NETCDF_MAGIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF")


def open_cube(source: Source | str) -> xr.Dataset:
    """Open a cube without reading its data.

    Parameters
    ----------
    source : Source or str
        Local path, ``file://``, ``http(s)://`` or ``s3://`` of a zarr group (format 2 or 3,
        consolidated or not), or a local netCDF file.

    Returns
    -------
    xarray.Dataset
        CF-decoded and lazy: variables are read when they are indexed, and not cached.
        Bounds and grid mappings are coordinates. No dask is needed.

    Raises
    ------
    CubeError
        ``protocol_not_allowed``, ``cube_not_found``, ``not_a_cube``,
        ``permission_denied``, ``remote_support_missing``, ``netcdf_support_missing``,
        ``environment_missing``, ``store_unreachable``.
    """
    source = Source(uri=source) if isinstance(source, str) else source
    protocol = protocol_of(source.uri)
    path = local_path(source.uri)
    if path is not None:
        ds = _open_local(path)
    else:
        require_remote(protocol)
        ds = _open_remote(source.uri, fsspec_options(protocol, source.options))
    if not ds.data_vars:
        raise _not_a_cube(source.uri, "it holds no data variables")
    ds.encoding["source"] = display_uri(source.uri)
    return ds


def format_of(source: Source | str) -> str:
    """Return ``"netCDF"``, ``"zarr v2"`` or ``"zarr v3"`` for a cube that can be opened."""
    source = Source(uri=source) if isinstance(source, str) else source
    path = local_path(source.uri)
    if path is not None and path.is_file():
        return "netCDF"
    return f"zarr v{zarr_group(source).metadata.zarr_format}"


def zarr_group(source: Source) -> Any:
    """Open the zarr group behind `source`, for those who need its metadata or stored bytes."""
    import zarr

    path = local_path(source.uri)
    if path is not None:
        return zarr.open_group(str(path), mode="r")
    protocol = protocol_of(source.uri)
    require_remote(protocol)
    options = fsspec_options(protocol, source.options)
    return zarr.open_group(source.uri, mode="r", storage_options=options or None)


def _open_local(path: Path) -> xr.Dataset:
    try:
        exists = path.exists()
    except PermissionError:
        raise _denied(path) from None
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        exists = False
    if not exists:
        raise CubeError(
            f"There is nothing at {path}.",
            hint="Check the spelling; a relative path starts where the kernel or job runs.",
            code="cube_not_found",
            field="sources.0.uri",
        )
    if path.is_file():
        return _open_netcdf(path)
    try:
        names = {entry.name for entry in path.iterdir()}
    except PermissionError:
        raise _denied(path) from None
    if not names & set(_ZARR_MARKS):
        reason = "it is a single zarr array" if ".zarray" in names else "it is no zarr group"
        raise _not_a_cube(str(path), reason)
    return _open_zarr(str(path), None)


def _open_remote(uri: str, options: dict[str, Any]) -> xr.Dataset:
    if uri.rpartition(".")[2].lower() in ("nc", "nc4", "h5"):
        raise CubeError(
            f"{display_uri(uri)} looks like a netCDF file; these are opened from disk only.",
            hint="Download it, or convert it to zarr.",
            code="not_a_cube",
            field="sources.0.uri",
        )
    return _open_zarr(uri, options)


def _open_zarr(uri: str, options: dict[str, Any] | None) -> xr.Dataset:
    import zarr

    try:
        with warnings.catch_warnings():
            # Not consolidated is slower to open, which nobody who opens it can change.
            warnings.filterwarnings("ignore", "Failed to open Zarr store with consolidated")
            return xr.open_dataset(
                uri,
                engine="zarr",
                chunks=None,
                cache=False,
                decode_coords="all",
                backend_kwargs={"storage_options": options} if options else None,
            )
    except (FileNotFoundError, zarr.errors.GroupNotFoundError) as error:
        if options is None and local_path(uri) is not None:
            raise _not_a_cube(uri, f"its metadata cannot be read ({error})") from error
        raise CubeError(
            f"There is no zarr group at {display_uri(uri)}.",
            hint="Check bucket and path; a private bucket needs a profile, a public one 'anon'.",
            code="cube_not_found",
            field="sources.0.uri",
        ) from error
    except PermissionError as error:
        raise _denied(display_uri(uri)) from error
    except (ValueError, KeyError, TypeError, AttributeError, zarr.errors.BaseZarrError) as error:
        raise _not_a_cube(uri, f"its metadata cannot be read ({_short(error)})") from error
    except remote_errors() as error:
        raise CubeError(
            f"{display_uri(uri)} cannot be reached: {type(error).__name__}.",
            hint="Check the address, the endpoint and the network; a private bucket needs a "
            "profile, a public one 'anon'.",
            code="store_unreachable",
            field="sources.0.uri",
        ) from error


def _open_netcdf(path: Path) -> xr.Dataset:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except PermissionError:
        raise _denied(path) from None
    if not magic.startswith(_NETCDF_MAGIC):
        reason = (
            "it is a zip archive: unzip it first" if magic[:2] == b"PK" else "it is no netCDF file"
        )
        raise _not_a_cube(str(path), reason)
    if not _netcdf_engines(magic):
        raise CubeError(
            f"Reading {path.name} needs a netCDF package, which this environment lacks.",
            hint="Run: pip install netcdf4",
            code="netcdf_support_missing",
            field="sources.0.uri",
        )
    try:
        return xr.open_dataset(
            path,
            engine=_netcdf_engines(magic)[0],
            chunks=None,
            cache=False,
            decode_coords="all",
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _not_a_cube(str(path), f"it cannot be read ({_short(error)})") from error


def _netcdf_engines(magic: bytes) -> list[Any]:
    able = ["netcdf4", "h5netcdf"] if magic.startswith(b"\x89HDF") else ["netcdf4", "scipy"]
    return [name for name in able if name in xr.backends.list_engines()]


def remote_errors() -> tuple[type[Exception], ...]:
    """Return what a failing network, server or disk raises, as far as its packages are there."""
    from importlib.util import find_spec

    found: list[type[Exception]] = [OSError, TimeoutError]
    if find_spec("aiohttp"):
        import aiohttp

        found.append(aiohttp.ClientError)
    if find_spec("botocore"):
        import botocore.exceptions  # type: ignore[import-untyped, unused-ignore]

        found += [botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError]
    return tuple(found)


def _short(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]


def _denied(what: Path | str) -> CubeError:
    return CubeError(
        f"{what} may not be read: {_strerror(errno.EACCES)}.",
        hint="Ask its owner for read access.",
        code="permission_denied",
        field="sources.0.uri",
    )


def _strerror(number: int) -> str:
    import os

    return os.strerror(number).lower()


def _not_a_cube(uri: str, reason: str) -> CubeError:
    return CubeError(
        f"{display_uri(uri)} is not a cube: {reason}.",
        hint="A cube is a zarr group or a netCDF file with variables that share dims.",
        code="not_a_cube",
        field="sources.0.uri",
    )
