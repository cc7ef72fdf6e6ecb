"""Specs from text and mappings, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from .consistency import check_consistency
from .messages import spec_error
from .secrets import refuse_secrets
from .text import read_yaml, write_yaml
from .training import SCHEMA_VERSION, TrainingSpec


def load_spec(data: bytes | str | dict[str, Any]) -> TrainingSpec:
    """Read a spec from JSON, YAML or a mapping.

    Raises
    ------
    SpecError
        The text is not YAML, or a field is missing, unknown, of the wrong type or
        out of range; ``field`` holds its dotted path.
    """
    if not isinstance(data, dict):
        data = read_yaml(data)
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
    return write_yaml(to_dict(spec))


def to_dict(spec: TrainingSpec) -> dict[str, Any]:
    """Return the spec as plain JSON-ready builtins."""
    built: dict[str, Any] = msgspec.to_builtins(spec)
    return built


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of :class:`TrainingSpec`, from which the launch form is made."""
    return msgspec.json.schema(TrainingSpec)
