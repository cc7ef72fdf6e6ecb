"""Specs from text and mappings, and back."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import yaml

from ..errors import SpecError
from .consistency import check_consistency
from .messages import spec_error
from .secrets import refuse_secrets
from .training import SCHEMA_VERSION, TrainingSpec


class _Loader(yaml.SafeLoader):
    """Reads 1e-3 as the number that it is in JSON and in YAML 1.2; PyYAML takes it for text."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+"),
    list("-+0123456789"),
)


def load_spec(data: bytes | str | dict[str, Any]) -> TrainingSpec:
    """Read a spec from JSON, YAML or a mapping.

    Raises
    ------
    SpecError
        The text is not YAML, or a field is missing, unknown, of the wrong type or
        out of range; ``field`` holds its dotted path.
    """
    if not isinstance(data, dict):
        data = _parse_yaml(data)
    refuse_secrets(data)
    try:
        spec = msgspec.convert(_upgraded(data), TrainingSpec)
    except msgspec.ValidationError as error:
        raise spec_error(error) from None
    check_consistency(spec)
    return spec


def _upgraded(data: dict[str, Any]) -> dict[str, Any]:
    """Return `data` as a spec of the present version has it.

    Up to version 2 a model named its framework as well, which its class tells.
    """
    model = data.get("model")
    if isinstance(model, dict) and model.get("framework") == "sklearn":
        kept = {name: value for name, value in model.items() if name != "framework"}
        return {**data, "model": kept, "schema_version": SCHEMA_VERSION}
    return data


def dump_yaml(spec: TrainingSpec) -> str:
    """Return the spec as YAML, fields in the order of the class; ``load_spec`` reads it back."""
    return msgspec.yaml.encode(spec).decode()


def to_dict(spec: TrainingSpec) -> dict[str, Any]:
    """Return the spec as plain JSON-ready builtins."""
    built: dict[str, Any] = msgspec.to_builtins(spec)
    return built


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of :class:`TrainingSpec`, from which the launch form is made."""
    return msgspec.json.schema(TrainingSpec)


def _parse_yaml(text: bytes | str) -> dict[str, Any]:
    # YAML is a superset of JSON, so one parser reads both.
    try:
        data = yaml.load(text, _Loader)  # noqa: S506 - it makes data only, as its base does
    except (yaml.YAMLError, UnicodeDecodeError) as error:
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
