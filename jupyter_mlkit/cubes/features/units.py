"""Units of computed features, where they follow from those of the variables."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from . import mlkit_features

#: Functions that keep the units which all their arguments share.
_KEEPING = {"abs", "ceil", "clip", "fillna", "floor", "max", "min"}
_OF_RESULT = {"degrees": "degree", "radians": "radian"}
_FREE = {"isnan", "sign"}


@dataclass(frozen=True)
class Power:
    """A unit to some power; a pure number has the power zero."""

    base: str
    power: Fraction

    def __str__(self) -> str:
        if self.power == 0:
            return "1"
        return self.base if self.power == 1 else f"({self.base})^{self.power}"


_NUMBER = Power("", Fraction(0))
#: What a literal number has: it takes the units of what it is compared with or added to.
_ANY = Power("any", Fraction(1))


def units_of(text: str, units: Mapping[str, str]) -> str | None:
    """Return the units of a feature, None where they are not known.

    Parameters
    ----------
    text : str
        A feature that can be computed.
    units : mapping
        Units by variable, empty where it has none.
    """
    found = _units(mlkit_features.parse(text), units)
    return None if found is None or found == _ANY or found.power.denominator != 1 else str(found)


def _units(node: ast.expr, units: Mapping[str, str]) -> Power | None:
    if isinstance(node, ast.Constant):
        return _ANY
    if isinstance(node, ast.Name):
        return _named(node.id, units)
    if isinstance(node, ast.Compare | ast.BoolOp):
        return _NUMBER
    if isinstance(node, ast.UnaryOp):
        inverted = isinstance(node.op, ast.Not | ast.Invert)
        return _NUMBER if inverted else _units(node.operand, units)
    if isinstance(node, ast.Call):
        return _of_call(node, units)
    return _of_operation(node, units) if isinstance(node, ast.BinOp) else None


def _named(name: str, units: Mapping[str, str]) -> Power | None:
    if name not in units:
        return _NUMBER if name in mlkit_features.CALENDAR else None
    unit = units[name]
    return None if not unit else _NUMBER if unit == "1" else Power(unit, Fraction(1))


def _of_call(node: ast.Call, units: Mapping[str, str]) -> Power | None:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name == "lag":
        first = node.args[0]
        if isinstance(first, ast.Constant):
            return _named(str(first.value), units)
        return _units(first, units)
    parts = [_units(part, units) for part in node.args]
    if name == "where":
        return _shared(parts[1:])
    if name in _KEEPING:
        return _shared(parts)
    if name == "sqrt" and parts[0] is not None and parts[0] != _ANY:
        return Power(parts[0].base, parts[0].power / 2)
    if name in _OF_RESULT:
        return Power(_OF_RESULT[name], Fraction(1))
    return _NUMBER if name in _FREE else None


def _of_operation(node: ast.BinOp, units: Mapping[str, str]) -> Power | None:
    left, right = _units(node.left, units), _units(node.right, units)
    if isinstance(node.op, ast.BitAnd | ast.BitOr):
        return _NUMBER
    if left is None or right is None:
        return None
    if isinstance(node.op, ast.Add | ast.Sub):
        # 't - 273.15' may well turn K into degrees Celsius.
        return left if left == right else None
    if isinstance(node.op, ast.Pow):
        exponent = node.right.value if isinstance(node.right, ast.Constant) else None
        if isinstance(exponent, int) and left != _ANY:
            return Power(left.base, left.power * exponent)
        return None
    if _ANY in (left, right) or not isinstance(node.op, ast.Mult | ast.Div):
        # A factor may convert: 'p / 100' turns Pa into hPa.
        return None
    if left.power and right.power and left.base != right.base:
        return None
    power = left.power + (right.power if isinstance(node.op, ast.Mult) else -right.power)
    return Power(left.base if left.power else right.base, power)


def _shared(parts: list[Power | None]) -> Power | None:
    real = {part for part in parts if part != _ANY}
    return real.pop() if len(real) == 1 else None
