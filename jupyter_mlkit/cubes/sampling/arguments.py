"""What a sampler and its loaders are given has the type that they need, or an error says so."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import InvalidInputError


def wrong(field: str, value: Any, wanted: str, hint: str | None = None) -> InvalidInputError:
    """Return the error of an argument of the wrong type.

    Parameters
    ----------
    field : str
        Name of the argument.
    value : object
    wanted : str
        What it should be: ``"a whole number"``.
    hint : str, optional
    """
    kind = type(value).__name__
    given = repr(value) if isinstance(value, (str, bool, int, float)) else f"of type {kind}"
    return InvalidInputError(
        f"{field} is {given}, and should be {wanted}.",
        hint=hint or f"Give {wanted}.",
        code="wrong_type",
        field=field,
    )


def whole(field: str, value: Any, least: int | None = None) -> int:
    """Return a whole number as an int."""
    wanted = "a whole number" + ("" if least is None else f", {least} or more")
    try:
        found = operator.index(value)
    except TypeError:
        raise wrong(field, value, wanted) from None
    if isinstance(value, (bool, np.bool_)) or (least is not None and found < least):
        raise wrong(field, value, wanted)
    return found


def number(field: str, value: Any, low: float = -np.inf, high: float = np.inf) -> float:
    """Return a number within bounds as a float."""
    bounded = "" if low == -np.inf and high == np.inf else f" from {low:g} to {high:g}"
    real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not real or not low <= float(value) <= high:
        raise wrong(field, value, f"a number{bounded}")
    return float(value)


def flag(field: str, value: Any) -> bool:
    """Return True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise wrong(field, value, "True or False")
    return bool(value)


def names(field: str, value: Any) -> tuple[str, ...]:
    """Return several names as a tuple."""
    hint = f"Give a list of names: {field}=['{value}']." if isinstance(value, str) else None
    if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
        raise wrong(field, value, "a list of names", hint)
    found = tuple(value)
    for name in found:
        if not isinstance(name, str):
            raise wrong(field, name, "a list of names")
    return found


def cells(field: str, value: Any) -> dict[str, int]:
    """Return cells by dim; no value is none."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise wrong(
            field, value, "a mapping of dims to cells", f"Give cells by dim: {field}={{'lat': 64}}."
        )
    return {str(dim): whole(f"{field}.{dim}", size) for dim, size in value.items()}


def lags_of(value: Any) -> Mapping[str, int | list[int]] | list[int] | None:
    """Return lags as whole numbers, none of which looks ahead.

    Raises
    ------
    InvalidInputError
        ``wrong_type``, or ``negative_lag``.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {
            str(name): _lag(found) if not _several(found) else [_lag(lag) for lag in found]
            for name, found in value.items()
        }
    if not _several(value):
        raise wrong("lags", value, "a list of steps", "Give all of them: lags=[0, 1, 2].")
    return [_lag(lag) for lag in value]


def _several(value: Any) -> bool:
    return isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str)


def _lag(value: Any) -> int:
    found = whole("lags", value)
    if found < 0:
        raise InvalidInputError(
            f"A lag of {found} takes a feature {-found} steps after its target: what is not known "
            "yet when the target is to be predicted.",
            hint="Lags count steps back: 0, 1, 2. To predict a target later than its features, "
            f"give lead={-found}.",
            code="negative_lag",
            field="lags",
        )
    return found


def lead_of(value: Any) -> int:
    """Return the steps of a lead.

    Raises
    ------
    InvalidInputError
        ``wrong_type``, or ``negative_lead``.
    """
    if value is None:
        return 0
    if isinstance(value, str):
        raise wrong("lead", value, "a number of time steps", "Count steps of the cube: lead=1.")
    found = whole("lead", value)
    if found < 0:
        raise InvalidInputError(
            f"A lead of {found} takes features {-found} steps after the target.",
            hint=f"To predict a target from earlier features give lead={-found}; for features of "
            "some steps before, lags=[0, 1, 2].",
            code="negative_lead",
            field="lead",
        )
    return found


def require_sampler(field: str, value: Any) -> None:
    """Raise ``wrong_type`` where a loader is given anything but a sampler."""
    from .sampler import Sampler

    if not isinstance(value, Sampler):
        raise wrong(
            field, value, "a Sampler", "Make one: Sampler(ds, ['t2m'], 'lst', split=split)."
        )
