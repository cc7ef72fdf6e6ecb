"""Secrets of this process kept out of what it writes: output, results, tags of runs.

MLflow prints the address of a run, and its errors name the address that did not answer: with the
password of the tracking server where the URI holds one.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from typing import TextIO
from urllib.parse import quote, unquote, urlsplit

from .. import paths

_MASK = "[secret]"
#: Shorter values are ordinary words as well.
_SHORTEST = 6
_SECRET_NAME = re.compile(r"secret|token|passw|credential", re.IGNORECASE)


def masked(text: str) -> str:
    """Return `text` without the secrets that this process was given."""
    for secret in sorted(set(_secrets()), key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return text


def mask_output() -> None:
    """Keep the secrets out of whatever this process prints from now on."""
    sys.stdout = _Masked(sys.stdout)
    sys.stderr = _Masked(sys.stderr)


def _secrets() -> Iterator[str]:
    found = [value for name, value in os.environ.items() if _SECRET_NAME.search(name)]
    uri = paths.default_tracking_uri()
    if "://" in uri:
        found.append(urlsplit(uri).password or "")
    for value in found:
        # A path is where a secret lies, not the secret.
        if len(value) >= _SHORTEST and not value.startswith(("/", "~")):
            yield from (value, unquote(value), quote(value, safe=""))


class _Masked(io.TextIOBase):
    """A text stream that masks what is written through it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As the stream's."""
        return self._stream.encoding

    def write(self, text: str) -> int:
        """Write `text` without secrets."""
        self._stream.write(masked(text))
        return len(text)

    def flush(self) -> None:
        """Write what is kept back."""
        self._stream.flush()

    def fileno(self) -> int:
        """As the stream's: what is written there directly is not looked at."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """As the stream's."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Return that it is."""
        return True
