"""JSON Schema of an estimator's parameters, from scikit-learn's own constraints."""

from __future__ import annotations

import inspect
import math
import re
from numbers import Integral, Real
from typing import Any

_SENTENCE = re.compile(r"^(.+?[.:])(?:\s|$)", re.DOTALL)
_NONE = {"title": "None", "type": "null"}
_PARAMETER = re.compile(r"^ {0,4}(\w+(?:, \w+)*) ?:.*$")


def params_schema(cls: type, *, skip: set[str]) -> dict[str, Any]:
    """Return the JSON Schema of the constructor's parameters.

    Parameters
    ----------
    cls : type
        A scikit-learn estimator.
    skip : set of str
        Parameters that a form does not offer.

    Returns
    -------
    dict
        An object schema. Constraints without a JSON form (callables, objects) are left out,
        and so is a parameter that has no other or whose default has none.
    """
    constraints = getattr(cls, "_parameter_constraints", {})
    texts = _descriptions(cls)
    properties = {}
    parameters = {} if cls.__init__ is object.__init__ else inspect.signature(cls).parameters  # type: ignore[misc]
    for name, parameter in parameters.items():
        if name in skip or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        declared = constraints.get(name, "no_validation")
        options = [] if isinstance(declared, str) else _options(declared)
        usable, default = _json_default(parameter.default)
        # "warn" and "deprecated" are scikit-learn's marks of defaults that will go.
        if not options or not usable or parameter.default in ("deprecated", "warn"):
            continue
        if default is None and _NONE not in options:
            options.append(_NONE)
        schema: dict[str, Any] = {"title": name}
        if name in texts:
            schema["description"] = texts[name]
        if len(options) == 1:
            schema.update({k: v for k, v in options[0].items() if k != "title"})
        else:
            schema["anyOf"] = options
        schema["default"] = default
        properties[name] = schema
    return {
        "type": "object",
        "title": cls.__name__,
        "properties": properties,
        "additionalProperties": False,
    }


def summary_of(cls: type) -> str:
    """Return the first sentence of the class's docstring."""
    text = inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0]
    return " ".join(text.split())


def _options(declared: list[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for constraint in declared:
        option = _option(constraint)
        if option is not None and option not in found:
            found.append(option)
    return found


def _option(constraint: Any) -> dict[str, Any] | None:
    from sklearn.utils._param_validation import Interval, Options, StrOptions

    if constraint is None:
        return _NONE
    if isinstance(constraint, Interval):
        return _interval(constraint)
    if isinstance(constraint, StrOptions):
        # scikit-learn keeps spellings that it will remove in `deprecated`.
        words = sorted(constraint.options - constraint.deprecated)
        return {"title": "Choice", "type": "string", "enum": words}
    if isinstance(constraint, Options):
        values = sorted(v for v in constraint.options if isinstance(v, (int, float)))
        return {"title": "Choice", "enum": values} if values else None
    return _plain(constraint)


def _plain(constraint: Any) -> dict[str, Any] | None:
    if isinstance(constraint, str):
        words: dict[str, dict[str, Any]] = {
            "boolean": {"title": "Yes or no", "type": "boolean"},
            "array-like": {"title": "List", "type": "array", "items": {"type": "number"}},
            "cv_object": {"title": "Folds", "type": "integer", "minimum": 2},
        }
        return words.get(constraint)
    if constraint in (bool, int, Integral):
        kind = "boolean" if constraint is bool else "integer"
        return {"title": kind.capitalize(), "type": kind}
    if constraint in (float, Real):
        return {"title": "Number", "type": "number"}
    if constraint is str:
        return {"title": "Text", "type": "string"}
    return None


def _interval(interval: Any) -> dict[str, Any]:
    integer = interval.type is Integral
    option: dict[str, Any] = {
        "title": "Integer" if integer else "Number",
        "type": "integer" if integer else "number",
    }
    low, high = interval.left, interval.right
    if low is not None and math.isfinite(low):
        closed = interval.closed in ("left", "both")
        option["minimum" if closed else "exclusiveMinimum"] = low
    if high is not None and math.isfinite(high):
        closed = interval.closed in ("right", "both")
        option["maximum" if closed else "exclusiveMaximum"] = high
    return option


def _json_default(value: Any) -> tuple[bool, Any]:
    """Return whether `value` has a JSON form, and that form."""
    if isinstance(value, tuple | list):
        parts = [_json_default(item) for item in value]
        return all(usable for usable, _ in parts), [item for _, item in parts]
    if value is None or isinstance(value, bool | int | str):
        return True, value
    if isinstance(value, float):
        # Python's float, also of a numpy default.
        return math.isfinite(value), float(value)
    return False, None


def _descriptions(cls: type) -> dict[str, str]:
    """Return the first sentence on each parameter in the numpydoc docstring of `cls`."""
    found: dict[str, str] = {}
    body = inspect.cleandoc(cls.__doc__ or "").partition("Parameters\n----------\n")[2]
    name: str | None = None
    lines: list[str] = []
    for line in [*body.split("\n"), "end : of the section"]:
        if line.startswith("---"):
            break
        head = _PARAMETER.match(line) if line and not line.startswith(" ") else None
        if head is None:
            lines.append(line.strip())
            continue
        if name is not None:
            text = " ".join(" ".join(lines).split())
            sentence = _SENTENCE.match(text)
            found[name] = (sentence.group(1) if sentence else text)[:300].replace("``", "")
        name, lines = head.group(1), []
    return found
