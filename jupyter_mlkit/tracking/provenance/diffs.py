"""Secrets taken out of a diff, file by file: settings are read otherwise than code."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from .secret_patterns import KEY_LINE
from .secrets import MASK, redact_code, redact_settings

_FILE = re.compile(r"^diff --git ", re.MULTILINE)
_NAME = re.compile(r"^diff --git \"?a/(?P<name>[^\n]*?)\"? \"?b/")
_SETTINGS = re.compile(
    r"\.(?:env|envrc|ya?ml|toml|ini|cfg|conf|config|properties|sh|bash|zsh|fish|tf|tfvars|txt|pem"
    r"|key|xml|service)"
)


def redact_diff(diff: str, known: Iterable[str] = ()) -> str:
    """Return what git has printed without the secrets in it, line for line.

    Parameters
    ----------
    diff : str
        Output of ``git diff``, perhaps with lines before it.
    known : iterable of str
        Values that are secrets wherever they stand.
    """
    known = list(known)
    starts = [found.start() for found in _FILE.finditer(diff)]
    bounds = [0, *starts, len(diff)]
    parts = []
    for start, end in itertools.pairwise(bounds):
        part = diff[start:end]
        named = _NAME.match(part)
        redact = redact_settings if named and _is_settings(named["name"]) else redact_code
        parts.append(KEY_LINE.sub(rf"\1{MASK}", redact(part, known)))
    return "".join(parts)


def _is_settings(name: str) -> bool:
    path = PurePosixPath(name)
    # ``.env``, ``.netrc``, ``.cdsapirc``, ``Dockerfile``: names without an ending.
    return not path.suffix or _SETTINGS.fullmatch(path.suffix) is not None or ".env" in path.name
