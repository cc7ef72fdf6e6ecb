"""Literals of code that stand behind the name of a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .secret_names import is_secret_name

MASK = "[secret]"

#: A name of a secret holds one of these.
_KEYWORDS = (
    *("secret", "token", "pass", "pw", "key", "credential", "jwt", "bearer", "authorization"),
    "xsrf",
)
_LONGEST_NAME = 80
#: So far quotes are counted back in a line.
_LOOK_BACK = 400
_OPENS = r"""(?:[rRbBfFuU]{1,2})?(?P<opens>\\*["'])"""
#: A string with its delimiters; inside a notebook file its quotes are escaped.
_STRING = re.compile(
    r"""(?P<prefix>[rRbBfFuU]{0,2})(?:
      (?P<t>\\*(?:\"{3}|'{3})) (?:\\.|(?!(?P=t)).){0,20000}? (?P=t)
    | (?P<q>\\*(?:"(?!"")|'(?!''))) (?:\\.|(?!(?P=q))[^\n])*? (?P=q) )""",
    re.VERBOSE | re.DOTALL,
)
#: ``name = "…"``, ``name: str = "…"``, ``"name": "…"``, ``environ["name"] = "…"``, ``name = 12``,
#: ``name = other or "…"``, ``name = ["…", "…"]``.
_ASSIGNED = re.compile(
    rf"""(?P<name>[A-Za-z_][\w-]{{0,{_LONGEST_NAME}}}) (?P<quoted>\\*["'])? [ \t]* \]? [ \t]*
    (?P<is> (?: :[ \t]*[A-Za-z_][\w.\[\]|, ]{{0,80}}? )? = | := | => | : | [=!]= ) [ \t]*
    (?: (?:[^\n"'#,=()] | \([^()\n]*\)){{0,80}}? \b(?:or|else)[ \t]+ )??
    (?P<within> (?:\\\n[ \t]*)? (?:[(\[{{]\s*)? )
    (?: {_OPENS} | (?P<number>\d[\w.]*) )""",
    re.VERBOSE,
)
#: ``setdefault("name", "…")`` and its like, from the name on and before it.
_GIVEN = re.compile(
    rf"""(?P<name>[A-Za-z_][\w-]{{0,{_LONGEST_NAME}}}) (?P<quoted>\\*["']) \s*,\s* {_OPENS}""",
    re.VERBOSE,
)
_SETTER = re.compile(
    r"\b(?:setdefault|putenv|setenv|getenv|get|set|pop|add_header|set_option|setItem)"
    r"\(\s*\\*[\"']$"
)
#: Calls whose positional strings are a user and a password, or a token.
_LOGIN = re.compile(
    r"""(?:\b(?:\w*login|log_in|signin|authenticate|set_password|\w*[bB]asic_?[aA]uth|\w*DigestAuth)
    |\bauth\s*=\s*)\(\s*(?:key\s*=\s*)?""",
    re.VERBOSE,
)
_LOGIN_WORDS = ("login", "log_in", "signin", "auth", "set_password")
_BESIDE = re.compile(r"[ \t]*(?:\\\n[ \t]*)?(?:if[ \t][^\n\"']{0,80}?[ \t]else[ \t]+)?")
_INSIDE = re.compile(r"[\s,:]*(?:if\s[^\n\"']{0,80}?\selse\s+)?")
_COLON = re.compile(r"\s*:")
_COMMA = re.compile(r"\s*,\s*")
_TRIPLE = re.compile(r"\w{0,2}\\*(?:\"{3}|'{3})")
_BETWEEN_BRACES = re.compile(r"\{[^{}]*\}")
#: Fewer letters than these beside what a format string takes from elsewhere are only a scheme.
_SCHEME = 8
#: Values that stand for a secret and are none: ``<token>``, ``$TOKEN``, ``{token}``, ``[PAD]``.
_PLACEHOLDER = re.compile(
    r"""\s*(?: | \.{3} | [*xX.]+ | <\|?/?[\w ]+\|?/?> | \[[^\[\]]*\] | \$\w+ | \$?\{+[^{}]*\}+
    | %\(?\w+\)?s? | Bearer | Basic | [Tt]oken
    | (?:[Nn]one|[Nn]ull|NULL|[Tt]rue|[Ff]alse|nan) )\s*""",
    re.VERBOSE,
)


def without_literals(text: str) -> str:
    """Return code without the literals that are secrets by the names before them."""
    parts: list[str] = []
    at = 0
    lower = _lower(text)
    for start in _starts(text, lower):
        if start < at:
            continue
        found = _value_of(text, start)
        if found is None:
            continue
        if found.groupdict().get("number"):
            value, begin, end = f'"{MASK}"', found.start("number"), found.end()
        else:
            begin = found.start("opens")
            # With the letter before it that says what kind of string it is.
            while text[begin - 1] in "rRbBfFuU":
                begin -= 1
            value, end = _strings(text, begin, _gap(found))
        parts += [text[at:begin], value]
        at = end
    text = "".join([*parts, text[at:]])
    return _without_logins(text) if any(one in lower for one in _LOGIN_WORDS) else text


def is_none(value: str) -> bool:
    """Return whether a value stands for a secret and is none."""
    if MASK in value or _PLACEHOLDER.fullmatch(value):
        return True
    return "{" in value and len(_BETWEEN_BRACES.sub("", value).strip()) < _SCHEME


def blank(value: str) -> str:
    """Return as many lines as `value` has, with their indents and signs of a diff alone."""
    return "\n".join([MASK, *(indent(line) for line in value.split("\n")[1:])])


def indent(line: str, quotes: str = "") -> str:
    """Return what a line begins with: its sign in a diff, its blanks, and one of `quotes`."""
    rest = (line[1:] if line[:1] in ("+", "-") else line).lstrip(" \t")
    rest = rest[1:] if rest[:1] and rest[0] in quotes else rest
    return line[: len(line) - len(rest)]


def _lower(text: str) -> str:
    lower = text.lower()
    # A few letters become two.
    return (
        lower if len(lower) == len(text) else re.sub("[A-Z]+", lambda found: found[0].lower(), text)
    )


def _starts(text: str, lower: str) -> list[int]:
    """Return where names begin that may be names of secrets."""
    found: set[int] = set()
    for word in _KEYWORDS:
        for at in _places(lower, word):
            start = at
            while start > 0 and at - start < _LONGEST_NAME and _is_of_name(text[start - 1]):
                start -= 1
            if start > 0 and text[start - 1] == "\\":
                start += 1  # a line break of a string in a notebook file
            while start < at and not (text[start].isalpha() or text[start] == "_"):
                start += 1
            found.add(start)
    return sorted(found)


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _is_of_name(sign: str) -> bool:
    return sign.isalnum() or sign in "_-"


def _value_of(text: str, start: int) -> re.Match[str] | None:
    """Return name and beginning of the literal behind it; None where there is no secret one."""
    found = _ASSIGNED.match(text, start)
    if found is None:
        found = _GIVEN.match(text, start)
        if found is None or not _SETTER.search(text, max(0, start - 40), start):
            return None
    elif found["is"] in ("==", "!=") and found["name"].lower().endswith("token"):
        return None  # parsers compare their tokens all day
    parts = found.groupdict()
    if not is_secret_name(found["name"], for_number=bool(parts.get("number"))):
        return None
    if found["quoted"] is None and (quote := parts.get("opens")):
        before = text[max(0, start - _LOOK_BACK) : start].rpartition("\n")[2]
        if before.count(quote) % 2:
            return None  # inside of a string, which ends there: ``print("token: ", token)``
    name, quoted = found["name"], text[found.end() : found.end() + len(found["name"])]
    # ``NO_SECRET = "NO_SECRET"``: one of a list of codes.
    return None if name.isupper() and name == quoted else found


def _gap(found: re.Match[str]) -> re.Pattern[str]:
    within = found.groupdict().get("within") or ""
    return _INSIDE if within.strip("\\\n \t") else _BESIDE


def _without_logins(text: str) -> str:
    parts: list[str] = []
    at = 0
    for found in _LOGIN.finditer(text):
        if found.end() >= at and _STRING.match(text, found.end()):
            value, end = _strings(text, found.end(), _COMMA)
            parts += [text[at : found.end()], value]
            at = end
    return "".join([*parts, text[at:]])


def _strings(text: str, at: int, between: re.Pattern[str]) -> tuple[str, int]:
    """Return what stands for the strings from `at` on that belong together, and their end."""
    one = _STRING.match(text, at)
    if one is None:  # not closed: a diff may be cut there
        end = -1 if _TRIPLE.match(text, at) else text.find("\n", at)
        end = len(text) if end < 0 else end
        return blank(text[at:end]), end
    parts: list[str] = []
    while True:
        at = one.end()
        # Names of what a mapping holds are none.
        is_key = between is _INSIDE and _COLON.match(text, at)
        parts.append(one[0] if is_key else _masked(one))
        gap = between.match(text, at)
        following = _STRING.match(text, gap.end()) if gap is not None else None
        if gap is None or following is None:
            return "".join(parts), at
        parts.append(gap[0])
        one = following


def _masked(string: re.Match[str]) -> str:
    prefix, quote = string["prefix"], string["t"] or string["q"]
    value = string[0][len(prefix) + len(quote) : -len(quote)]
    if is_none(value):
        return string[0]
    return prefix + quote + blank(value) + quote
