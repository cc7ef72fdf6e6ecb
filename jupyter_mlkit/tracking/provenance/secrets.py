"""Secrets taken out of code and settings before they are stored.

In code only literals can be secrets: ``token = get_token()`` and ``password=None`` stay as they
are. In what is no code (a ``.env`` file, a shell line) every value behind a secret's name is one.
Lines stay lines, so that what is left still reads, diffs and restores.

No rule finds a password that stands in a variable called ``x``. What this process knows as a
secret (values of its own environment) is taken out wherever it stands.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from . import secret_patterns as patterns
from .secret_literals import MASK, indent, is_none, without_literals
from .secret_names import is_secret_name

__all__ = ["MASK", "known_secrets", "redact_code", "redact_settings"]

#: Shorter values of the environment are ordinary words as well, and longer ones of letters only.
_SHORTEST = 8
_WORD = re.compile(r"[a-z]{1,15}")
_QUERY_NAMES = frozenset(["sig", "signature", "key", "x-amz-signature", "x-goog-signature"])


def redact_code(text: str, known: Iterable[str] = ()) -> str:
    """Return the source of a cell without its secrets, line for line.

    Parameters
    ----------
    text : str
        Python as IPython takes it, with magics and shell lines.
    known : iterable of str
        Values that are secrets wherever they stand; see :func:`known_secrets`.

    Examples
    --------
    >>> redact_code('api_key = "abc123"; tokens = text.split()')
    'api_key = "[secret]"; tokens = text.split()'
    """
    text = _without_known(text, known)
    text = _by_shape(text)
    if patterns.SHELL_CELL.match(text):
        return _lines(without_literals(text), every=True)
    text = without_literals(text)
    return _lines(text, every=False) if "!" in text or "%" in text else text


def redact_settings(text: str, known: Iterable[str] = ()) -> str:
    r"""Return a text that is no code, such as a ``.env`` file, without its secrets.

    Examples
    --------
    >>> redact_settings("DB_PASSWORD=hunter\nlevels: 3")
    'DB_PASSWORD=[secret]\nlevels: 3'
    """
    text = _without_known(text, known)
    return _lines(without_literals(_by_shape(text)), every=True)


def known_secrets() -> list[str]:
    """Return the secrets of this process' environment, the longest first."""
    found = {
        value
        for name, value in os.environ.items()
        if len(value) >= _SHORTEST
        and is_secret_name(name)
        and not value.startswith("/")
        and not _WORD.fullmatch(value)
    }
    return sorted(found, key=len, reverse=True)


def _without_known(text: str, known: Iterable[str]) -> str:
    for value in known:
        if value in text:
            text = text.replace(value, MASK + "\n" * value.count("\n"))
    return text


def _by_shape(text: str) -> str:
    """Take out what is a secret wherever it stands."""
    if "PRIVATE KEY" in text:
        text = patterns.PRIVATE_KEY.sub(_without_key, text)
    if any(start in text for start in patterns.STARTS):
        text = patterns.SHAPES.sub(MASK, text)
    if "://" in text:
        text = patterns.USER.sub(_without_user, text)
    if "=" in text and ("?" in text or "&" in text):
        text = patterns.QUERY.sub(_without_query, text)
    if "key" in text:
        text = patterns.CDS_KEY.sub(rf"\1{MASK}", text)
    if any(scheme in text for scheme in patterns.SCHEMES):
        text = patterns.HEADER.sub(rf"\1\2{MASK}", text)
    return text


def _lines(text: str, *, every: bool) -> str:
    lines = text.split("\n")
    return "\n".join(
        _setting(line) if every or patterns.SHELL_LINE.match(line) else line for line in lines
    )


def _setting(line: str) -> str:
    is_command = patterns.SHELL_LINE.match(line) is not None

    def mask(one: re.Match[str]) -> str:
        # In a command further words follow; a setting goes to the end of its line.
        value = one["value"].split()[0] if is_command else one["value"].rstrip()
        if is_none(value) or not is_secret_name(one["name"]):
            return one[0]
        start = one.start("value") - one.start()
        return one[0][:start] + MASK + one[0][start + len(value) :]

    line = patterns.WORD.sub(mask, patterns.SETTING.sub(mask, line))
    return patterns.CLI_LOGIN.sub(rf"\1{MASK}", line)


def _without_key(block: re.Match[str]) -> str:
    if not _has_letters(block["body"].replace(MASK, "").replace("\\n", "")):
        return block[0]
    begin = f"-----BEGIN {block['kind']}-----"
    lines = block["body"].split("\n")
    if len(lines) == 1:
        return begin + MASK + block["end"]
    first, *middle, last = lines
    # Short ends are the quotes of strings that hold one line each.
    first = first if len(first) <= len('\\n"') else MASK
    kept = [indent(line, "\"'") + MASK if _has_letters(line) else line for line in middle]
    last = last if len(last.strip()) <= 2 else MASK
    return "\n".join([begin + first, *kept, last]) + block["end"]


def _has_letters(text: str) -> bool:
    return any(map(str.isalnum, text))


def _without_user(found: re.Match[str]) -> str:
    user, password = found["user"], found["password"]
    # A name alone is no secret, a token in its place is.
    harmless = is_none(password) if password is not None else len(user) < 20 or is_none(user)
    return found[0] if harmless else f"{MASK}@"


def _without_query(found: re.Match[str]) -> str:
    name = found["name"]
    if not (name.lower() in _QUERY_NAMES or is_secret_name(name)) or is_none(found["value"]):
        return found[0]
    return f"{name}={MASK}"
