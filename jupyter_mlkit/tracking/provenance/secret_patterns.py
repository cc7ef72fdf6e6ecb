"""How secrets look, and where values stand that may be one: patterns for ``secrets``."""

from __future__ import annotations

import re

# Names are bounded, so that no text makes a search slow.
_NAME = r"(?P<name>[A-Za-z_][\w-]{0,80}(?:\.[A-Za-z_][\w-]{0,80}){0,8})"
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
#: With a digit: ``Basic authentication`` is none.
HEADER = re.compile(
    r"\b(Bearer|Basic|Token|token)([ \t]+)(?=[^\s\"']*\d)[A-Za-z0-9._~+/-][A-Za-z0-9._~+/=-]{7,}"
)
#: Keys of the climate data stores: ``key: 12345:0f3c…`` or a bare UUID.
CDS_KEY = re.compile(
    r"""(\bkey\\?["']?\s*[=:]\s*\\?["']?)
    (?:\d+:)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}""",
    re.VERBOSE,
)
PRIVATE_KEY = re.compile(
    r"-----BEGIN (?P<kind>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----(?P<body>.*?)"
    # Where the end is missing it goes as far as lines may be of a key.
    r"(?P<end>-----END (?P=kind)-----|(?=\n[^\n]*[^\w+/=:,;. \t\"'\\\[\]\n-]|\n[ \t]*\n)|\Z)",
    re.DOTALL,
)
#: A line of a key, of which a diff may show no beginning.
KEY_LINE = re.compile(
    r"^([+\- ]?+[ \t]*+[\"']?+)(?![0-9a-fA-F]+\b)[A-Za-z0-9+/]{64,76}$", re.MULTILINE
)
#: Keys that services make so that they are known by their look.
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
#: What the shapes begin with: most texts have none of it, and need no closer look.
STARTS = (
    *("AKIA", "ASIA", "ABIA", "ACCA", "eyJ", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("glpat-", "glcbt-", "glrt-", "gldt-", "xox", "hf_", "sk-", "sk_live_", "AIza", "ya29."),
    *("pypi-", "npm_", "dapi"),
)
SCHEMES = ("Bearer", "Basic", "Token", "token ")
