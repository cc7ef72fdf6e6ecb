"""Where a cube is: which addresses are opened, with which options, and how they are shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from ...errors import CubeError
from ...spec import StorageOptions

#: Protocols that are opened; chained ones (``simplecache::s3://``) are not.
PROTOCOLS = ("file", "http", "https", "s3")

#: What each remote protocol needs beside the base install.
_REMOTE_MODULES = {"http": "aiohttp", "https": "aiohttp", "s3": "s3fs"}


def protocol_of(uri: str) -> str:
    """Return the protocol of `uri`; a plain path has ``"file"``.

    Raises
    ------
    CubeError
        ``protocol_not_allowed`` for anything that is not in :data:`PROTOCOLS`.
    """
    head, separator, _ = uri.partition("://")
    protocol = head.lower() if separator else "file"
    if protocol not in PROTOCOLS:
        raise CubeError(
            f"Cubes are not opened through '{protocol}://'.",
            hint="Use a local path, https:// or s3://.",
            code="protocol_not_allowed",
            field="sources.0.uri",
        )
    return protocol


def local_path(uri: str) -> Path | None:
    """Return the path that a local `uri` names, None where it is remote."""
    if protocol_of(uri) != "file":
        return None
    text = unquote(urlsplit(uri).path) if uri.lower().startswith("file://") else uri
    return Path(text).expanduser().absolute()


def display_uri(uri: str) -> str:
    """Return `uri` without user, password, query and fragment, fit for messages and tags."""
    if "://" not in uri:
        return uri
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def fsspec_options(protocol: str, options: StorageOptions) -> dict[str, Any]:
    """Return what fsspec is given for `protocol`; ``env:NAME`` becomes the variable's value.

    Raises
    ------
    CubeError
        ``environment_missing`` where a named variable is not set.
    """
    if protocol != "s3":
        return {}
    built: dict[str, Any] = {}
    if options.anon is not None:
        built["anon"] = options.anon
    if options.endpoint_url is not None:
        built["endpoint_url"] = _resolved("endpoint_url", options.endpoint_url)
    if options.profile is not None:
        built["profile"] = _resolved("profile", options.profile)
    if options.region is not None:
        built["client_kwargs"] = {"region_name": _resolved("region", options.region)}
    return built


def require_remote(protocol: str) -> None:
    """Check that the package behind a remote `protocol` is there, else say what to install."""
    from importlib.util import find_spec

    module = _REMOTE_MODULES.get(protocol)
    if module is not None and find_spec(module) is None:
        raise CubeError(
            f"Opening {protocol}:// needs the package {module}, which this environment lacks.",
            hint="Run: pip install 'jupyter_mlkit[remote]'",
            code="remote_support_missing",
            field="sources.0.uri",
        )


def _resolved(option: str, value: str) -> str:
    if not value.startswith("env:"):
        return value
    name = value.removeprefix("env:")
    if name not in os.environ:
        raise CubeError(
            f"The storage option '{option}' names the environment variable {name}, "
            "which is not set.",
            hint=f"Set {name} where the kernel or job runs, or give the value itself.",
            code="environment_missing",
            field=f"sources.0.options.{option}",
        )
    return os.environ[name]
