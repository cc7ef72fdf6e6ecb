"""Secrets taken out of a diff, file by file: settings are read otherwise than code."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from .secret_patterns import KEY_LINE
from .secrets import MASK, redact_code, redact_settings

_FILE = re.compile(r"^diff --git ", re.MULTILINE)
_NAME = re.compile(r"^diff --git \"?a/(?P<name>[^\n]*?)\"? \"?b/")
_JSON_LINE = re.compile(
    r"^(?P<before>[+\- ]?\s*)"
    r'(?P<string>"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*")(?P<after>,?)$'
)
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
        name = named["name"] if named else ""
        if name.endswith(".ipynb"):
            part = _redact_notebook(part, known)
        redact = redact_settings if name and _is_settings(name) else redact_code
        parts.append(KEY_LINE.sub(rf"\1{MASK}", redact(part, known)))
    return "".join(parts)


def _redact_notebook(part: str, known: list[str]) -> str:
    """Take secrets out of the sources in a notebook file, which are one JSON string a line."""
    lines = part.split("\n")
    held = {at: found for at, line in enumerate(lines) if (found := _JSON_LINE.match(line))}
    sources = {
        at: str(json.loads(found["string"])).removesuffix("\n") for at, found in held.items()
    }
    # A string with a line break inside is an output, not a line of a source.
    sources = {at: source for at, source in sources.items() if "\n" not in source}
    clean = redact_code("\n".join(sources.values()), known).split("\n")
    for (at, source), new in zip(sources.items(), clean, strict=True):
        if new != source:
            found = held[at]
            ending = "\n" if found["string"].endswith('\\n"') else ""
            string = json.dumps(new + ending, ensure_ascii=False)
            lines[at] = found["before"] + string + found["after"]
    return "\n".join(lines)


def _is_settings(name: str) -> bool:
    path = PurePosixPath(name)
    # ``.env``, ``.netrc``, ``.cdsapirc``, ``Dockerfile``: names without an ending.
    return not path.suffix or _SETTINGS.fullmatch(path.suffix) is not None or ".env" in path.name
