"""What msgspec says, as a sentence and a field path."""

from __future__ import annotations

import re

import msgspec

from ..errors import SpecError

#: What a person calls msgspec's types.
_WORDS = {
    "object": "a group of fields",
    "array": "a list",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "empty",
}


def spec_error(error: msgspec.ValidationError) -> SpecError:
    """Turn msgspec's ``... - at `$.split.sizes` `` into a sentence and a field path."""
    text = str(error)
    message, _, path = text.partition(" - at ")
    # `[...]` is any value of a mapping: the field that a form has is the mapping itself.
    field = re.sub(r"\[(\d+)\]", r".\1", path.strip("`").removesuffix("[...]"))
    field = field.replace("[...]", "").removeprefix("$").strip(".")
    missing = re.search(r"missing required field `(\w+)`", message)
    unknown = re.search(r"unknown field `(\w+)`", message)
    name = missing or unknown
    if name:
        field = f"{field}.{name.group(1)}".strip(".")
    types = re.fullmatch(r"Expected `([^`]+)`, got `([^`]+)`", message)
    if missing:
        return SpecError(f"'{missing.group(1)}' is missing.", field=field, hint="Fill it in.")
    if unknown:
        return SpecError(
            f"There is no field '{unknown.group(1)}' here.",
            field=field,
            hint="Remove it or correct its spelling.",
        )
    if types:
        message = f"This must be {_in_words(types.group(1))}, not {_in_words(types.group(2))}"
    return SpecError(
        f"{message}.",
        field=field or None,
        hint="Compare with the YAML that the launch form shows.",
    )


def _in_words(types: str) -> str:
    return " or ".join(_WORDS.get(name, name) for name in types.split(" | "))
