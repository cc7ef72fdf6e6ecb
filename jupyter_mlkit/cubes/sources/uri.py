"""Where a cube is: which addresses are opened, with which options, and how they are shown."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from ...errors import CubeError
from ...spec import StorageOptions

#: Protocols that are opened; chained ones (``simplecache::s3://``) are not.
PROTOCOLS = ("file", "http", "https", "s3", "icechunk", "icechunk+s3")

#: What each remote protocol needs beside the base install.
_REMOTE_MODULES = {"http": "aiohttp", "https": "aiohttp", "s3": "s3fs"}
#: What may stand behind ``#`` and is shown: a cube of a store, or a version of it.
_PART = re.compile(r"(?:(?:branch|tag|snapshot)=)?[\w./ -]{1,200}")


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
            hint="Use a local path, https://, s3:// or icechunk://.",
            code="protocol_not_allowed",
            field="sources.0.uri",
        )
    return protocol


def local_path(uri: str) -> Path | None:
    """Return the path that a local `uri` names, None where it is remote or versioned."""
    if protocol_of(uri) != "file":
        return None
    return path_of(split_part(uri)[0])


def path_of(uri: str) -> Path:
    """Return the path of a plain path or of a URL that names one."""
    head, separator, tail = uri.partition("://")
    if head.lower() == "file":
        tail = unquote(urlsplit(uri).path)
    path = Path(tail if separator else uri)
    try:
        return path.expanduser().absolute()
    except RuntimeError:  # "~nobody" is the home of nobody here
        return path.absolute()


def split_part(uri: str) -> tuple[str, str]:
    """Return `uri` without what stands behind ``#``, and that: which cube or version is meant.

    A path that exists as it is written has no such part.
    """
    head, separator, part = uri.rpartition("#")
    if not separator:
        return uri, ""
    if "://" not in uri:
        try:
            exists = path_of(uri).exists()
        except OSError:
            exists = False
        return (uri, "") if exists else (head, part)
    return head, part


def display_uri(uri: str) -> str:
    """Return `uri` without user, password and query, fit for messages and tags.

    What stands behind ``#`` stays where it can only be the name of a cube or version.
    """
    if "://" not in uri:
        return uri
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    part = unquote(parts.fragment) if _PART.fullmatch(unquote(parts.fragment)) else ""
    shown = urlunsplit((parts.scheme, host, parts.path, "", ""))
    return f"{shown}#{part}" if part else shown


def fsspec_options(protocol: str, options: StorageOptions) -> dict[str, Any]:
    """Return what fsspec is given for `protocol`; ``env:NAME`` becomes the variable's value.

    Raises
    ------
    CubeError
        ``environment_missing`` where a named variable is not set.
    """
    if protocol != "s3":
        return {}
    # Many objects are on their way at once. That each is fetched in parts as well would cost a
    # question for its size before.
    built: dict[str, Any] = {"max_concurrency": 1}
    if options.anon is not None:
        built["anon"] = options.anon
    if options.endpoint_url is not None:
        built["endpoint_url"] = resolved("endpoint_url", options.endpoint_url)
    if options.profile is not None:
        built["profile"] = resolved("profile", options.profile)
    if options.region is not None:
        built["client_kwargs"] = {"region_name": resolved("region", options.region)}
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


def resolved(option: str, value: str) -> str:
    """Return the value of a storage option; ``env:NAME`` is the variable's.

    Raises
    ------
    CubeError
        ``environment_missing`` where it is not set.
    """
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
