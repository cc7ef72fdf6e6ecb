"""Questions that only the kernel's environment can answer, as JSON lines over stdin and stdout.

One request per line, ``{"id": n, "op": str, "args": {...}}``; one answer per line. The process
ends when its input does. Each operation imports only what it needs.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import IO, Any

import msgspec

from ..errors import InvalidInputError, MLKitError
from ..models import ErrorBody


def serve() -> int:
    """Answer requests until the input ends."""
    answers = _take_stdout()
    for line in sys.stdin.buffer:
        if line.strip():
            answers.write(answer(line) + b"\n")
            answers.flush()
    return 0


def _take_stdout() -> IO[bytes]:
    """Keep the real output for answers and send to stderr whatever a library prints."""
    kept = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout = sys.stderr
    return kept


def answer(line: bytes) -> bytes:
    """Return the answer to one request, an error as an answer too."""
    number: Any = None
    try:
        request = _parse(line)
        number = request.get("id")
        operation = _operation(request.get("op"))
        result = operation(**_arguments(request))
    except MLKitError as error:
        return _failure(number, error)
    except Exception as error:  # noqa: BLE001 - the edge of the process: it answers and goes on
        traceback.print_exc()
        return _failure(number, MLKitError(f"{type(error).__name__}: {error}"))
    return msgspec.json.encode({"id": number, "ok": True, "result": result})


def error_body(error: MLKitError, field: str | None = None) -> ErrorBody:
    """Return `error` as it travels; `field` stands in where the error names none."""
    return ErrorBody(
        message=error.message, code=error.code, hint=error.hint, field=error.field or field
    )


def _failure(number: Any, error: MLKitError) -> bytes:
    return msgspec.json.encode({"id": number, "ok": False, "error": error_body(error)})


def _parse(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise InvalidInputError(f"The request is not JSON: {error}.") from None
    if not isinstance(request, dict):
        raise InvalidInputError("A request is a JSON object.")
    return request


def _arguments(request: dict[str, Any]) -> dict[str, Any]:
    arguments = request.get("args") or {}
    if not isinstance(arguments, dict):
        raise InvalidInputError("The arguments of a request are a JSON object.", field="args")
    return arguments


def _operation(name: Any) -> Callable[..., Any]:
    from . import answers

    operations: dict[str, Callable[..., Any]] = {
        "artifact_cube": answers.artifact_cube,
        "check": answers.check,
        "describe": answers.describe,
        "estimators": answers.estimators,
        "preview": answers.preview,
        "validate": answers.validate,
    }
    if name not in operations:
        raise InvalidInputError(
            f"There is no operation '{name}'.",
            hint=f"There are {', '.join(operations)}.",
            field="op",
        )
    return operations[name]
