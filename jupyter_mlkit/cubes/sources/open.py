"""Open cubes lazily, wherever and however they are stored, with errors a person understands."""

from __future__ import annotations

import sys
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

import xarray as xr

from ...errors import CubeError
from ...spec import Source
from ..grids.cf import is_latitude, is_longitude
from ..grids.grid import grid_of
from ..grids.healpix import with_cell_numbers
from .coordinates import are_strict, check_coordinates
from .locate import Location, locate
from .netcdf import open_netcdf
from .problems import FIELD, denied, not_a_cube, short, unreachable
from .uri import display_uri
from .versions import open_snapshot

_REMOTE_ERRORS = {
    "aiohttp": ("ClientError",),
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "icechunk": ("IcechunkError",),
}


def open_cube(source: Source | str) -> xr.Dataset:
    """Open a cube without reading its data.

    Parameters
    ----------
    source : Source or str
        Where one of these is, as a local path, ``file://``, ``http(s)://`` or ``s3://``:

        - a zarr group, format 2 or 3, consolidated or not, or in a zip archive (read only);
        - a netCDF file;
        - a store of several cubes, or a multi-level one, as xcube writes them: ``root#name``;
        - a STAC item or collection (JSON) with assets of zarr or netCDF: ``item.json#key``;
        - an icechunk repository: its folder, ``icechunk://path`` or ``icechunk+s3://``, with
          ``#branch=``, ``#tag=`` or ``#snapshot=`` for another version than the tip of main.

    Returns
    -------
    xarray.Dataset
        CF-decoded and lazy: variables are read when they are indexed, and not cached.
        Bounds, grid mappings and what places the cells are coordinates; HEALPix cells are
        numbered. No dask is needed. ``encoding["source"]`` says where it is, without secrets,
        ``encoding["icechunk_snapshot"]`` which version of a versioned store, and
        ``encoding["icechunk_options"]`` how it was reached.

    Raises
    ------
    CubeError
        ``protocol_not_allowed``, ``cube_not_found``, ``several_cubes``, ``not_a_cube``,
        ``permission_denied``, ``remote_support_missing``, ``netcdf_support_missing``,
        ``versioned_support_missing``, ``environment_missing``, ``store_unreachable``.
    """
    source = Source(uri=source) if isinstance(source, str) else source
    location = locate(source)
    snapshot = None
    if location.kind == "netCDF":
        ds = open_netcdf(location)
    elif location.kind == "icechunk":
        session = open_snapshot(location)
        snapshot = str(session.snapshot_id)
        ds = _open_zarr(session.store, location, consolidated=False)
    else:
        ds = _open_zarr(_store(location), location)
    if not ds.data_vars:
        raise not_a_cube(location.uri, "it holds no data variables")
    ds = with_cell_numbers(_with_places(ds))
    ds.encoding["source"] = display_uri(source.uri if "://" in source.uri else location.uri)
    if snapshot is not None:
        # Options hold no secrets; with them the history can be walked when it is identified.
        ds.encoding |= {"icechunk_snapshot": snapshot, "icechunk_options": source.options}
    return ds


def open_cubes(sources: Sequence[Source | str]) -> xr.Dataset:
    """Open several cubes on exactly the same cells as one.

    Parameters
    ----------
    sources : sequence of Source or str

    Returns
    -------
    xarray.Dataset
        Their variables together, lazy.

    Raises
    ------
    CubeError
        What :func:`open_cube` raises, ``field`` naming the source; ``different_grids`` where
        coordinates differ, ``same_variable`` where two have one of the same name.
    """
    opened = opened_each(sources)
    merged = opened[0]
    for i, ds in enumerate(opened[1:], 1):
        shared = sorted(set(map(str, merged.data_vars)) & set(map(str, ds.data_vars)))
        if shared:
            raise CubeError(
                f"Two sources have the variable '{shared[0]}'.",
                hint="Rename one in a prepare function, or leave that source out.",
                code="same_variable",
                field=f"sources.{i}.uri",
            )
        try:
            merged = xr.merge(
                [merged, ds], join="exact", compat="identical", combine_attrs="override"
            )
        except (ValueError, xr.MergeError) as error:
            raise CubeError(
                f"The sources lie on different grids: {_grid_in_words(opened[0])} against "
                f"{_grid_in_words(ds)}.",
                hint="Bring them to one grid in a prepare function (interp, reindex, coarsen).",
                code="different_grids",
                field=f"sources.{i}.uri",
            ) from error
    return merged


def format_of(source: Source | str) -> str:
    """Return ``"netCDF"``, ``"zarr v2"``, ``"zarr v3"``, with ``" (zip)"`` or ``" (icechunk)"``."""
    source = Source(uri=source) if isinstance(source, str) else source
    location = locate(source)
    if location.kind == "netCDF":
        return "netCDF"
    version = f"zarr v{_group(location).metadata.zarr_format}"
    packed = {"zarr zip": " (zip)", "icechunk": " (icechunk)"}
    return version + packed.get(location.kind, "")


def _group(location: Location) -> Any:
    import zarr

    if location.kind == "icechunk":
        return zarr.open_group(open_snapshot(location).store, mode="r")
    if location.kind == "zarr zip":
        return zarr.open_group(_zip_store(location), mode="r")
    return zarr.open_group(_store(location), mode="r", storage_options=location.options or None)


def opened_each(sources: Sequence[Source | str]) -> list[xr.Dataset]:
    """Open `sources` one by one; the field of an error says which could not be."""
    opened = []
    for number, source in enumerate(sources):
        try:
            opened.append(open_cube(source))
        except CubeError as error:
            if error.field is not None:
                error.field = error.field.replace("sources.0.", f"sources.{number}.", 1)
            raise
    return opened


def _grid_in_words(ds: xr.Dataset) -> str:
    grid = grid_of(ds)
    dims = ", ".join(f"{dim} {size}" for dim, size in ds.sizes.items())
    spans = []
    for dim in ds.dims:
        if dim in ds.indexes and ds.sizes[dim]:
            first, last = ds[dim].values[[0, -1]]
            spans.append(f"{dim} {_short_number(first)} to {_short_number(last)}")
    where = f"; {', '.join(spans)}" if spans else ""
    return f"{ds.encoding.get('source', 'one')} ({grid.kind}, {dims}{where})"


def _short_number(value: Any) -> str:
    return (
        str(value)[:10]
        if getattr(value, "dtype", None) is None or value.dtype.kind in "MO"
        else f"{value:.6g}"
    )


def _store(location: Location) -> Any:
    if location.kind == "zarr zip":
        return _zip_store(location)
    return str(location.path) if location.path is not None else location.uri


def _zip_store(location: Location) -> Any:
    """Return the zarr store in a zip archive, at the folder where the cube is."""
    import fsspec
    import zarr

    try:
        if location.path is not None:
            with zipfile.ZipFile(location.path) as archive:
                inside = _folder_of_cube(archive.namelist())
            if not inside:
                return zarr.storage.ZipStore(location.path, mode="r")
            fs = fsspec.filesystem("zip", fo=str(location.path))
        else:
            # Listed and read by ranges: the archive is not downloaded.
            remote = fsspec.filesystem(location.uri.partition("://")[0], **location.options)
            fs = fsspec.filesystem("zip", fo=remote.open(location.uri, "rb"))
            inside = _folder_of_cube(map(str, fs.find("")))
        return zarr.storage.FsspecStore(_asynchronous(fs), path=inside, read_only=True)
    except zipfile.BadZipFile as error:
        raise not_a_cube(location.uri, f"its zip archive is broken ({short(error)})") from error
    except FileNotFoundError as error:
        raise _no_group(location, error) from error
    except remote_errors() as error:
        raise unreachable(location.uri, error) from error


def _folder_of_cube(names: Iterable[str]) -> str:
    """Return the outermost folder that holds a zarr group, empty for the archive itself."""
    marks = (".zgroup", ".zmetadata", "zarr.json")
    folders = {name.rpartition("/")[0] for name in names if name.rpartition("/")[2] in marks}
    return min(folders, key=lambda folder: folder.count("/") + bool(folder), default="")


def _asynchronous(fs: Any) -> Any:
    from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper

    return AsyncFileSystemWrapper(fs, asynchronous=True)


def _open_zarr(store: Any, location: Location, *, consolidated: bool | None = None) -> xr.Dataset:
    import zarr

    options = {"storage_options": location.options} if isinstance(store, str) else {}
    if not location.options:
        options = {}

    def opened(**more: Any) -> xr.Dataset:
        return xr.open_dataset(
            store,
            engine="zarr",
            chunks=None,
            cache=False,
            decode_coords="all",
            consolidated=consolidated,
            backend_kwargs=options or None,
            **more,
        )

    try:
        with warnings.catch_warnings():
            # Not consolidated is slower to open, which nobody who opens it can change.
            warnings.filterwarnings("ignore", "Failed to open Zarr store with consolidated")
            found = opened()
            if location.path is not None and not are_strict(found):
                check_coordinates(opened)
            return found
    except (FileNotFoundError, zarr.errors.GroupNotFoundError) as error:
        raise _no_group(location, error) from error
    except PermissionError as error:
        raise denied(display_uri(location.uri)) from error
    except remote_errors() as error:
        raise unreachable(location.uri, error) from error
    except _damage() as error:
        check_coordinates(opened)
        raise not_a_cube(location.uri, f"its metadata cannot be read ({short(error)})") from error


def _damage() -> tuple[type[Exception], ...]:
    """Return what zarr and xarray raise where metadata or coordinates are damaged."""
    from ..reading.unreadable import read_errors

    return (KeyError, AttributeError, OverflowError, *read_errors())


def _no_group(location: Location, error: Exception) -> CubeError:
    if location.path is not None:
        return not_a_cube(location.uri, f"its metadata cannot be read ({short(error)})")
    hint = "Check bucket and path; a private bucket needs a profile, a public one 'anon'."
    return CubeError(
        f"There is no zarr group at {display_uri(location.uri)}.",
        hint=f"{hint} Of a store of several cubes, name one: {display_uri(location.uri)}#name.",
        code="cube_not_found",
        field=FIELD,
    )


def _with_places(ds: xr.Dataset) -> xr.Dataset:
    """Return `ds` with latitudes and longitudes that were stored as data as coordinates."""
    declared = [
        name
        for name, variable in ds.data_vars.items()
        if variable.ndim in (1, 2)
        and (variable.attrs.get("standard_name") or variable.attrs.get("units"))
        and (is_latitude(variable) or is_longitude(variable))
    ]
    return ds.set_coords(declared) if len(declared) < len(ds.data_vars) else ds


def remote_errors() -> tuple[type[Exception], ...]:
    """Return what a failing network, server or disk raises.

    To be asked when something has failed: packages that nobody has imported raise nothing, and
    to import them takes longer than to open a cube.
    """
    found: list[type[Exception]] = [OSError, TimeoutError]
    for module, names in _REMOTE_ERRORS.items():
        imported = sys.modules.get(module)
        found += [getattr(imported, name) for name in names if hasattr(imported, name)]
    return tuple(found)
