"""Put the cells that some samples need side by side, as every value is found from there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .memory import Scratch
from .order import BoxGrid
from .places import Places
from .recipe import Offsets, Recipe

#: Bytes of a workspace: small enough to stay in the cache of a processor.
_BYTES = 4 << 20

Range = tuple[int, int]
#: Cells that a box holds or borrows: their range along each dim, and values by variable.
Ingredient = tuple[list[Range], dict[str, NDArray[Any]]]
#: First target cells of samples, along each dim.
Starts = list[NDArray[np.int64]]


@dataclass(frozen=True)
class Workspace:
    """Cells of all variables around some samples.

    Attributes
    ----------
    starts : list of ndarray
        First target cells of the samples along each dim of the cube.
    span : list of (int, int)
        Which cells of the cube, along each dim; it may reach past the cube's ends.
    shape : tuple of int
    values : ndarray of float32, shape (n_variables, *shape)
    roles : ndarray of uint8, shape `shape`
        Roles as bits, 0 outside the cube.
    flat : ndarray of float32
        The memory of `values` in its order.
    apart : int
        How far the same cell of the next variable lies in `flat`.
    offsets : Offsets
        Where the values of a sample lie from its origin.
    """

    starts: Starts
    span: list[Range]
    shape: tuple[int, ...]
    values: NDArray[np.float32]
    roles: NDArray[np.uint8]
    flat: NDArray[np.float32]
    apart: int
    offsets: Offsets

    def lattice(self, sizes: Sequence[int], skip: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return places in the workspace and numbers in the cube of all samples.

        Parameters
        ----------
        sizes : sequence of int
            Cells of the cube.
        skip : int
            How many of the last dims are left at their first start.
        """
        origins, numbers = np.zeros(1, np.int64), np.zeros(1, np.int64)
        last = len(self.shape) - skip
        for dim, (starts, (first, _), near, far) in enumerate(
            zip(self.starts, self.span, strides(self.shape), strides(sizes), strict=True)
        ):
            along = starts if dim < last else starts[:1]
            origins = np.add.outer(origins, (along - first) * near).ravel()
            numbers = np.add.outer(numbers, along * far).ravel()
        return origins, numbers


class Gatherer:
    """Makes workspaces.

    Parameters
    ----------
    recipe : Recipe
    grid : BoxGrid
    places : Places
    scratch : Scratch
        Holds the workspace of each thread: it is valid until the next one is made.
    """

    def __init__(self, recipe: Recipe, grid: BoxGrid, places: Places, scratch: Scratch) -> None:
        self._scratch = scratch
        self.recipe = recipe
        self.grid = grid
        self.places = places

    def pieces(self, box: int) -> list[Starts]:
        """Split the starts of a box along one dim, so that a workspace fits the cache."""
        index = self.grid.index(box)
        axes = self.grid.axes
        starts = [axis.starts_in(place) for axis, place in zip(axes, index, strict=True)]
        if not all(found.size for found in starts):
            return []
        dim, runs = self._runs(box, starts)
        across = [b - a for i, (a, b) in enumerate(self.grid.needed(box)) if i != dim]
        most = _BYTES // (4 * len(self.recipe.variables) * max(1, math.prod(across)))
        # What samples need beyond their starts is gathered for each piece anew.
        most = max(1, most, 4 * (axes[dim].high - axes[dim].low))
        return [
            [*starts[:dim], part, *starts[dim + 1 :]]
            for run in runs
            for part in np.split(run, np.flatnonzero(np.diff((run - run[0]) // most)) + 1)
        ]

    def _runs(self, box: int, starts: Starts) -> tuple[int, list[NDArray[np.int64]]]:
        """Return along which dim a box is split, and which starts along it are kept apart."""
        axes = self.grid.axes
        free = [i for i, axis in enumerate(axes) if axis.low == axis.high == 0]
        if free != [*range(1, len(axes))]:
            # The outermost dim that is long enough keeps runs of memory long.
            dim = max(free, key=lambda i: (starts[i].size > 8, -i), default=0)
            return dim, [starts[dim]]
        # Samples that need no other box are cut from where the cells were decoded.
        first, stop = self.grid.holds(box)[0]
        begin = first - axes[0].low
        inside = [begin, max(begin, stop - axes[0].high)]
        runs = np.split(starts[0], np.searchsorted(starts[0], inside))
        return 0, [run for run in runs if run.size]

    def roles_at(self, pieces: Sequence[Starts]) -> NDArray[np.uint8]:
        """Return the roles of the cells from the first to the last of some starts, as bits."""
        if not pieces:
            return np.empty(0, np.uint8)
        box = {
            dim: slice(int(first[0]), int(last[-1]) + 1)
            for dim, first, last in zip(self.recipe.dims, pieces[0], pieces[-1], strict=True)
        }
        return self.places.bits(box)

    def looked_at(
        self, box: int, name: str, ingredients: Sequence[Ingredient], skip: int
    ) -> NDArray[Any]:
        """Return every so-many-th value along each dim of those that the samples of a box need."""
        found = [np.empty(0, np.float32)]
        for region, arrays in ingredients:
            values = arrays[name]
            cells = []
            for (first, stop), (low, high), size in zip(
                region, self.grid.needed(box), values.shape, strict=True
            ):
                start = -(-max(first, low) // skip) * skip
                along = slice(start - first, max(start, min(stop, high)) - first, skip)
                cells.append(along if size > 1 else slice(None))
            found.append(values[tuple(cells)].ravel())
        return np.concatenate(found)

    def gather(self, starts: Starts, ingredients: Sequence[Ingredient]) -> Workspace:
        """Return the cells that samples need, out of the ingredients of their box."""
        recipe, axes = self.recipe, self.grid.axes
        span = [
            (int(found[0]) + axis.low, int(found[-1]) + axis.high + 1)
            for found, axis in zip(starts, axes, strict=True)
        ]
        shape = tuple(b - a for a, b in span)
        cells = math.prod(shape)
        inside = [(max(a, 0), min(b, axis.size)) for (a, b), axis in zip(span, axes, strict=True)]
        found = None
        for region, arrays in ingredients if inside == span else []:
            if found is None and _within(span, region):
                found = _in_place(recipe.variables, span, region, arrays)
        if found is None:
            values = self._scratch.take("values", (len(recipe.variables), *shape), np.float32)
            if inside != span:
                self._pad(values, span)
            for region, arrays in ingredients:
                shared = [
                    (max(a, c), min(b, d)) for (a, b), (c, d) in zip(span, region, strict=True)
                ]
                if all(a < b for a, b in shared):
                    to = _slices(shared, span)
                    for place, name in enumerate(recipe.variables):
                        _fill(values[place][to], arrays[name], _slices(shared, region))
            flat, apart = values.reshape(-1), cells
        else:
            flat, apart = found
            values = np.lib.stride_tricks.as_strided(
                flat, (len(recipe.variables), cells), (4 * apart, 4)
            ).reshape(-1, *shape)
        roles = self._scratch.take("roles", shape, np.uint8)
        if inside != span:
            roles.fill(0)
        box = {dim: slice(*edges) for dim, edges in zip(recipe.dims, inside, strict=True)}
        roles[_slices(inside, span)] = self.places.bits(box)
        offsets = recipe.places(shape, apart)
        return Workspace(starts, span, shape, values, roles, flat, apart, offsets)

    def _pad(self, values: NDArray[np.float32], span: list[Range]) -> None:
        """Mark what lies outside the cube: NaN, but a finite number for inputs past its end."""
        values[:] = np.nan
        inputs = values[: self.recipe.n_inputs]
        for number, ((_, stop), axis) in enumerate(zip(span, self.grid.axes, strict=True)):
            if stop > axis.size and axis.high == axis.window - 1:
                past = [slice(None)] * inputs.ndim
                past[number + 1] = slice(axis.size - stop, None)
                inputs[tuple(past)] = self.recipe.pad


def strides(shape: Sequence[int]) -> list[int]:
    """Return how many cells lie between neighbours along each dim, in C order."""
    return [math.prod(shape[i + 1 :]) for i in range(len(shape))]


def _within(inner: list[Range], outer: list[Range]) -> bool:
    return all(c <= a and b <= d for (a, b), (c, d) in zip(inner, outer, strict=True))


def _slices(inner: list[Range], outer: list[Range]) -> tuple[slice, ...]:
    return tuple(slice(a - c, b - c) for (a, b), (c, _) in zip(inner, outer, strict=True))


def _in_place(
    names: Sequence[str], span: list[Range], region: list[Range], arrays: dict[str, NDArray[Any]]
) -> tuple[NDArray[np.float32], int] | None:
    """Return the memory of variables from the first cell of `span` on, if it can be used as it is.

    So it is where they lie side by side, as a reader of boxes has them, and `span` is a run of
    the cells of `region`. With it comes how far the variables are apart.
    """
    first = arrays[names[0]]
    shape = tuple(b - a for a, b in region)
    whole = [part == held for part, held in zip(span, region, strict=True)]
    cut = next((axis for axis, same in enumerate(whole) if not same), 0)
    if math.prod(shape[:cut]) > 1 or not all(whole[cut + 1 :]) or first.base is None:
        return None
    if any(
        arrays[name].dtype != np.float32
        or arrays[name].shape != shape
        or not arrays[name].flags.c_contiguous
        or arrays[name].base is not first.base
        for name in names
    ):
        return None
    at = [arrays[name].__array_interface__["data"][0] for name in names]
    steps = set(np.diff(at).tolist()) or {first.nbytes}
    apart, rest = divmod(steps.pop(), 4)
    if steps or rest or apart < first.size:
        return None
    skip = (span[cut][0] - region[cut][0]) * math.prod(shape[cut + 1 :])
    memory = first.base.reshape(-1).view(np.uint8)
    memory = memory[at[0] - first.base.__array_interface__["data"][0] :]
    size = apart * (len(names) - 1) + first.size
    return memory[: 4 * size].view(np.float32)[skip:], apart


def _fill(to: NDArray[np.float32], values: NDArray[Any], box: tuple[slice, ...]) -> None:
    """Copy a box of a variable, which may have size 1 along dims that it lacks."""
    kept = tuple(
        part if size > 1 or (part.start == 0 and part.stop == 1) else slice(0, 1)
        for part, size in zip(box, values.shape, strict=True)
    )
    # A float64 that float32 cannot hold becomes infinite, and its cell is dropped.
    with np.errstate(over="ignore", invalid="ignore"):
        to[...] = values[kept]
