"""Writes ``openapi.yaml`` from the live table of handlers: ``python -m jupyter_mlkit.api.openapi``.

With ``--check`` nothing is written; the exit code tells whether the file is current.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from .. import models
from .endpoint import Endpoint, Query
from .routes import NAME, PARAMETERS, PREFIX, handlers

FILE = Path(__file__).with_name("openapi.yaml")
_REF = "#/components/schemas/{name}"


def document() -> dict[str, Any]:
    """Return the API's description as OpenAPI 3.1."""
    classes = {
        name: kind
        for name, kind in sorted(vars(models).items())
        if isinstance(kind, type)
        and issubclass(kind, models.Model | models.Body)
        and kind not in (models.Model, models.Body)
    }
    _, schemas = msgspec.json.schema_components(list(classes.values()), ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jupyter_mlkit",
            "version": "1",
            "description": "Experiment tracking and training on datacubes. Every route "
            "authenticates and asks the server's authorizer; `x-action` and `x-resource` are "
            "what it is asked. Answers that are not 2xx are an ErrorBody. What is no GET is "
            "declared as `Content-Type: application/json`, with or without a body.",
        },
        "servers": [{"url": PREFIX.rstrip("/")}],
        "paths": {
            f"/{handler.path}": _path_item(handler.path, handler.endpoints)
            for handler in sorted(handlers(), key=lambda handler: handler.path)
        },
        "security": [{"token": []}],
        "components": {
            "schemas": {name: schemas[name] for name in sorted(schemas)},
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`token …` with the server's token. A page of the server "
                    "sends its cookie, and the XSRF token in X-XSRFToken.",
                }
            },
        },
    }


def _path_item(path: str, endpoints: dict[str, Endpoint]) -> dict[str, Any]:
    item: dict[str, Any] = {verb: _operation(verb, path, one) for verb, one in endpoints.items()}
    names = re.findall(r"\{(\w+)\}", path)
    if names:
        item["parameters"] = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "pattern": f"^{PARAMETERS.get(name, NAME)}$"},
            }
            for name in names
        ]
    return item


def _operation(verb: str, path: str, declared: Endpoint) -> dict[str, Any]:
    words = [word for word in re.split(r"[/{}_]+", path) if word]
    operation: dict[str, Any] = {
        "operationId": verb + "".join(word.capitalize() for word in words),
        "summary": declared.summary,
        "tags": [declared.resource.removeprefix("mlkit-")],
        "x-action": declared.action,
        "x-resource": declared.resource,
        "responses": {
            str(declared.status): _success(declared),
            "default": {
                "description": "What went wrong",
                "content": _json(models.ErrorBody),
            },
        },
    }
    if declared.query is not None:
        operation["parameters"] = _query_parameters(declared.query)
    if declared.body is not None:
        operation["requestBody"] = {"required": True, "content": _json(declared.body)}
    return operation


def _success(declared: Endpoint) -> dict[str, Any]:
    if declared.binary:
        schema = {"type": "string", "format": "binary"}
        content: dict[str, Any] = {"application/octet-stream": {"schema": schema}}
        return {"description": "The file, as an attachment", "content": content}
    if declared.answer is None:
        return {"description": "Done"}
    return {"description": "Success", "content": _json(declared.answer)}


def _json(kind: type[Struct]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(name=kind.__name__)}}}


def _query_parameters(query: type[Query]) -> list[dict[str, Any]]:
    _, components = msgspec.json.schema_components([query], ref_template=_REF)
    schema = components[query.__name__]
    parameters = []
    for name, value in schema["properties"].items():
        parameter: dict[str, Any] = {"name": name, "in": "query", "schema": dict(value)}
        description = parameter["schema"].pop("description", None)
        if description:
            parameter["description"] = description
        if name in schema.get("required", []):
            parameter["required"] = True
        parameters.append(parameter)
    return parameters


def text() -> str:
    """Return the file's content; the same for the same code."""
    return yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=100)


def main(arguments: list[str] | None = None) -> int:
    """Write or check the file."""
    parser = argparse.ArgumentParser(prog="python -m jupyter_mlkit.api.openapi")
    parser.add_argument("--check", action="store_true", help="only tell whether it is current")
    options = parser.parse_args(arguments)
    wanted = text()
    if options.check:
        current = FILE.exists() and FILE.read_text(encoding="utf-8") == wanted
        if not current:
            sys.stderr.write(f"{FILE} is not current: python -m jupyter_mlkit.api.openapi\n")
        return 0 if current else 1
    FILE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
