"""Names of models, versions and aliases, checked before the store sees them."""

from __future__ import annotations

import re

from jupyter_mlkit.errors import InvalidInputError, NotFoundError

_ALIAS = re.compile(r"[\w-]+")
_RESERVED = re.compile(r"v[0-9]+", re.IGNORECASE)
_LONGEST_ALIAS = 255
_LONGEST_NAME = 250
_LARGEST_VERSION = 2**31


def check_new_name(name: str) -> None:
    """Raise where MLflow would not take `name` for a registered model.

    Anything else may stand in it: spaces, percent signs, umlauts.
    """
    bad = None
    if not name.strip():
        bad = "A registered model needs a name."
    elif len(name) > _LONGEST_NAME:
        bad = f"The name is longer than {_LONGEST_NAME} characters."
    elif any(letter in "/:" or ord(letter) < 32 for letter in name):
        bad = "The name of a registered model holds no '/', no ':' and no control characters."
    elif name.strip(".") == "" or name != name.strip():
        bad = "The name is not only dots and has no space at its ends."
    if bad is not None:
        raise InvalidInputError(bad, field="name", hint="For example: lst-surface")


def check_version(name: str, version: str) -> None:
    """Raise `NotFoundError` for what cannot be a version's number."""
    if not (version.isascii() and version.isdigit() and int(version) < _LARGEST_VERSION):
        raise NotFoundError(
            f"Version {version[:20]!r} of model {name!r} does not exist.", field="version"
        )


def check_new_alias(alias: str) -> None:
    """Raise where MLflow would not take `alias`."""
    bad = None
    if not _ALIAS.fullmatch(alias):
        bad = "An alias has letters, digits, '_' and '-' only."
    elif len(alias) > _LONGEST_ALIAS:
        bad = f"An alias has at most {_LONGEST_ALIAS} characters."
    elif alias.lower() == "latest":
        bad = "The alias 'latest' is reserved: it always means the newest version."
    elif _RESERVED.fullmatch(alias):
        bad = f"The alias {alias!r} would be mistaken for a version's number."
    if bad is not None:
        raise InvalidInputError(bad, field="alias", hint="For example: champion")
