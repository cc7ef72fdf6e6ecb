"""What passes between a browser and a child, and what does not; nothing here does anything."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_to_bytes, urljoin, urlsplit

from tornado.httputil import HTTPHeaders

from ..children.kind import Address, Kind
from ..errors import BackendError, InvalidInputError

#: Request headers that a child sees. Whatever else a browser or a proxy on the way has added
#: (credentials under any name, addresses, addresses of pages) ends here.
_ASKED = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "content-encoding",
        "content-language",
        "content-length",
        "content-type",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "pragma",
        "range",
        "user-agent",
        "x-requested-with",
    }
)
_HANDSHAKE = frozenset(
    {
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
    }
)
#: Response headers that the browser sees. No cookie, no origin policy, no worker scope and no
#: refresh of a child is of any concern to the page of the Lab.
_ANSWERED = frozenset(
    {
        "accept-ranges",
        "allow",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-range",
        "content-type",
        "etag",
        "expires",
        "last-modified",
        "retry-after",
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "sec-websocket-protocol",
    }
)
#: Names of the query that the Jupyter server itself reads.
_OURS_IN_QUERY = frozenset({"token", "_xsrf", "no_track_activity"})
_PATH = re.compile(r"/[!$&'()*+,\-./0-9:;=@A-Z_a-z~%\[\]]*")
_QUERY = re.compile(r"[!-~]*")
_DOTS = re.compile(r"(?:^|[/\\])\.{1,2}(?:$|[/\\;])")
_RUNS = re.compile(
    r"(?:text|application)/(?:x-)?(?:java|ecma|j|live)script|text/css", re.IGNORECASE
)
_SEALED = "sandbox; default-src 'none'"


def child_path(raw: str, prefix: str) -> tuple[str, str]:
    """Return the child's id and the path behind it, as it came: decoding it is up to the child.

    Parameters
    ----------
    raw : str
        Path of the request.
    prefix : str
        What stands before the id.

    Raises
    ------
    InvalidInputError
        The path holds what no address of a child does.
    """
    child_id, slash, rest = raw.removeprefix(prefix).partition("/")
    path = slash + rest
    if path and not _PATH.fullmatch(path):
        raise InvalidInputError("The address holds characters that have to be encoded.")
    seen = path
    for _ in range(3):  # as often as anybody on the way might decode it
        if _DOTS.search(seen) or any(ord(c) < 32 for c in seen):
            raise InvalidInputError("The address leads out of the program's pages.")
        seen = unquote(seen, errors="replace")
    return child_id, path


def refused(kind: Kind, path: str) -> bool:
    """Tell whether a path is not passed on, however it is written."""
    seen = path
    for _ in range(4):
        if kind.refused.fullmatch(re.sub("//+", "/", seen)):
            return True
        seen = unquote(seen, errors="replace")
    return False


def child_query(query: str) -> str:
    """Return a query without what is meant for the Jupyter server, else as it came."""
    if not _QUERY.fullmatch(query):
        raise InvalidInputError("The address holds characters that have to be encoded.")
    return "&".join(part for part in query.split("&") if _name(part) not in _OURS_IN_QUERY)


def _name(part: str) -> str:
    name = unquote_to_bytes(part.partition("=")[0].replace("+", " "))
    return name.decode("latin1").strip().lower()


def child_headers(
    headers: HTTPHeaders, kind: Kind, address: Address, *, websocket: bool
) -> HTTPHeaders:
    """Return the headers that a child is sent.

    Host and origin are the ones that the child was told to expect, so its own checks stay on.
    An origin is only given where the request had one; that was compared before.
    """
    passed = HTTPHeaders({"Host": address.host})
    allowed = _ASKED | kind.headers | (_HANDSHAKE if websocket else frozenset())
    for name, value in headers.get_all():
        if name.lower() in allowed:
            passed.add(name, value)
    if "Origin" in headers:
        passed["Origin"] = address.origin
    if websocket:
        passed["Connection"] = "Upgrade"
        passed["Upgrade"] = "websocket"
    else:
        passed["Connection"] = "close"
    return passed


def answer_headers(headers: HTTPHeaders, kind: Kind, path: str) -> list[tuple[str, str]]:
    """Return the headers of an answer that the browser sees, without its policy."""
    owned = kind.pages.fullmatch(path) or kind.assets.fullmatch(path)
    passed = []
    for name, value in headers.get_all():
        lower = name.lower()
        if lower not in _ANSWERED:
            continue
        if lower == "cache-control":
            value = _private(value)
        if lower == "content-type" and not owned and _RUNS.search(value):
            # Somebody's file, not the program's: no page may load it as a script or a style.
            value = "text/plain; charset=utf-8"
        passed.append((name, value))
    return passed


def _private(cache_control: str) -> str:
    """Return the value for an answer that only the signed-in person may see."""
    words = [word.strip() for word in cache_control.split(",")]
    kept = [
        word
        for word in words
        if word and not re.match("public|private|s-maxage|proxy-", word, re.IGNORECASE)
    ]
    return ", ".join(["private", *kept])


def policy(kind: Kind, path: str) -> str:
    """Return the content security policy of an answer.

    Pages of the program run, and talk to this server only. Everything else may have been made
    by whoever can log a run: opened by itself it is sealed.
    """
    if kind.pages.fullmatch(path) or kind.assets.fullmatch(path):
        return f"{kind.policy}; connect-src 'self'; frame-ancestors 'self'"
    return f"{_SEALED}; frame-ancestors 'self'"


def location(value: str, address: Address, place: str, path: str) -> str:
    """Return a redirect as the browser has to follow it.

    Parameters
    ----------
    value : str
        What the child says.
    address : Address
        Of the child.
    place : str
        Where the child's ``/`` stands on this server, with the slash.
    path : str
        Of the request, as the child sees it.

    Raises
    ------
    BackendError
        It leads away from the child.
    """
    try:
        target = urlsplit(urljoin(f"{address.origin}{path}", value))
        here = (target.scheme, target.netloc) == ("http", address.host)
    except ValueError:
        here = False
    if not here or not _PATH.fullmatch(target.path or "/") or _DOTS.search(unquote(target.path)):
        raise BackendError("The program sends the page to another server.", code="child_redirect")
    result = place + target.path.lstrip("/")
    if target.query:
        result += f"?{target.query}"
    if target.fragment:
        result += f"#{target.fragment}"
    return result if _QUERY.fullmatch(result) else place


def same_origin(origin: str | None, host: str | None) -> bool:
    """Tell whether an ``Origin`` is exactly the one of the address that was asked."""
    if not origin or not host:
        return False
    scheme, separator, netloc = origin.partition("://")
    return bool(separator) and scheme in ("http", "https") and netloc.lower() == host.lower()
