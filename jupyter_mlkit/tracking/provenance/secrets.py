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
from .secret_names import is_secret_name

MASK = "[secret]"
#: Shorter values of the environment are ordinary words as well, and longer ones of letters only.
_SHORTEST = 8
_WORD = re.compile(r"[a-z]{1,15}")
_NUMBER = re.compile(r"\d[\w.]*")
_GAP = re.compile(r"\s*\\?\s*")
_COMMA = re.compile(r"\s*,\s*")
_TRIPLE = re.compile(r"\w*\\*(?:\"{3}|'{3})")
_BETWEEN_BRACES = re.compile(r"\{[^{}]*\}")
#: Fewer letters than these beside what a format string takes from elsewhere are only a scheme.
_SCHEME = 8
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
    if not patterns.MAY_HOLD.search(text):
        return text
    text = _by_shape(text)
    if patterns.SHELL_CELL.match(text):
        return _lines(_literals(text), every=True)
    text = _literals(text)
    return _lines(text, every=False) if "!" in text or "%" in text else text


def redact_settings(text: str, known: Iterable[str] = ()) -> str:
    r"""Return a text that is no code, such as a ``.env`` file, without its secrets.

    Examples
    --------
    >>> redact_settings("DB_PASSWORD=hunter\nlevels: 3")
    'DB_PASSWORD=[secret]\nlevels: 3'
    """
    text = _without_known(text, known)
    if not patterns.MAY_HOLD.search(text):
        return text
    return _lines(_literals(_by_shape(text)), every=True)


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
    text = patterns.SHAPES.sub(MASK, text)
    if "://" in text:
        text = patterns.USER.sub(_without_user, text)
    if "=" in text:
        text = patterns.QUERY.sub(_without_query, text)
    text = patterns.CDS_KEY.sub(rf"\1{MASK}", text)
    return patterns.HEADER.sub(rf"\1\2{MASK}", text)


def _literals(text: str) -> str:
    """Take out the literals that stand behind the name of a secret."""
    for pattern in (patterns.ASSIGNED, patterns.SET, patterns.LOGIN):
        parts: list[str] = []
        at = 0
        while found := pattern.search(text, at):
            parts.append(text[at : found.end()])
            at = found.end()
            name = found.groupdict().get("name")
            if name is None:
                value, at = _arguments(text, at)
            elif number := _NUMBER.match(text, at):
                if not is_secret_name(name, for_number=True):
                    continue
                value, at = f'"{MASK}"', number.end()
            elif is_secret_name(name):
                value, at = _strings(text, at, _GAP)
            else:
                continue
            parts.append(value)
        text = "".join([*parts, text[at:]])
    return text


def _arguments(text: str, at: int) -> tuple[str, int]:
    if patterns.STRING.match(text, at) is None:
        return "", at
    return _strings(text, at, _COMMA)


def _strings(text: str, at: int, between: re.Pattern[str]) -> tuple[str, int]:
    """Return what stands for the strings from `at` on, and where they end.

    Strings that stand side by side are one value; those of a call are apart by commas.
    """
    one = patterns.STRING.match(text, at)
    if one is None:  # not closed: a diff may be cut there
        triple = _TRIPLE.match(text, at)
        end = len(text) if triple else text.find("\n", at) % (len(text) + 1)
        return _blank(text[at:end]), end
    parts: list[str] = []
    while True:
        parts.append(_masked(one))
        at = one.end()
        gap = between.match(text, at)
        following = patterns.STRING.match(text, gap.end()) if gap is not None else None
        if gap is None or following is None:
            return "".join(parts), at
        parts.append(gap[0])
        one = following


def _masked(string: re.Match[str]) -> str:
    prefix, quote = string["prefix"], string["t"] or string["q"]
    value = string[0][len(prefix) + len(quote) : -len(quote)]
    if _is_none(value, formatted="f" in prefix.lower()):
        return string[0]
    return prefix + quote + _blank(value) + quote


def _blank(value: str) -> str:
    """Return as many lines as `value` has, with their indents and signs of a diff alone."""
    others = value.split("\n")[1:]
    return "\n".join([MASK, *(_sign(line) for line in others)])


def _is_none(value: str, formatted: bool = False) -> bool:
    if MASK in value or patterns.PLACEHOLDER.fullmatch(value):
        return True
    return formatted and "{" in value and len(_BETWEEN_BRACES.sub("", value).strip()) < _SCHEME


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
        if _is_none(value) or not is_secret_name(one["name"]):
            return one[0]
        start = one.start("value") - one.start()
        return one[0][:start] + MASK + one[0][start + len(value) :]

    line = patterns.WORD.sub(mask, patterns.SETTING.sub(mask, line))
    return patterns.CLI_LOGIN.sub(rf"\1{MASK}", line)


def _without_key(block: re.Match[str]) -> str:
    begin = f"-----BEGIN {block['kind']}-----"
    lines = block["body"].split("\n")
    if len(lines) == 1:
        return begin + MASK + block["end"]
    first, *middle, last = lines
    # Short ends are the quotes of strings that hold one line each.
    first = first if len(first) <= len('\\n"') else MASK
    kept = [_sign(line, "\"'") + MASK if line.strip() else line for line in middle]
    last = last if len(last.strip()) <= 2 else MASK
    return "\n".join([begin + first, *kept, last]) + block["end"]


def _sign(line: str, quotes: str = "") -> str:
    """Return what a line begins with and may keep: its sign in a diff, its indent, a quote."""
    rest = (line[1:] if line[:1] in ("+", "-") else line).lstrip(" \t")
    rest = rest[1:] if rest[:1] and rest[0] in quotes else rest
    return line[: len(line) - len(rest)]


def _without_user(found: re.Match[str]) -> str:
    user, password = found["user"], found["password"]
    # A name alone is no secret, a token in its place is.
    harmless = _is_none(password) if password is not None else len(user) < 20 or _is_none(user)
    return found[0] if harmless else f"{MASK}@"


def _without_query(found: re.Match[str]) -> str:
    name = found["name"]
    if not (name.lower() in _QUERY_NAMES or is_secret_name(name)) or _is_none(found["value"]):
        return found[0]
    return f"{name}={MASK}"
