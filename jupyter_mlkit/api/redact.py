"""No secret reaches a log: a filter on whatever writes the server's logs."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from ..tracking.redact import redact

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

_MASK = "[secret]"
#: Shorter values are ordinary words as well.
_SHORTEST = 8
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")
_HEADER = re.compile(r"\b(Bearer|token|Basic)(\s+)[A-Za-z0-9._~+/=-]{8,}")
_NAMED = re.compile(
    r"""(?ix)
    \b( [\w-]* (?:password|passwd|pwd|secret|token|credential|api[_-]?key|access[_-]?key
        |signature|_xsrf) [\w-]* )
    ( ["']? \s* [=:] \s* ["']? )
    ( [^\s"',;&)}\]]+ )
    """
)
_SECRET_NAME = re.compile(r"secret|token|passw|credential|key$|key_id$", re.IGNORECASE)


def secrets_of(tracking_uri: str, server: ServerApp) -> set[str]:
    """Return the secrets that this server knows, as they may stand in a text."""
    found = {value for name, value in os.environ.items() if _SECRET_NAME.search(name)}
    found.add(str(server.identity_provider.token or ""))
    if "://" in tracking_uri:
        found.add(urlsplit(tracking_uri).password or "")
    return {form for one in found for form in (one, unquote(one), quote(one, safe=""))}


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without passwords in URIs, tokens and the values of `secrets`.

    Examples
    --------
    >>> redact_text("open postgresql://anna:pw@db/mlflow with token=abcdefgh")
    'open postgresql://db/mlflow with token=[secret]'
    """
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, _MASK)
    if "://" in text:
        text = _URI.sub(lambda found: redact(found[0]), text)
    text = _HEADER.sub(rf"\1\2{_MASK}", text)
    return _NAMED.sub(rf"\1\2{_MASK}", text)


class RedactingFilter(logging.Filter):
    """Takes secrets out of records, their tracebacks too.

    It sits on the handlers that write, so that it sees what other libraries log through them,
    and on the server's logger for the handlers that come later.

    Parameters
    ----------
    secrets : iterable of str
        Values that must never be written.
    log : logging.Logger
        The server's logger.
    """

    def __init__(self, secrets: Iterable[str], log: logging.Logger) -> None:
        super().__init__()
        # The longest first, lest a part of one be taken for another.
        self._secrets = sorted((s for s in set(secrets) if len(s) >= _SHORTEST), key=len)[::-1]
        self._places: list[logging.Filterer] = [log, *log.handlers, *logging.getLogger().handlers]
        if logging.lastResort is not None:
            self._places.append(logging.lastResort)
        for place in self._places:
            place.addFilter(self)

    def remove(self) -> None:
        """Leave the loggers as they were."""
        for place in self._places:
            place.removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without its secrets."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # wrong arguments: logging itself will say so
            return True
        clean = redact_text(message, self._secrets)
        if clean != message:
            record.msg, record.args = clean, None
        if record.exc_info and not record.exc_text:
            trace = logging.Formatter().formatException(record.exc_info)
            clean = redact_text(trace, self._secrets)
            if clean != trace:
                record.exc_text, record.exc_info = clean, None
        return True
