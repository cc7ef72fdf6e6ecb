"""The distance that is kept free around what is held out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import SpecError
from ..grids.sizes import Kind, Size, parse_size
from .distance import EARTH_RADIUS


@dataclass(frozen=True)
class Buffer:
    """Train cells within both distances of a held-out cell are removed, and validation near test.

    Distance is the great circle on longitude and latitude, Euclidean in a CRS, and the span of
    time. What is not given is zero: the same place, the same time. It is measured to the
    block, box or area that is held out, not to its cells, so that no crop changes a role.

    Parameters
    ----------
    space : str, optional
        ``"500 km"``, or ``"2 deg"`` of great circle.
    time : str, optional
        ``"16D"``.

    Raises
    ------
    SpecError
        Neither is given, or one cannot be read.
    """

    space: str | None = None
    time: str | None = None

    def __post_init__(self) -> None:
        if self.space is None and self.time is None:
            raise SpecError(
                "A buffer needs a distance in space or in time.",
                hint="For example space: 500 km, time: 16D.",
                field="split.buffer",
            )
        for name, kinds in (("space", ("length", "angle", "plain")), ("time", ("time",))):
            text, where = getattr(self, name), f"split.buffer.{name}"
            if text is None:
                continue
            size = parse_size(text, field=where)
            if size.kind not in kinds:
                raise SpecError(
                    f"'{text}' is no distance in {name}.",
                    hint="For example 500 km." if name == "space" else "For example 16D.",
                    field=where,
                )
            object.__setattr__(self, name, str(size))

    def reach(self, kind: Kind) -> float:
        """Return the distance in space in the units of a horizontal axis of `kind`.

        Degrees of arc where it is an angle.
        """
        if self.space is None:
            return 0.0
        size = parse_size(self.space)
        if kind == "angle":
            return math.degrees(size.value / EARTH_RADIUS) if size.kind == "length" else size.value
        if size.kind == "angle":
            raise SpecError(
                f"A buffer of '{self.space}' does not fit a grid in metres.",
                hint="Give it in m or km.",
                field="split.buffer.space",
            )
        return size.value

    @property
    def days(self) -> float:
        """The distance in time in days."""
        return 0.0 if self.time is None else parse_size(self.time).value

    def to_dict(self) -> dict[str, str]:
        """Return the distances that are given."""
        given = {"space": self.space, "time": self.time}
        return {name: text for name, text in given.items() if text is not None}

    @classmethod
    def from_dict(cls, rule: Mapping[str, Any] | None) -> Buffer | None:
        """Read what :meth:`to_dict` returned, or None."""
        return None if rule is None else cls(rule.get("space"), rule.get("time"))


def size_of_span(text: str, where: str) -> Size:
    """Read a span of time such as ``"16D"``.

    Raises
    ------
    SpecError
    """
    size = parse_size(text, field=where)
    if size.kind != "time":
        raise SpecError(f"'{text}' is no span of time.", hint="Write '16D' or '6h'.", field=where)
    return size
