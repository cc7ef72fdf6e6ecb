"""The launch form's schema: the spec's JSON Schema in the order in which a person thinks."""

from __future__ import annotations

from typing import Any

from ..models import FormSchema
from ..spec import json_schema

#: The use comes first, for the right split follows from it.
_ORDER = (
    "use",  # What must it predict?
    "sources",  # Data
    "target",
    "features",
    "region",
    "period",
    "mask",
    "split",  # Split
    "scale",
    "model",  # Model, Fit, Track, Where
    "fit",
    "tracking",
    "kernelspec",
    "executor",
    "schema_version",
)


def form_schema() -> FormSchema:
    """Return the schema with the spec at its root, and how a form shows it.

    rjsf wants the properties at the root (msgspec puts all structs under ``$defs``), and it
    follows references from there.
    """
    schema = json_schema()
    parts: dict[str, Any] = schema["$defs"]
    root = parts.pop("TrainingSpec")
    known = [name for name in _ORDER if name in root["properties"]]
    rest = [name for name in root["properties"] if name not in known]
    properties = {name: root["properties"][name] for name in [*known, *rest]}
    ui_schema: dict[str, Any] = {
        "ui:order": [*known, *rest],
        "use": {"ui:widget": "radio"},
        "executor": {"ui:widget": "hidden"},
        "schema_version": {"ui:widget": "hidden"},
    }
    return FormSchema(
        schema={**root, "properties": properties, "$defs": parts}, ui_schema=ui_schema
    )
