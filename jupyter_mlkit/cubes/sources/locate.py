"""What a source names: a zarr group, a netCDF file, a versioned store, or a part of a catalogue."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...spec import Source, StorageOptions
from . import catalogue
from .problems import denied, not_a_cube, not_found, not_in
from .uri import fsspec_options, path_of, protocol_of, require_remote, split_part

Kind = Literal["zarr", "zarr zip", "netCDF", "icechunk"]

_ZARR_MARKS = (".zgroup", ".zmetadata", "zarr.json")
_NETCDF_MAGIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF")
_NETCDF_ENDS = (".nc", ".nc4", ".h5", ".hdf5", ".cdf")
_ICECHUNK_MARKS = {"refs", "snapshots"}


@dataclass(frozen=True)
class Location:
    """Where the one cube is that a source names.

    Attributes
    ----------
    kind : {"zarr", "zarr zip", "netCDF", "icechunk"}
    uri : str
        Without what stood behind ``#``.
    path : Path or None
        None where it is remote.
    options : dict
        What fsspec is given.
    version : str
        ``branch=...``, ``tag=...`` or ``snapshot=...`` of a versioned store.
    storage : StorageOptions
    """

    kind: Kind
    uri: str
    path: Path | None = None
    options: dict[str, Any] = field(default_factory=dict)
    version: str = ""
    storage: StorageOptions = field(default_factory=StorageOptions)


def locate(source: Source) -> Location:
    """Return where the cube is that `source` names; catalogues and multi-level cubes are followed.

    Raises
    ------
    CubeError
        See :func:`~jupyter_mlkit.cubes.sources.open.open_cube`.
    """
    protocol = protocol_of(source.uri)
    uri, part = split_part(source.uri)
    if protocol in ("icechunk", "icechunk+s3"):
        path = path_of(uri) if protocol == "icechunk" else None
        return Location("icechunk", uri, path, version=part, storage=source.options)
    if protocol == "file":
        return _local(source, path_of(uri), part)
    require_remote(protocol)
    return _remote(source, uri, part, fsspec_options(protocol, source.options))


def _local(source: Source, path: Path, part: str) -> Location:
    try:
        exists = path.exists()
    except PermissionError:
        raise denied(path) from None
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        exists = False
    if not exists:
        raise not_found(path)
    try:
        if path.is_dir():
            return _folder(source, path, part)
        with path.open("rb") as file:
            magic = file.read(4)
    except PermissionError:
        raise denied(path) from None
    if path.suffix.lower() in (".json", ".geojson"):
        return locate(catalogue.asset_of(source, str(path), part))
    if part:
        raise not_in(str(path), "one cube", part, [])
    if magic.startswith(_NETCDF_MAGIC):
        return Location("netCDF", str(path), path)
    if magic[:2] == b"PK":
        return Location("zarr zip", str(path), path)
    raise not_a_cube(str(path), "it is no netCDF file")


def _folder(source: Source, path: Path, part: str) -> Location:
    names = {entry.name for entry in path.iterdir()}
    if names & set(_ZARR_MARKS):
        if part:
            return locate(catalogue.cube_of_store(source, str(path), part, None))
        return Location("zarr", str(path), path)
    if names >= _ICECHUNK_MARKS:
        return Location("icechunk", str(path), path, version=part, storage=source.options)
    if path.suffix == ".levels":
        return locate(catalogue.finest_level(source, str(path)))
    held = catalogue.cubes_among(names)
    if held:
        return locate(catalogue.cube_of_store(source, str(path), part, held))
    raise not_a_cube(
        str(path), "it is a single zarr array" if ".zarray" in names else "it is no zarr group"
    )


def _remote(source: Source, uri: str, part: str, options: dict[str, Any]) -> Location:
    bare = uri.partition("?")[0].lower().rstrip("/")
    if bare.endswith(_NETCDF_ENDS):
        return Location("netCDF", uri, None, options)
    if bare.endswith(".zip"):
        return Location("zarr zip", uri, None, options)
    if bare.endswith((".json", ".geojson")):
        return locate(catalogue.asset_of(source, uri, part))
    if bare.endswith(".levels"):
        return locate(catalogue.finest_level(source, uri))
    if part:
        held = catalogue.listed(uri, options)
        return locate(catalogue.cube_of_store(source, uri, part, held))
    return Location("zarr", uri, None, options)
