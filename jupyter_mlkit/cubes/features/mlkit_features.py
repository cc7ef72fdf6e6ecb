"""Features that are computed from a cube: expressions, lags, calendar and place.

This file stands alone (numpy and xarray), so that it can travel inside a logged model.
It raises ``ValueError`` with a sentence for a person.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends.common import BackendArray
from xarray.core import indexing

MAX_LENGTH, MAX_NODES, MAX_DEPTH = 500, 200, 30

#: What is kept along each dim: a slice or positions.
Box = dict[str, Any]

_ARITHMETIC: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_LOGIC: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    **dict.fromkeys((ast.And, ast.BitAnd), operator.and_),
    **dict.fromkeys((ast.Or, ast.BitOr), operator.or_),
}
_UNARY = (
    *("abs", "arccos", "arcsin", "arctan", "ceil", "cos", "cosh", "degrees", "exp", "expm1"),
    *("floor", "log", "log10", "log1p", "log2", "radians", "sign", "sin", "sinh", "sqrt"),
    *("tan", "tanh"),
)
#: Functions and how many arguments they take.
FUNCTIONS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(_UNARY, (1, 1)),
    "arctan2": (2, 2),
    "clip": (3, 3),
    "fillna": (2, 2),
    "isnan": (1, 1),
    "lag": (2, 2),
    "max": (2, 16),
    "min": (2, 16),
    "where": (3, 3),
}
#: Features that follow from the time of a cell.
CALENDAR = ("doy_sin", "doy_cos", "hour_sin", "hour_cos", "month", "year")
_PLACES = {
    "lat": ("latitude", ("degrees_north", "degree_north")),
    "lon": ("longitude", ("degrees_east", "degree_east")),
}
_LAG = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")
_SECONDS = {
    **dict.fromkeys(("W", "w", "week", "weeks"), 604800.0),
    **dict.fromkeys(("D", "d", "day", "days"), 86400.0),
    **dict.fromkeys(("h", "H", "hour", "hours"), 3600.0),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("s", "S", "second", "seconds"), 1.0),
}


def parse(text: str) -> ast.expr:
    """Return the checked syntax tree of a feature.

    Raises
    ------
    ValueError
        Too long, not an expression, or with anything but names, numbers, arithmetic,
        comparisons, ``and`` / ``or`` / ``not`` and the functions of :data:`FUNCTIONS`.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"The feature has {len(text)} characters; {MAX_LENGTH} are the most.")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ValueError(f"'{text}' is neither a variable nor an expression.") from None
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise ValueError(f"'{text[:40]}...' is too long an expression.")
    _check(tree, text, 0)
    return tree


def names_in(text: str, known: Collection[str] = ()) -> list[str]:
    """Return the names that a feature reads, in their order, each once.

    Parameters
    ----------
    text : str
    known : collection of str
        Names of variables; a feature that is one of them is not parsed, whatever its letters.
    """
    if text in known or re.fullmatch(r"\w+", text):
        return [text]
    return list(dict.fromkeys(_names(parse(text))))


def derive(ds: xr.Dataset, features: Sequence[str]) -> xr.Dataset:
    """Return `ds` with each of `features` as a variable of that name; nothing is read for it.

    A value is missing where anything that it is computed from is. Dask arrays stay dask arrays.

    Parameters
    ----------
    ds : xarray.Dataset
    features : sequence of str
        Variables, expressions, ``lag(x, '8D')`` or ``lag(x, 2)``, and those of
        :data:`CALENDAR`, and ``lat`` and ``lon`` by what they are.

    Raises
    ------
    ValueError
        A feature cannot be computed.
    """
    added = {text: _derived(ds, text) for text in features if text not in ds.variables}
    return ds.assign(added) if added else ds


# --- Parsing -----------------------------------------------------------------------------------


def _check(node: ast.AST, text: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"'{text[:40]}...' is nested too deeply.")
    inner: list[ast.AST] = []
    if isinstance(node, ast.Constant):
        if not isinstance(node.value, (bool, int, float)):
            raise ValueError(f"'{text}' holds {node.value!r}, which is not a number.")
    elif isinstance(node, ast.BinOp) and type(node.op) in {**_ARITHMETIC, **_LOGIC}:
        inner = [node.left, node.right]
    elif isinstance(node, ast.UnaryOp):
        inner = [node.operand]
    elif isinstance(node, ast.BoolOp):
        inner = [*node.values]
    elif isinstance(node, ast.Compare) and all(type(op) in _COMPARISONS for op in node.ops):
        inner = [node.left, *node.comparators]
    elif isinstance(node, ast.Call):
        inner = _arguments(node, text)
    elif not isinstance(node, ast.Name):
        raise ValueError(f"'{text}' holds '{ast.unparse(node)[:40]}', which a feature may not.")
    for part in inner:
        _check(part, text, depth + 1)


def _arguments(call: ast.Call, text: str) -> list[ast.AST]:
    """Return the arguments of a known function that are expressions themselves."""
    name = call.func.id if isinstance(call.func, ast.Name) else ast.unparse(call.func)
    if name not in FUNCTIONS:
        raise ValueError(
            f"'{text}' calls '{name[:40]}'; known functions are {', '.join(sorted(FUNCTIONS))}."
        )
    fewest, most = FUNCTIONS[name]
    if call.keywords or not fewest <= len(call.args) <= most:
        raise ValueError(f"'{name}' in '{text}' takes {fewest} argument(s) without names.")
    if name != "lag":
        return [*call.args]
    lag_of(call.args[1])
    # A name that is no identifier is given as text.
    return [] if _text(call.args[0]) is not None else [call.args[0]]


def lag_of(node: ast.expr) -> int | float:
    """Return a lag as a number of steps (int) or seconds (float).

    Raises
    ------
    ValueError
        It is neither a positive whole number nor a length of time.
    """
    text = _text(node)
    match = _LAG.fullmatch(text) if text is not None else None
    if match and match.group(2) in _SECONDS and float(match.group(1)) > 0:
        return float(match.group(1)) * _SECONDS[match.group(2)]
    steps = node.value if isinstance(node, ast.Constant) else None
    if isinstance(steps, int) and not isinstance(steps, bool) and steps > 0:
        return steps
    raise ValueError(
        f"'{ast.unparse(node)}' is not a lag; write a number of steps, or '8D', '2W', '6h'."
    )


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Call):
        lagged = isinstance(node.func, ast.Name) and node.func.id == "lag"
        text = _text(node.args[0])
        if lagged and text is not None:
            yield text
        for argument in node.args[: 1 if lagged else None]:
            yield from _names(argument)
    else:
        for part in ast.iter_child_nodes(node):
            yield from _names(part)


# --- What is computed --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Constant:
    """A number."""

    value: float
    dims: tuple[str, ...] = ()

    def read(self, _box: Box, _held: dict[Any, Any]) -> Any:
        """Return the number."""
        return self.value


@dataclass(frozen=True, eq=False)
class Leaf:
    """A variable of the cube."""

    variable: xr.Variable
    name: str = ""

    @property
    def dims(self) -> tuple[str, ...]:
        """Dims of the variable."""
        return tuple(map(str, self.variable.dims))

    def read(self, box: Box, held: dict[Any, Any]) -> Any:
        """Return the variable within `box` as floats, from `held` where it was read before."""
        key = self.key(box)
        if key not in held:
            part = self.variable.isel({d: k for d, k in box.items() if d in self.dims})
            if part.chunks is None:  # xarray trips over empty slices that run backwards
                values = part.values if part.size else np.empty(part.shape, part.dtype)
                part = part.copy(deep=False, data=values)
            held[key] = as_float(part)
        return held[key]

    def key(self, box: Box) -> Any:
        """Return what is the same for the same part of the same variable."""
        kept = (box.get(dim, slice(None)) for dim in self.dims)
        parts = (str(k) if isinstance(k, slice) else k.tobytes() for k in kept)
        return id(self.variable), *parts


@dataclass(frozen=True, eq=False)
class Op:
    """A function of others."""

    function: Callable[..., Any]
    parts: tuple[Node, ...]

    @property
    def dims(self) -> tuple[str, ...]:
        """Dims of the widest part, then those that others add."""
        widest = sorted(self.parts, key=lambda part: -len(part.dims))
        return tuple(dict.fromkeys(dim for part in widest for dim in part.dims))

    def read(self, box: Box, held: dict[Any, Any]) -> Any:
        """Return the values within `box`."""
        return self.function(*(part.read(box, held) for part in self.parts))


@dataclass(frozen=True, eq=False)
class Lag:
    """The values of another at an earlier time; `source` is its position, -1 where none is."""

    part: Node
    dim: str
    source: np.ndarray[Any, np.dtype[np.int64]]

    @property
    def dims(self) -> tuple[str, ...]:
        """Dims of what is lagged."""
        return self.part.dims

    def read(self, box: Box, held: dict[Any, Any]) -> Any:
        """Return the values within `box`, missing where there is no earlier time."""
        source, place, earlier = self.before(box)
        found = self.part.read(earlier, held).isel({self.dim: place.reshape(-1)})
        return found.where(xr.Variable((self.dim,), source >= 0)) if (source < 0).any() else found

    def before(self, box: Box) -> tuple[Any, Any, Box]:
        """Return the source of each time, where it lies in what is read, and what is read."""
        source = self.source[box.get(self.dim, slice(None))]
        needed, place = np.unique(np.maximum(source, 0), return_inverse=True)
        if needed.size and needed[-1] - needed[0] + 1 == needed.size:
            return source, place, {**box, self.dim: slice(int(needed[0]), int(needed[-1]) + 1)}
        return source, place, {**box, self.dim: needed}


Node = Constant | Leaf | Op | Lag


def reads(node: Node, box: Box) -> Iterator[tuple[Leaf, Box]]:
    """Yield the variables behind `node`, each with what of it is read for `box`."""
    if isinstance(node, Leaf):
        yield node, box
    elif isinstance(node, Lag):
        yield from reads(node.part, node.before(box)[2])
    for part in node.parts if isinstance(node, Op) else ():
        yield from reads(part, box)


def as_float(variable: xr.Variable) -> xr.Variable:
    """Return numbers as features are computed from them."""
    kind, size = variable.dtype.kind, variable.dtype.itemsize
    if kind == "f":
        return variable.astype("f4") if size < 4 else variable
    return variable.astype("f4" if kind == "b" or size < 4 else "f8")


def choose(condition: Any, yes: Any, no: Any) -> Any:
    """Choose by a condition of 1, 0 or missing; missing stays missing."""
    chosen = _either(condition != 0, yes, no)
    return _either(_missing(condition), math.nan, chosen)


def _either(condition: Any, yes: Any, no: Any) -> Any:
    if not isinstance(condition, xr.Variable):
        return yes if condition else no
    width = np.result_type(
        *(part.dtype for part in (yes, no) if isinstance(part, xr.Variable)), np.float32
    ).type
    yes, no = (part if isinstance(part, xr.Variable) else width(part) for part in (yes, no))
    return xr.apply_ufunc(np.where, condition, yes, no, dask="allowed")


def _missing(value: Any) -> Any:
    return np.isnan(value) if isinstance(value, xr.Variable) else math.isnan(value)


def _truth(function: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """Return 1 or 0, missing where an operand is."""
    found = function(left, right)
    if not isinstance(found, xr.Variable):
        return float(found)
    absent = _missing(left) | _missing(right)
    return _either(absent, math.nan, found.astype("f4"))


def _logic(function: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    found = function(left != 0, right != 0)
    return _truth(lambda _left, _right: found, left, right)


def _minimum(*parts: Any) -> Any:
    return functools.reduce(np.minimum, parts)


def _maximum(*parts: Any) -> Any:
    return functools.reduce(np.maximum, parts)


def _clip(value: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(value, low), high)


def _fillna(value: Any, other: Any) -> Any:
    return _either(_missing(value), other, value)


def _isnan(value: Any) -> Any:
    found = _missing(value)
    return found.astype("f4") if isinstance(found, xr.Variable) else float(found)


_OWN: dict[str, Callable[..., Any]] = {
    "arctan2": np.arctan2,
    "clip": _clip,
    "fillna": _fillna,
    "isnan": _isnan,
    "max": _maximum,
    "min": _minimum,
    "where": choose,
    "not": functools.partial(_truth, operator.eq, 0.0),
}


class Computed(BackendArray):
    """Values that are computed when they are indexed."""

    def __init__(self, node: Node, dims: tuple[str, ...], shape: tuple[int, ...]) -> None:
        self.node, self.dims, self.shape = node, dims, shape
        with np.errstate(all="ignore"):
            nothing = node.read(dict.fromkeys(dims, slice(0, 0)), {})
        self.dtype = np.dtype(np.result_type(nothing.dtype, np.float32))

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        # xarray trips over empty slices that run backwards.
        parts = (
            slice(0, 0) if isinstance(k, slice) and not range(*k.indices(size)) else k
            for k, size in zip(key.tuple, self.shape, strict=True)
        )
        key = type(key)(tuple(parts))
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._outer
        )

    def _outer(self, key: tuple[Any, ...]) -> Any:
        box = {
            dim: slice(int(k), int(k) + 1) if isinstance(k, (int, np.integer)) else k
            for dim, k in zip(self.dims, key, strict=True)
        }
        dropped = tuple(0 if isinstance(k, (int, np.integer)) else slice(None) for k in key)
        return self.values(box, {})[dropped]

    def values(self, box: Box, held: dict[Any, Any]) -> Any:
        """Return the values within `box`; `held` has what was read, by :meth:`Leaf.key`."""
        with np.errstate(all="ignore"):
            found = self.node.read(box, held)
        sizes = {}
        for dim, size in zip(self.dims, self.shape, strict=True):
            k = box[dim]
            sizes[dim] = len(range(*k.indices(size))) if isinstance(k, slice) else len(k)
        whole = found.set_dims(sizes).transpose(*self.dims)
        return np.asarray(whole.values, dtype=self.dtype)


# --- From a syntax tree to what is computed ----------------------------------------------------


def _derived(ds: xr.Dataset, text: str) -> xr.Variable:
    node = _node(ds, parse(text), text)
    if isinstance(node, Constant):
        raise ValueError(f"'{text}' is a number, not a feature.")
    order = {str(dim): i for i, dim in enumerate(ds.dims)}
    wide = max((leaf.dims for leaf, _ in reads(node, {})), key=len)
    same = set(wide) == set(node.dims)
    return computed(node, wide if same else tuple(sorted(node.dims, key=order.__getitem__)))


def computed(node: Node, dims: tuple[str, ...]) -> xr.Variable:
    """Return a variable over `dims` whose values are computed when they are read."""
    leaves = [leaf for leaf, _ in reads(node, {})]
    if any(leaf.variable.chunks is not None for leaf in leaves):
        found: xr.Variable = node.read({}, {})
        return found.transpose(*dims)
    sizes = {dim: size for leaf in leaves for dim, size in leaf.variable.sizes.items()}
    array = Computed(node, dims, tuple(sizes[dim] for dim in dims))
    return xr.Variable(dims, indexing.LazilyIndexedArray(array))


def _node(ds: xr.Dataset, tree: ast.expr, text: str) -> Node:
    if isinstance(tree, ast.Constant):
        return Constant(float(tree.value))  # type: ignore[arg-type]
    if isinstance(tree, ast.Name):
        return _named(ds, tree.id)
    if isinstance(tree, ast.Call):
        name = tree.func.id  # type: ignore[attr-defined]
        if name == "lag":
            first = _text(tree.args[0])
            part = _named(ds, first) if first is not None else _node(ds, tree.args[0], text)
            return _lagged(ds, part, lag_of(tree.args[1]), ast.unparse(tree))
        function = _OWN[name] if name in _OWN else getattr(np, name)
        return _op(text, function, *(_node(ds, part, text) for part in tree.args))
    if isinstance(tree, ast.BoolOp):
        logic = functools.partial(_logic, _LOGIC[type(tree.op)])
        return functools.reduce(
            functools.partial(_op, text, logic), (_node(ds, part, text) for part in tree.values)
        )
    if isinstance(tree, ast.Compare):
        sides = [_node(ds, part, text) for part in (tree.left, *tree.comparators)]
        links: list[Node] = [
            _op(text, functools.partial(_truth, _COMPARISONS[type(op)]), left, right)
            for op, left, right in zip(tree.ops, sides, sides[1:], strict=False)
        ]
        both = functools.partial(_op, text, functools.partial(_logic, operator.and_))
        return functools.reduce(both, links)
    if isinstance(tree, ast.UnaryOp):
        unary = operator.neg if isinstance(tree.op, ast.USub) else operator.pos
        inverted = isinstance(tree.op, (ast.Not, ast.Invert))
        return _op(text, _OWN["not"] if inverted else unary, _node(ds, tree.operand, text))
    assert isinstance(tree, ast.BinOp)
    kind = type(tree.op)
    function = _ARITHMETIC.get(kind) or functools.partial(_logic, _LOGIC[kind])
    return _op(text, function, _node(ds, tree.left, text), _node(ds, tree.right, text))


def _op(text: str, function: Callable[..., Any], *parts: Node) -> Node:
    """Return the node of `function`, its value at once where all parts are numbers."""
    if not all(isinstance(part, Constant) for part in parts):
        return Op(function, parts)
    try:
        with np.errstate(all="ignore"):
            return Constant(float(function(*(part.read({}, {}) for part in parts))))
    except (ArithmeticError, TypeError, ValueError) as error:
        raise ValueError(f"'{text}' cannot be computed: {error}.") from None


def _named(ds: xr.Dataset, name: str) -> Leaf:
    if name in ds.variables:
        variable = ds.variables[name].to_base_variable()
        if variable.dtype.kind not in "fiub":
            raise ValueError(f"'{name}' holds {variable.dtype}, not numbers.")
        return Leaf(variable, name)
    if name in CALENDAR:
        return Leaf(_calendar(ds, name))
    standard, units = _PLACES.get(name, ("", ()))
    for coord in ds.coords.values():
        attrs = coord.attrs
        if standard and (attrs.get("standard_name") == standard or attrs.get("units") in units):
            return Leaf(coord.variable.to_base_variable())
    raise ValueError(f"The cube has no variable '{name}'.")


def _calendar(ds: xr.Dataset, name: str) -> xr.Variable:
    times = [coord for coord in ds.coords.values() if coord.ndim == 1 and _is_time(coord)]
    if not times:
        raise ValueError(f"'{name}' needs times, and the cube has no coordinate with dates.")
    coord = next((time for time in times if time.name in time.dims), times[0])
    if name in ("month", "year"):
        values = getattr(coord.dt, name).values
    else:
        around = {"360_day": 360, "noleap": 365, "365_day": 365, "all_leap": 366}
        days = around.get(coord.dt.calendar, 365.25)
        turn = coord.dt.dayofyear / days if name[0] == "d" else coord.dt.hour / 24
        values = getattr(np, name[-3:])(2 * np.pi * turn.values)
    return xr.Variable(coord.dims, np.asarray(values, dtype=np.float32))


def _is_time(coord: xr.DataArray) -> bool:
    if coord.dtype.kind == "M":
        return True
    return coord.dtype == object and coord.size > 0 and hasattr(coord.values.flat[0], "calendar")


def _lagged(ds: xr.Dataset, part: Node, lag: int | float, text: str) -> Lag:
    for dim in part.dims:
        if dim in ds.coords and _is_time(ds[dim]):
            return Lag(part, dim, _earlier(ds[dim], lag, text))
    raise ValueError(f"'{text}' lags what has no time.")


def _microseconds(coord: xr.DataArray) -> np.ndarray[Any, np.dtype[np.int64]]:
    if coord.dtype.kind == "M":
        return coord.values.astype("M8[us]").astype(np.int64)
    import cftime  # type: ignore[import-untyped, unused-ignore]

    since, calendar = "microseconds since 1970-01-01", coord.values.flat[0].calendar
    return np.asarray(cftime.date2num(coord.values, since, calendar=calendar), dtype=np.int64)


def runs_of(times: Any, years: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the number of the run of regular steps to which each of ascending times belongs.

    A step is regular if it differs by less than 30 % from the usual one, as months do, or if it
    is shorter and leads into a new one of `years`, with which composites of days begin anew.
    """
    steps = np.diff(times)
    usual = np.sort(steps)[(steps.size - 1) // 2] if steps.size else 0
    regular = (np.abs(steps - usual) < 0.3 * usual) | ((steps < usual) & (np.diff(years) == 1))
    return np.concatenate([np.zeros(min(1, len(times)), np.int64), np.cumsum(~regular)])


def _earlier(
    coord: xr.DataArray, lag: int | float, text: str
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the position of the time that lies `lag` before each time, -1 where there is none."""
    times = _microseconds(coord)
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    if (np.diff(ordered) == 0).any():
        raise ValueError(f"'{text}' cannot be told: a time of the cube occurs twice.")
    if isinstance(lag, int):
        place = np.arange(times.size) - lag
        run = runs_of(ordered, coord.dt.year.values[order])
        hit = (place >= 0) & (run[place] == run)
    else:
        wanted = ordered - round(lag * 1e6)
        place = np.minimum(np.searchsorted(ordered, wanted), times.size - 1)
        hit = ordered[place] == wanted
    if not hit.any():
        days = np.diff(ordered) / 8.64e10
        step = f", whose step is {np.median(days):g} days" if days.size else ""
        raise ValueError(
            f"'{text}' is missing everywhere: no two times of the cube{step}, lie so far apart."
        )
    source = np.full(times.size, -1)
    source[order[hit]] = order[place[hit]]
    return source
