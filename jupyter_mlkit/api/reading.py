"""What comes in: queries and bodies, read strictly into the models that an endpoint declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ..errors import InvalidInputError, TooLargeError
from .endpoint import Query, repeatable
from .limits import MLKitLimits, check_shape

#: Parameters of the server itself, and the time stamp by which Lab avoids caches.
_FOREIGN_QUERY = re.compile(r"no_track_activity|_xsrf|\d+")


class MediaTypeError(InvalidInputError):
    """The request is not declared to be JSON."""

    code = "unsupported_media_type"
    status = 415


def read_query(model: type[Query] | None, arguments: Mapping[str, list[str]]) -> Query | None:
    """Return the parameters of a query; unknown ones are refused."""
    given = {k: values for k, values in arguments.items() if not _FOREIGN_QUERY.fullmatch(k)}
    if model is None:
        if given:
            name = next(iter(given))
            raise InvalidInputError(f"There is no query parameter '{name}' here.", field=name)
        return None
    lists = repeatable(model)
    plain: dict[str, Any] = {}
    for name, values in given.items():
        if name in lists:
            plain[name] = values
        elif len(values) == 1:
            plain[name] = values[0]
        else:
            raise InvalidInputError(f"'{name}' is given more than once.", field=name)
    try:
        return msgspec.convert(plain, model, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error) from None


def check_media_type(content_type: str) -> None:
    """Refuse what is not declared to be JSON.

    A form or a script of another page can send anything else without asking the browser for
    the permission first, so this holds for requests without a body, too.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json":
        raise MediaTypeError(
            f"The request is declared as '{kind or 'nothing'}'.",
            hint="Send it with the header Content-Type: application/json.",
        )


def check_length(announced: str, limits: MLKitLimits) -> None:
    """Refuse a body that is announced to be too large, before any of it is read."""
    if announced.isdecimal() and int(announced) > limits.body_bytes:
        raise TooLargeError(
            f"The body has {announced} bytes, {limits.body_bytes} are read at most."
        )


def read_body(body: bytes, model: type[Struct], limits: MLKitLimits) -> Struct:
    """Return the body as an instance of `model`.

    Raises
    ------
    TooLargeError, InvalidInputError
    """
    if len(body) > limits.body_bytes:  # a stream announces nothing
        raise TooLargeError(f"Of a body {limits.body_bytes} bytes are read at most.")
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise TooLargeError(
            f"Lists and objects are nested more than {limits.depth} deep."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"The body is not JSON: {error}.") from None
    check_shape(value, limits)
    try:
        return msgspec.convert(value, model)
    except msgspec.ValidationError as error:
        raise invalid(error) from None


def invalid(error: msgspec.ValidationError) -> InvalidInputError:
    """Turn msgspec's ``... - at `$.key` `` into a sentence and a field."""
    message, _, path = str(error).partition(" - at ")
    field = re.sub(r"\[(\d+)\]", r".\1", path.strip("`")).removeprefix("$").strip(".")
    named = re.search(r"field `([^`]*)`", message)
    if named:
        field = f"{field}.{named.group(1)}".strip(".")
    return InvalidInputError(f"{message}.", field=field or None)
