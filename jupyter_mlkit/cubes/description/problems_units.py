"""Units that contradict each other or the values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...models import ErrorBody
from .statistics import Drawn

_UNITS = {
    **dict.fromkeys(("k", "kelvin", "kelvins", "degk", "deg_k", "degree_kelvin"), "K"),
    **dict.fromkeys(
        ("degc", "deg_c", "celsius", "°c", "c", "degree_celsius", "degrees_celsius", "degree_c"),
        "degC",
    ),
    **dict.fromkeys(("degf", "fahrenheit", "°f", "degree_fahrenheit"), "degF"),
    **dict.fromkeys(("pa", "pascal", "n m-2"), "Pa"),
    **dict.fromkeys(("hpa", "mbar", "millibar", "mb"), "hPa"),
    "kpa": "kPa",
    **dict.fromkeys(("1", "", "fraction", "unitless", "dimensionless", "m3 m-3", "m3/m3"), "1"),
    **dict.fromkeys(("%", "percent"), "%"),
}
_TEMPERATURES = ("tas", "t2m", "sst", "lst", "tasmin", "tasmax", "skt", "d2m")
_DIFFERENCES = ("anomaly", "difference", "tendency", "trend", "change", "uncertainty", "error")
_SHARES = ("fraction", "relative_humidity", "cloud_cover", "area_fraction", "albedo")
_PRESSURES = ("surface_air_pressure", "air_pressure_at_mean_sea_level", "air_pressure_at_sea_level")


@dataclass(frozen=True)
class _Range:
    """Where the median of a quantity lies in some units, and what it looks like beyond."""

    low: float
    high: float
    below: str | None = None
    above: str | None = None


#: Climate of the Earth, from the stratosphere to hot soil.
_MEDIANS: dict[tuple[str, str], _Range] = {
    ("temperature", "K"): _Range(150, 400, below="degC"),
    ("temperature", "degC"): _Range(-110, 120, above="K"),
    ("pressure", "Pa"): _Range(3e4, 1.1e5, below="hPa"),
    ("pressure", "hPa"): _Range(300, 1100, below="kPa", above="Pa"),
    ("pressure", "kPa"): _Range(30, 110, above="hPa"),
    ("share", "1"): _Range(-0.05, 1.05, above="%"),
    ("share", "%"): _Range(-5, 105),
}


def unit_problems(ds: xr.Dataset, drawn: Mapping[str, Drawn]) -> Iterator[ErrorBody]:
    """Yield variables of one quantity in several units, and units that do not fit the values.

    Quantities are told by ``standard_name``, else by customary names.
    """
    known = {
        name: (quantity, _UNITS[units])
        for name in drawn
        if (quantity := _quantity(ds[name])) is not None
        and (units := str(ds[name].attrs.get("units", "?")).strip().lower()) in _UNITS
    }
    yield from _mixed({name: unit for name, (kind, unit) in known.items() if kind == "temperature"})
    for name, key in known.items():
        expected = _MEDIANS.get(key)
        if expected is None or not drawn[name].values.size:
            continue
        middle = float(np.median(drawn[name].values))
        if expected.low <= middle <= expected.high:
            continue
        looks = expected.below if middle < expected.low else expected.above
        yield ErrorBody(
            message=f"'{name}' says that it is in {key[1]}, but its median is {middle:.4g}"
            + (f": this looks like {looks}." if looks else "."),
            code="implausible_units",
            hint="Correct its units, or convert it.",
            field=name,
        )


def _mixed(units: Mapping[str, str]) -> Iterator[ErrorBody]:
    groups: dict[str, list[str]] = {}
    for name, unit in units.items():
        groups.setdefault(unit, []).append(name)
    if len(groups) < 2:
        return
    parts = [f"{_listed(names)} in {unit}" for unit, names in groups.items()]
    rarest = min(groups.values(), key=len)
    yield ErrorBody(
        message=f"Temperatures have several units: {', '.join(parts)}.",
        code="mixed_units",
        hint="Their differences and errors do not compare: convert them to one unit.",
        field=rarest[0],
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _quantity(variable: xr.DataArray) -> str | None:
    name = str(variable.name).lower()
    standard = str(variable.attrs.get("standard_name", "")).lower()
    said = standard or name
    described = f"{said} {name} {variable.attrs.get('long_name', '')}".lower()
    if any(word in described for word in _DIFFERENCES):
        return None
    if "temperature" in said or (not standard and name in _TEMPERATURES):
        return "temperature"
    if said in _PRESSURES:
        return "pressure"
    return "share" if any(word in said for word in _SHARES) else None
