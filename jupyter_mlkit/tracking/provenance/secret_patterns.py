"""How secrets look, and where values stand that may be one: patterns for ``secrets``."""

from __future__ import annotations

import re

# Bounded, so that no text makes a search slow.
_NAME = r"(?P<name>[A-Za-z_][\w-]{0,80}(?:\.[A-Za-z_][\w-]{0,80}){0,8})"
#: What begins a string; inside a notebook file its quotes are escaped.
_OPENS = r"""(?:[rRbBfFuU]{1,2})?\\*["']"""

#: A string with its delimiters.
STRING = re.compile(
    r"""(?P<prefix>[rRbBfFuU]{0,2})(?:
      (?P<t>\\*(?:\"{3}|'{3})) (?:\\.|(?!(?P=t)).){0,20000}? (?P=t)
    | (?P<q>\\*(?:"(?!"")|'(?!''))) (?:\\.|(?!(?P=q))[^\n])*? (?P=q) )""",
    re.VERBOSE | re.DOTALL,
)
#: ``name = "…"``, ``name: str = "…"``, ``"name": "…"``, ``environ["name"] = "…"``, ``name = 12``.
ASSIGNED = re.compile(
    rf"""(?<![\w-]) {_NAME}
    (?: \\*["'] )? \s* \]? \s*
    (?: :\s*[A-Za-z_][\w.\[\]|, ]{{0,80}}?= | :=? | [=!]?= | => )
    \s* [(\[]? \s* (?= {_OPENS} | \d )""",
    re.VERBOSE,
)
#: ``setdefault("name", "…")`` and its like.
SET = re.compile(
    rf"""\b(?:setdefault|putenv|setenv|getenv|get|set|pop|add_header|set_option|setItem)\(
    \s* \\*["'] {_NAME} \\*["'] \s*,\s* (?= {_OPENS} )""",
    re.VERBOSE,
)
#: Calls whose positional strings are a user and a password, or a token.
LOGIN = re.compile(
    r"""(?:\b(?:\w*login|log_in|signin|authenticate|set_password|\w*[bB]asic_?[aA]uth|\w*DigestAuth)
    |\bauth\s*=\s*)\(\s*(?:key\s*=\s*)?""",
    re.VERBOSE,
)

#: A line of a cell that is for a shell or for IPython's environment.
SHELL_LINE = re.compile(r"^\s*(?:[!%]|\w+\s*=\s*[!%])")
SHELL_CELL = re.compile(r"^\s*%%(?:bash|sh|script|system|!|env|writefile|cmd)\b")
#: ``NAME=value`` and ``name: value`` of settings, to the end of the value.
SETTING = re.compile(
    rf"""(?<![\w-]) (?:--?)? {_NAME} ["']? \s*[=:]\s* ["']?
    (?P<value> [^\s"'#;&|,)}}\]][^\n"'#;&|]* )""",
    re.VERBOSE,
)
#: ``--name value``, ``%env NAME value``, and ``password value`` of a ``.netrc``.
WORD = re.compile(
    rf"""(?: --? | ^\s*%env\s+ | \bENV\s+ | (?<=\s)(?=password\s) ) {_NAME} \s+
    (?P<value>[^\s"'=:-][^\s"']*)""",
    re.VERBOSE,
)
#: ``curl -u anna:password``, ``docker login -p password``.
CLI_LOGIN = re.compile(r"((?:-u|--user)[ =]['\"]?[^\s:'\"]+:|\blogin\b.*?\s-p\s*)([^\s'\"]+)")

QUERY = re.compile(r"(?<=[?&;])(?P<name>[\w.-]{1,80})=(?P<value>[^&\s\"'<>;\\]+)")
USER = re.compile(
    r"(?<=://)(?P<user>[^\s/:@\"'<>?#\\]{0,200})(?::(?P<password>[^\s/\"'<>\\]{0,400}))?@(?=\S)"
)
HEADER = re.compile(r"\b(Bearer|Basic|Token|token)(\s+)(?![{$<\[])[A-Za-z0-9._~+/=-]{12,}")
#: Keys of the climate data stores: ``key: 12345:0f3c…`` or a bare UUID.
CDS_KEY = re.compile(
    r"""(\bkey\\?["']?\s*[=:]\s*\\?["']?)
    (?:\d+:)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}""",
    re.VERBOSE,
)
PRIVATE_KEY = re.compile(
    r"-----BEGIN (?P<kind>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----(?P<body>.*?)"
    r"(?P<end>-----END (?P=kind)-----|\Z)",
    re.DOTALL,
)
#: A line of a key, of which a diff may show no beginning.
KEY_LINE = re.compile(r"^([+\- ]?\s*[\"']?)(?![0-9a-fA-F]+\b)[A-Za-z0-9+/]{64,76}$", re.MULTILINE)
SHAPES = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:
      (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}                          # AWS
    | eyJ[\w-]{6,}\.eyJ[\w-]{4,}\.[\w-]*                           # JSON Web Token
    | gh[pousr]_[A-Za-z0-9]{30,} | github_pat_\w{22,}              # GitHub
    | gl(?:pat|cbt|rt|dt)-[\w-]{20,}                               # GitLab
    | xox[abeprs]-[\w-]{10,}                                       # Slack
    | hf_[A-Za-z0-9]{30,}                                          # Hugging Face
    | sk-[\w-]{20,} | sk_live_\w{20,}                              # model services, Stripe
    | AIza[\w-]{35} | ya29\.[\w-]{20,}                             # Google
    | pypi-[\w-]{50,} | npm_[A-Za-z0-9]{36}                        # registries
    | dapi[0-9a-f]{32}                                             # Databricks
    )(?![A-Za-z0-9_])""",
    re.VERBOSE,
)
#: Values that stand for a secret and are none: ``<token>``, ``$TOKEN``, ``{token}``, ``[PAD]``.
PLACEHOLDER = re.compile(
    r"""\s*(?: | \.{3} | [*xX.]+ | <\|?/?[\w ]+\|?/?> | \[[^\[\]]*\] | \$\w+ | \$?\{+[^{}]*\}+
    | %\(?\w+\)?s? | (?:[Nn]one|[Nn]ull|NULL|[Tt]rue|[Ff]alse|nan) )\s*""",
    re.VERBOSE,
)
#: What makes a closer look at a text worth it; most cells have none of it.
MAY_HOLD = re.compile(
    r"secret|token|pass|pwd|key|auth|credential|login|signin|://|bearer|basic|eyJ|jwt|\bp(?:at|w)\b"
    r"|sig|A[KSBC][IC]A|gh[pousr]_|github_pat|gl(?:pat|cbt|rt|dt)-|xox|hf_|sk[-_]|AIza|ya29"
    r"|pypi-|npm_|dapi|_pw|_pat|xsrf",
    re.IGNORECASE,
)
