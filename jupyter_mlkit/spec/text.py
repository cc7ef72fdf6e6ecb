"""Specs as YAML, in the spelling of YAML 1.2: 1e-3 is a number, and a date is text."""

from __future__ import annotations

import re
from typing import Any

import yaml

from ..errors import SpecError

_FLOAT, _TIMESTAMP = "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp"
#: A number that PyYAML, which reads YAML 1.1, takes for text.
_EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+")
#: Up to this version specs were written by the rules of YAML 1.1: there 12e5 is a name.
_OLDER = 2


class _OlderLoader(yaml.SafeLoader):
    """Makes data only, as its base does, and no dates: a spec has them as text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML declares it so
        first: [(tag, pattern) for tag, pattern in known if tag != _TIMESTAMP]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _Loader(_OlderLoader):
    """Knows numbers with an exponent alone."""


class _Dumper(yaml.SafeDumper):
    """Quotes a text that :class:`_Loader` would take for a number."""


for _kind in (_Loader, _Dumper):
    _kind.add_implicit_resolver(_FLOAT, _EXPONENT, list("-+0123456789"))


def write_yaml(data: dict[str, Any]) -> str:
    """Return `data` as YAML, in its order; :func:`read_yaml` reads it back."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text


def read_yaml(text: bytes | str) -> dict[str, Any]:
    """Read YAML or JSON, of which YAML is a superset.

    Raises
    ------
    SpecError
        It is neither, or no mapping.
    """
    try:
        data = yaml.load(text, _Loader)  # noqa: S506 - see _OlderLoader
        if isinstance(data, dict) and data.get("schema_version") in range(1, _OLDER + 1):
            data = yaml.load(text, _OlderLoader)  # noqa: S506 - see there
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecError(
            f"The spec is neither YAML nor JSON: {error}.",
            hint="Check the indentation near the place named above.",
        ) from None
    if not isinstance(data, dict):
        raise SpecError(
            f"A spec is a mapping of fields, this is a {type(data).__name__}.",
            hint="Start from the YAML that the launch form shows.",
        )
    return data
