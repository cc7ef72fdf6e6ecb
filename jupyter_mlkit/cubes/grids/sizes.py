"""Physical sizes of blocks: ``"2.25 deg"``, ``"20 km"``, ``"80D"``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ...errors import SpecError

Kind = Literal["angle", "length", "time", "plain"]

#: Unit -> kind and factor to degrees, metres or days.
_UNITS: dict[str, tuple[Kind, float]] = {
    **dict.fromkeys(("deg", "degree", "degrees", "°"), ("angle", 1.0)),
    "m": ("length", 1.0),
    "km": ("length", 1000.0),
    **dict.fromkeys(("D", "d", "day", "days"), ("time", 1.0)),
    **dict.fromkeys(("W", "w", "week", "weeks"), ("time", 7.0)),
    **dict.fromkeys(("h", "H", "hour", "hours"), ("time", 1 / 24)),
    **dict.fromkeys(("min", "minute", "minutes"), ("time", 1 / 1440)),
    **dict.fromkeys(("s", "S", "second", "seconds"), ("time", 1 / 86400)),
    "": ("plain", 1.0),
}
_BASE: dict[Kind, str] = {"angle": " deg", "length": " m", "time": "D", "plain": ""}
_CALENDAR = {"M", "ME", "MS", "month", "months", "Y", "YE", "year", "years", "Q"}
_SIZE = re.compile(r"\s*([0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(\S*)\s*")


@dataclass(frozen=True)
class Size:
    """A physical size.

    Attributes
    ----------
    value : float
        In degrees, metres, days, or the coordinate's own unit (``plain``).
    kind : {"angle", "length", "time", "plain"}
    """

    value: float
    kind: Kind

    def __str__(self) -> str:
        return f"{self.value:.10g}{_BASE[self.kind]}"


def parse_size(text: str, *, field: str | None = None) -> Size:
    """Read a size such as ``"2.25 deg"``, ``"20 km"``, ``"80D"`` or ``"100"``.

    Raises
    ------
    SpecError
        The text is no number with a known unit, or the number is not positive; months and
        years are refused because they have no fixed length.
    """
    match = _SIZE.fullmatch(text)
    number, unit = match.groups() if match else ("", "")
    if unit in _CALENDAR:
        raise SpecError(
            f"'{text}' has no fixed length.",
            hint="Give days, such as '30D' or '365D'.",
            field=field,
        )
    if unit not in _UNITS or number.count(".") > 1 or not re.search(r"\d", number):
        raise SpecError(
            f"'{text}' is not a size.",
            hint="Write a number and a unit: '2.25 deg', '20 km', '80D', '6h'.",
            field=field,
        )
    kind, factor = _UNITS[unit]
    value = float(number) * factor
    if not 0 < value < float("inf"):
        raise SpecError(f"The size '{text}' is not positive.", field=field)
    return Size(value, kind)
