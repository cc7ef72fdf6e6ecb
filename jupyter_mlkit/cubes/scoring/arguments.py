"""What scores are given is what they need: arrays with named dims, names, splits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import xarray as xr

from ...errors import InvalidInputError
from ..splits.base import Split


def require_array(name: str, value: Any) -> None:
    """Raise ``not_an_array`` where `value` is no DataArray, saying what to give instead.

    Parameters
    ----------
    name : str
        What it is: ``"prediction"``, ``"truth"``.
    value : object
    """
    if isinstance(value, xr.DataArray):
        return
    if isinstance(value, str):
        hint = f"Give the variable itself, cube['{value}'], or ask the cube: cube.mlkit.score(...)."
    elif isinstance(value, (xr.Dataset, Mapping)):
        held = ", ".join(f"'{key}'" for key in list(value)[:6])
        hint = f"Choose one of its variables: {held}." if held else "Give one variable of a cube."
    else:
        hint = "Give it the cells of the truth: truth.copy(data=values)."
    raise InvalidInputError(
        f"The {name} is {_said(value)}, and no DataArray.",
        hint=hint,
        code="not_an_array",
        field=name,
    )


def require_weights(value: Any) -> None:
    """Raise ``not_an_array`` where `value` holds no weights of cells: an array, or a cube."""
    if value is not None and not isinstance(value, xr.Dataset):
        require_array("weights", value)


def names_of(value: str | Iterable[str], field: str) -> tuple[str, ...]:
    """Return one name or several as a tuple.

    Raises
    ------
    InvalidInputError
        ``not_a_name``.
    """
    if isinstance(value, str):
        return (value,)
    found = tuple(value) if isinstance(value, Iterable) else (value,)
    wrong = [one for one in found if not isinstance(one, str)]
    if wrong:
        raise InvalidInputError(
            f"In {field} there is {_said(wrong[0])}, and no name.",
            hint=f"Give a name or a list of names: {field}='time', {field}=['lat', 'lon'].",
            code="not_a_name",
            field=field,
        )
    return found


def require_split(value: Any) -> None:
    """Raise ``not_a_split`` where `value` gives no cell a role."""
    if value is None or isinstance(value, (Split, xr.DataArray)):
        return
    raise InvalidInputError(
        f"The split is {_said(value)}, and gives no cell a role.",
        hint="Give a split, such as BlockSplit({'lat': '10 deg', 'lon': '10 deg'}), or the roles "
        "that split.assign(cube) returns.",
        code="not_a_split",
        field="split",
    )


def _said(value: Any) -> str:
    kind = type(value).__name__
    return f"'{value}', a {kind}" if isinstance(value, (str, int, float)) else f"of type {kind}"
