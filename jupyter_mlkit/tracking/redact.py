"""URIs without the secrets in them, fit for logs, tags and answers."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SECRET = re.compile(
    r"secret|token|passw|pwd|credential|key|signature|^sig$|^se$|^sp$|^x-amz-", re.IGNORECASE
)


def redact(uri: str) -> str:
    """Return `uri` without user name, password and secret-looking query values.

    Examples
    --------
    >>> redact("postgresql://anna:pw@db.example.org/mlflow")
    'postgresql://db.example.org/mlflow'
    >>> redact("https://example.org/cube.zarr?X-Amz-Signature=abc&version=2")
    'https://example.org/cube.zarr?version=2'
    """
    if "://" not in uri:
        return uri
    try:
        parts = urlsplit(uri)
    except ValueError:
        # Not parsable (an odd IPv6 host): what stands before the last @ may be a password.
        scheme, _, rest = uri.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"
    host = parts.netloc.rpartition("@")[2]
    query = parts.query
    if query:
        pairs = parse_qsl(query, keep_blank_values=True)
        kept = [(key, value) for key, value in pairs if not _SECRET.search(key)]
        # Unchanged queries stay byte for byte: they may be part of a name.
        query = query if kept == pairs else urlencode(kept)
    if host == parts.netloc and query == parts.query:
        return uri
    return urlunsplit((parts.scheme, host, parts.path, query, parts.fragment))
