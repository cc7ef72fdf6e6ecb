"""Versioned stores (icechunk): one snapshot of them is a zarr store that never changes."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from ...errors import CubeError
from .locate import Location
from .problems import FIELD, missing_package, not_a_cube, short
from .uri import display_uri, resolved

_KINDS = {"branch": "branch", "tag": "tag", "snapshot": "snapshot_id"}


def open_repository(location: Location) -> Any:
    """Return the icechunk repository at `location`, whatever version that names.

    Raises
    ------
    CubeError
        ``versioned_support_missing``, ``not_a_cube``, ``environment_missing``,
        ``store_unreachable`` where there is no such profile.
    """
    if find_spec("icechunk") is None:
        what = f"Opening {display_uri(location.uri)}"
        raise missing_package(what, "icechunk", "stores", "versioned_support_missing")
    import icechunk

    try:
        return icechunk.Repository.open(_storage(location))
    except icechunk.IcechunkError as error:
        raise not_a_cube(location.uri, f"it is no icechunk repository ({_said(error)})") from error


def open_snapshot(location: Location) -> Any:
    """Return a read-only icechunk session at the version that `location` names.

    Parameters
    ----------
    location : Location
        Version ``branch=<name>``, ``tag=<name>``, ``snapshot=<id>`` or a bare branch; the branch
        ``main`` where it names none.

    Raises
    ------
    CubeError
        ``cube_not_found``, and what :func:`open_repository` raises.
    """
    kind, separator, name = location.version.partition("=")
    if not separator:
        kind, name = "branch", location.version or "main"
    if kind not in _KINDS:
        raise CubeError(
            f"'{location.version}' names no version.",
            hint="Write #branch=..., #tag=... or #snapshot=... behind the address.",
            code="cube_not_found",
            field=FIELD,
        )
    repository = open_repository(location)
    import icechunk

    try:
        version: dict[str, Any] = {_KINDS[kind]: name}
        return repository.readonly_session(**version)
    except icechunk.IcechunkError as error:
        raise CubeError(
            f"{display_uri(location.uri)} has no {kind} '{name}'.",
            hint=f"It has the branches {', '.join(sorted(repository.list_branches()))} and "
            f"the tags {', '.join(sorted(repository.list_tags())) or 'none'}.",
            code="cube_not_found",
            field=FIELD,
        ) from error


def _storage(location: Location) -> Any:
    import icechunk

    if location.path is not None:
        return icechunk.local_filesystem_storage(str(location.path))
    parts = urlsplit(location.uri)
    options = location.storage
    endpoint = options.endpoint_url and resolved("endpoint_url", options.endpoint_url)
    region = options.region and resolved("region", options.region)
    return icechunk.s3_storage(
        bucket=parts.netloc,
        prefix=parts.path.strip("/"),
        region=region or ("us-east-1" if endpoint else None),
        endpoint_url=endpoint,
        allow_http=bool(endpoint and endpoint.startswith("http://")),
        force_path_style=bool(endpoint),
        **_credentials(location),
    )


def _credentials(location: Location) -> dict[str, Any]:
    if location.storage.anon:
        return {"anonymous": True}
    if location.storage.profile is None:
        return {"from_env": True}
    # icechunk knows no profiles: the keys of the named one are looked up as s3fs does it.
    import botocore.exceptions  # type: ignore[import-untyped, unused-ignore]
    import botocore.session  # type: ignore[import-untyped, unused-ignore]

    name = resolved("profile", location.storage.profile)
    try:
        found = botocore.session.Session(profile=name).get_credentials()
    except botocore.exceptions.ProfileNotFound:
        found = None
    if found is None:
        raise CubeError(
            f"There is no profile '{name}' with credentials.",
            hint="Profiles stand in ~/.aws/config and ~/.aws/credentials.",
            code="store_unreachable",
            field="sources.0.options.profile",
        )
    keys = found.get_frozen_credentials()
    return {
        "access_key_id": keys.access_key,
        "secret_access_key": keys.secret_key,
        "session_token": keys.token,
    }


def _said(error: Exception) -> str:
    """Return what icechunk says without its drawing."""
    return short(error).strip(" x|`->")
