"""Stores of several cubes: xcube roots, multi-level cubes, STAC items and collections."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from ...errors import CubeError
from ...spec import Source
from .problems import FIELD, not_a_cube, not_in, several, short, unreachable
from .uri import fsspec_options, path_of, protocol_of

_ENDS = (".zarr", ".levels", ".zarr.zip", ".nc", ".icechunk")
_MEDIA = ("application/vnd+zarr", "application/vnd.zarr", "application/x-zarr", "application/zarr")
_MEDIA_NETCDF = ("application/netcdf", "application/x-netcdf")
#: Of a catalogue that is read; a larger one is none.
_MAX_JSON = 16 * 2**20


def cubes_among(names: Iterable[str]) -> list[str]:
    """Return those of `names` that are called like cubes."""
    return sorted(name for name in names if name.endswith(_ENDS) and not name.startswith("."))


def listed(uri: str, options: dict[str, Any]) -> list[str] | None:
    """Return the names of the cubes below a remote `uri`, None where it cannot be listed."""
    import fsspec

    from .open import remote_errors

    protocol = protocol_of(uri)
    if protocol != "s3":
        # A web server lists nothing that could be relied on.
        return None
    try:
        fs = fsspec.filesystem(protocol, **options)
        found = fs.ls(uri, detail=False)
    except FileNotFoundError:
        return []
    except remote_errors() as error:
        raise unreachable(uri, error) from error
    return cubes_among(PurePosixPath(name).name for name in found)


def cube_of_store(source: Source, root: str, part: str, held: list[str] | None) -> Source:
    """Return the cube `part` of the store at `root`, which holds `held` (None: not known).

    Raises
    ------
    CubeError
        ``several_cubes`` where none is named, ``cube_not_found`` where it is not there.
    """
    if not part:
        assert held is not None
        raise several(root, "a store", held)
    if "/" in part or part.startswith("."):
        raise not_in(root, "a store", part, held or [])
    name = part
    if held is not None and part not in held:
        close = [known for known in held if known.partition(".")[0] == part]
        if len(close) != 1:
            raise not_in(root, "a store", part, held)
        name = close[0]
    return _at(source, f"{root.rstrip('/')}/{name}")


def finest_level(source: Source, uri: str) -> Source:
    """Return the cube of full resolution of a multi-level one (xcube's ``.levels``)."""
    link = _text(source, f"{uri.rstrip('/')}/0.link", missing_ok=True)
    if link:
        target = link.decode(errors="replace").strip()
        if "://" in target or target.startswith(("/", "~")):
            raise not_a_cube(uri, "its finest level is linked to another place")
        base = uri if "://" in uri else path_of(uri).as_uri()
        return _at(source, joined(base.rstrip("/") + "/", target))
    return _at(source, f"{uri.rstrip('/')}/0.zarr")


def asset_of(source: Source, uri: str, part: str) -> Source:
    """Return the asset with a cube of the STAC item or collection at `uri`.

    Parameters
    ----------
    source : Source
        Its options hold for the asset too.
    uri : str
        Of the JSON file.
    part : str
        Key of the asset; empty where it has but one with a cube.

    Raises
    ------
    CubeError
        ``not_a_cube``, ``several_cubes``, ``cube_not_found``, ``store_unreachable``.
    """
    text = _text(source, uri)
    try:
        item = json.loads(text)
    except ValueError as error:
        raise not_a_cube(uri, f"it is no JSON ({short(error)})") from None
    is_stac = isinstance(item, dict) and "stac_version" in item
    if not is_stac or item.get("type") not in ("Feature", "Collection"):
        raise not_a_cube(uri, "it is no STAC item or collection")
    assets = {
        str(key): str(asset["href"])
        for key, asset in (item.get("assets") or {}).items()
        if isinstance(asset, dict) and "href" in asset and _is_cube(asset)
    }
    what = f"a STAC {'item' if item['type'] == 'Feature' else 'collection'}"
    if not assets:
        raise not_a_cube(uri, f"it is {what} without an asset of zarr or netCDF")
    if not part and len(assets) > 1:
        raise several(uri, what, list(assets))
    key = part or next(iter(assets))
    if key not in assets:
        raise not_in(uri, what, key, list(assets))
    return _at(source, _resolved(uri, assets[key]))


def _is_cube(asset: dict[str, Any]) -> bool:
    media = str(asset.get("type", "")).partition(";")[0].strip().lower()
    path = urlsplit(str(asset["href"])).path.rstrip("/").lower()
    return media in (*_MEDIA, *_MEDIA_NETCDF) or path.endswith(_ENDS)


def _resolved(uri: str, href: str) -> str:
    """Return `href` as the catalogue at `uri` means it."""
    remote = protocol_of(uri) != "file"
    found = joined(uri, href) if remote or "://" in href else str(path_of(uri).parent / href)
    if remote and protocol_of(found) == "file":
        raise CubeError(
            "The catalogue is remote and names a local file.",
            hint="Open that file by its path, if you trust the catalogue.",
            code="protocol_not_allowed",
            field=FIELD,
        )
    return found


def joined(base: str, href: str) -> str:
    """Return `href` relative to the URL `base`."""
    if "://" in href:
        return href
    # urljoin joins only for protocols that it knows, and s3 is none.
    protocol, _, rest = base.partition("://")
    return protocol + urljoin(f"https://{rest}", href).removeprefix("https")


def _text(source: Source, uri: str, *, missing_ok: bool = False) -> bytes:
    """Return what the small file at `uri` holds, empty where it may be missing and is."""
    import fsspec

    from .open import remote_errors

    protocol = protocol_of(uri)
    options = fsspec_options(protocol, source.options)
    target = str(path_of(uri)) if protocol == "file" else uri
    try:
        with fsspec.open(target, "rb", **options) as file:
            text: bytes = file.read(_MAX_JSON + 1)
    except FileNotFoundError:
        if missing_ok:
            return b""
        raise not_in(uri, "a catalogue", "itself", []) from None
    except remote_errors() as error:
        raise unreachable(uri, error) from error
    if len(text) > _MAX_JSON:
        raise not_a_cube(uri, "it is too large for a catalogue")
    return text


def _at(source: Source, uri: str) -> Source:
    """Return `source` at another place, reached in the same way."""
    return msgspec.structs.replace(source, uri=uri)
