"""netCDF files, on disk and behind an address."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import xarray as xr

from ...errors import CubeError
from .locate import Location
from .problems import FIELD, denied, missing_package, not_a_cube, short, unreachable
from .uri import display_uri

_HDF5 = b"\x89HDF"
_CLASSIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
#: What is fetched at once from a remote file.
_BLOCK = 4 * 2**20


def open_netcdf(location: Location) -> xr.Dataset:
    """Open a netCDF file lazily.

    A remote file is read by ranges, never as a whole.

    Raises
    ------
    CubeError
        ``not_a_cube``, ``netcdf_support_missing``, ``cube_not_found``, ``permission_denied``,
        ``store_unreachable``.
    """
    file, magic = _remote_file(location) if location.path is None else _local_file(location)
    name = display_uri(location.uri).rpartition("/")[2]
    if not magic.startswith((_HDF5, *_CLASSIC)):
        raise not_a_cube(location.uri, "it is no netCDF file")
    engines = _engines(magic, remote=location.path is None)
    if not engines:
        package = "h5netcdf" if location.path is None else "netcdf4"
        extra = "remote" if location.path is None else "stores"
        raise missing_package(f"Reading {name}", package, extra, "netcdf_support_missing")
    try:
        return xr.open_dataset(
            file, engine=engines[0], chunks=None, cache=False, decode_coords="all"
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise not_a_cube(location.uri, f"it cannot be read ({short(error)})") from error


def _local_file(location: Location) -> tuple[Any, bytes]:
    assert location.path is not None
    try:
        with location.path.open("rb") as file:
            return location.path, file.read(4)
    except PermissionError:
        raise denied(location.path) from None


def _remote_file(location: Location) -> tuple[Any, bytes]:
    import fsspec

    from .open import remote_errors

    protocol = location.uri.partition("://")[0].lower()
    try:
        fs = fsspec.filesystem(protocol, **location.options)
        file = fs.open(location.uri, "rb", block_size=_BLOCK)
        magic = file.read(4)
        file.seek(0)
    except FileNotFoundError as error:
        raise CubeError(
            f"There is nothing at {display_uri(location.uri)}.",
            hint="Check bucket and path; a private bucket needs a profile, a public one 'anon'.",
            code="cube_not_found",
            field=FIELD,
        ) from error
    except PermissionError as error:
        raise denied(display_uri(location.uri)) from error
    except ValueError as error:
        # What fsspec raises where a server gives whole files only.
        raise not_a_cube(
            location.uri, "its server gives whole files only (no ranges), so nothing can be cut out"
        ) from error
    except remote_errors() as error:
        raise unreachable(location.uri, error) from error
    return file, magic


def _engines(magic: bytes, *, remote: bool) -> list[Any]:
    if magic.startswith(_HDF5):
        able = ["h5netcdf"] if remote else ["netcdf4", "h5netcdf"]
    else:
        able = ["scipy"] if remote else ["netcdf4", "scipy"]
    installed = xr.backends.list_engines()
    return [name for name in able if name in installed and _usable(name)]


def _usable(engine: str) -> bool:
    return find_spec({"netcdf4": "netCDF4"}.get(engine, engine)) is not None
