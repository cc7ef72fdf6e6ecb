"""Features of a spec as variables of the cube: computed ones are added, lazily."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

import xarray as xr

from ...errors import SpecError
from . import mlkit_features
from .units import units_of

T = TypeVar("T")


def derive(ds: xr.Dataset, features: Sequence[str]) -> xr.Dataset:
    """Return `ds` with every computed feature as a lazy variable, named by its text.

    A feature is a variable; an expression over variables, such as ``sqrt(u10**2 + v10**2)`` or
    ``where(lai > 1, t2m, 0)``; ``lag(x, '8D')`` (the value at the time that lies exactly 8 days
    before) or ``lag(x, 2)`` (two time steps before, missing where steps are missing between, as
    :func:`.mlkit_features.runs_of` knows it); ``doy_sin``, ``doy_cos``, ``hour_sin``,
    ``hour_cos``, ``month``, ``year``; ``lat`` or ``lon``, whatever the cube calls them. Variables
    without time are broadcast by whoever reads them. A value is missing where anything that it
    is computed from is; ``fillna(x, 0)`` and ``isnan(x)`` say otherwise.

    Parameters
    ----------
    ds : xarray.Dataset
    features : sequence of str

    Returns
    -------
    xarray.Dataset
        float32 (float64 where a source is); units where they follow. Dask arrays stay dask
        arrays, anything else is computed chunk by chunk when it is read.

    Raises
    ------
    SpecError
        A feature cannot be computed; ``field`` is ``features``.
    """
    known = set(map(str, ds.variables))
    found = _checked(lambda: mlkit_features.derive(ds, features))
    for text in features:
        if text in known:
            continue
        variable = found[text]
        variable.attrs["long_name"] = text
        units = units_of(text, {name: str(ds[name].attrs.get("units", "")) for name in known})
        if units is not None:
            variable.attrs["units"] = units
        chunks = _chunks(ds, text, variable)
        if chunks is not None:
            variable.encoding["preferred_chunks"] = chunks
    return found


def required_variables(features: Iterable[str], known: Collection[str] = ()) -> list[str]:
    """Return the names that `features` read, each once, calendar features left out.

    Parameters
    ----------
    features : iterable of str
    known : collection of str
        Names of the cube's variables: a feature that is one is not parsed, and one that is named
        like a calendar feature is a variable.

    Raises
    ------
    SpecError
        A feature is no expression; ``field`` is ``features``.
    """
    names = [
        name
        for text in features
        for name in _checked(lambda text=text: mlkit_features.names_in(text, known))  # type: ignore[misc]
        if name in known or name not in mlkit_features.CALENDAR
    ]
    return list(dict.fromkeys(names))


def with_lead(ds: xr.Dataset, features: Sequence[str], lead: str | None) -> list[str]:
    """Return `features` as they were `lead` before, ``lag(feature, 'lead')`` each.

    What does not vary in time, and what is known ahead (calendar, place), stays as it is.

    Parameters
    ----------
    ds : xarray.Dataset
    features : sequence of str
    lead : str or None
        ``"8D"``; None leaves all features as they are.

    Raises
    ------
    SpecError
        A feature or the lead cannot be read; ``field`` is ``features`` or ``lead``.
    """
    if lead is None:
        return list(features)
    try:
        mlkit_features.lag_of(ast.Constant(lead))
    except ValueError:
        raise SpecError(
            f"'{lead}' is not a lead time.",
            hint="Write a length of time: '8D', '6h'.",
            field="lead",
        ) from None
    return [
        f"lag({text if _parses(text) else repr(text)}, '{lead}')" if _varies(ds, text) else text
        for text in features
    ]


def _varies(ds: xr.Dataset, text: str) -> bool:
    """Return whether a feature reads a variable, not only a coordinate, that has a time."""
    from ..grids.grid import grid_of

    time = grid_of(ds).time
    names = required_variables([text], set(map(str, ds.variables)))
    return any(name in ds.data_vars and time in ds[name].dims for name in names)


def _parses(text: str) -> bool:
    """Return whether `text` may stand in an expression as it is."""
    try:
        mlkit_features.parse(text)
    except ValueError:
        return False
    return True


def _chunks(ds: xr.Dataset, text: str, variable: xr.DataArray) -> dict[str, int] | None:
    """Return the stored chunks of a source with all dims, which reading goes best by."""
    for name in required_variables([text], set(map(str, ds.variables))):
        chunks = ds[name].encoding.get("preferred_chunks") if name in ds.variables else None
        if chunks and ds[name].dims == variable.dims:
            return dict(chunks)
    return None


def _checked(work: Callable[[], T]) -> T:
    try:
        return work()
    except ValueError as error:
        raise SpecError(
            str(error),
            hint="Write a variable, an expression such as 'sqrt(u10**2 + v10**2)', "
            "or lag(name, '8D').",
            field="features",
        ) from None
