"""Ways out of a folder that were used against MLflow and others, and their relatives."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

_DOTS = (
    "..",
    "%2e%2e",
    "%2E.",
    "%252e%252e",
    "..%00",
    "\uff0e\uff0e",
    "..;",
    "..#",
    "..?",
    "%c0%ae%c0%ae",
    "....",
    ". .",
    "..%20",
    " ..",
    "..\t",
    "\u2025",
    "..\x00",
)
_SLASHES = ("/", "\\", "%2f", "%5c", "%252f", "//", "/./", "\\/", "\u2215", "%c0%af", "#/", "?/")
_PREFIXES = ("", "/", "//", "./", "maps/", "~/", "C:\\", "file://", "file:", "\\\\host\\", "\x00")
_PLAIN = (
    "/etc/passwd",
    "//etc/passwd",
    ".",
    "..",
    "maps/..",
    "maps/../..",
    "\ud800",
    "a" * 5000,
    "maps//split.txt",
    "maps/",
    "/maps",
    "file:///etc/passwd",
    "maps/./split.txt",
)


@functools.cache
def traversals() -> tuple[str, ...]:
    """Return more than 800 names; ``secret.txt`` lies in every folder above the root."""
    return tuple(sorted(set(_made())))


def _made() -> Iterator[str]:
    for dot, slash, depth in itertools.product(_DOTS, _SLASHES, (1, 2, 4)):
        yield (dot + slash) * depth + "secret.txt"
    for prefix, dot, slash in itertools.product(_PREFIXES, _DOTS[:6], _SLASHES[:6]):
        yield prefix + dot + slash + "secret.txt"
    yield from _PLAIN
