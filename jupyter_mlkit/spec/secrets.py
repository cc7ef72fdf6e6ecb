"""No secret enters a spec."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..errors import SpecError

_SECRET = re.compile(r"secret|token|passw|credential|access_?key|private", re.IGNORECASE)
#: Query parameters of signed URLs.
_SIGNED = re.compile(r"signature|^sig$|^x-(amz|goog)-", re.IGNORECASE)


def refuse_secrets(data: dict[str, Any]) -> None:
    """Refuse credentials in addresses, options and tags: specs are stored with every run.

    Raises
    ------
    SpecError
        ``secret_in_spec``.
    """
    sources = data.get("sources")
    for i, source in enumerate(sources if isinstance(sources, list) else []):
        options = source.get("options") if isinstance(source, dict) else None
        options = options if isinstance(options, dict) else {}
        for key in options:
            if _SECRET.search(str(key)):
                raise _secret(f"'{key}'", f"sources.{i}.options.{key}")
        uri = source.get("uri") if isinstance(source, dict) else None
        for value, field in (
            (uri, f"sources.{i}.uri"),
            (options.get("endpoint_url"), f"sources.{i}.options.endpoint_url"),
        ):
            found = _secret_part(value) if isinstance(value, str) else None
            if found:
                raise _secret(found, field)
    tracking = data.get("tracking")
    tags = tracking.get("tags") if isinstance(tracking, dict) else None
    for key, value in tags.items() if isinstance(tags, dict) else ():
        if _SECRET.search(str(key)):
            raise _secret(f"The tag '{key}'", f"tracking.tags.{key}")
        found = _secret_part(value) if isinstance(value, str) else None
        if found:
            raise _secret(f"{found} of the tag '{key}'", f"tracking.tags.{key}")


def _secret_part(uri: str) -> str | None:
    """Return what in a URI is a secret, in words; None where nothing is."""
    if "://" not in uri:
        return None
    parts = urlsplit(uri)
    if parts.password or ("@" in parts.netloc and parts.scheme != "s3"):
        return "The user name or password in the URL"
    for key, _ in parse_qsl(parts.query, keep_blank_values=True):
        if _SECRET.search(key) or _SIGNED.search(key):
            return f"'{key}' in the URL"
    return None


def _secret(what: str, field: str) -> SpecError:
    return SpecError(
        f"{what} looks like a secret, and specs are stored with every run.",
        hint="Name a credentials profile with 'profile', or set the variable that "
        "fsspec reads in the environment of the kernel.",
        code="secret_in_spec",
        field=field,
    )
