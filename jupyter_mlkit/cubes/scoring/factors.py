"""Sums over cells by group, along as few dims at once as the groups need."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInputError
from .groups import Grouping
from .sums import Floats


@dataclass(frozen=True)
class Factor:
    """Groupings that share dims, joined to one; factors of different dims are summed in turn.

    Attributes
    ----------
    parts : tuple of Grouping
    dims : tuple of str
        In the order of the truth.
    codes : ndarray of int64
        Number of the joint group in C order of the parts, -1 where any part has none.
    """

    parts: tuple[Grouping, ...]
    dims: tuple[str, ...]
    codes: NDArray[np.int64]

    @property
    def size(self) -> int:
        """Number of joint groups."""
        return math.prod(part.size for part in self.parts)


def factors_of(
    groups: Sequence[Grouping], sizes: Mapping[str, int], kept: Sequence[str]
) -> list[Factor]:
    """Join groupings that share dims.

    Parameters
    ----------
    groups : sequence of Grouping
    sizes : mapping of str to int
        Dims of the truth in their order, and their sizes.
    kept : sequence of str
        Dims that are not reduced.

    Raises
    ------
    InvalidInputError
        ``group_along_kept_dim``.
    """
    joined: list[list[Grouping]] = []
    for group in groups:
        along = [dim for dim in group.dims if dim in kept]
        if along:
            raise InvalidInputError(
                f"'{group.name}' varies along '{along[0]}', which is kept.",
                hint=f"Put '{along[0]}' among the dims that are reduced, or leave "
                f"'{group.name}' out.",
                code="group_along_kept_dim",
                field="by",
            )
        touching = [one for one in joined if set(group.dims) & {d for g in one for d in g.dims}]
        merged = [other for one in touching for other in one]
        joined = [one for one in joined if one not in touching]
        joined.append([*merged, group])
    return [_joint(parts, sizes) for parts in joined]


def _joint(parts: Sequence[Grouping], sizes: Mapping[str, int]) -> Factor:
    dims = tuple(dim for dim in sizes if any(dim in part.dims for part in parts))
    codes = np.zeros([sizes[dim] for dim in dims], np.int64)
    outside = np.zeros(codes.shape, bool)
    for part in parts:
        held = [dim for dim in dims if dim in part.dims]
        own = part.codes.transpose([part.dims.index(dim) for dim in held])
        own = own.reshape([sizes[dim] if dim in held else 1 for dim in dims])
        codes = codes * part.size + own
        outside |= own < 0
    codes[outside] = -1
    return Factor(tuple(parts), dims, codes)


def sum_by(
    terms: Sequence[Floats],
    dims: Sequence[str],
    kept: Sequence[str],
    factors: Sequence[Factor],
    where: Mapping[str, slice],
) -> Floats:
    """Return sums over the dims that are not kept, by group.

    Parameters
    ----------
    terms : sequence of ndarray of float64
        Each over all `dims`.
    dims : sequence of str
        Dims of the cells.
    kept : sequence of str
    factors : sequence of Factor
    where : mapping of str to slice
        Place of the cells along each dim.

    Returns
    -------
    ndarray of float64, shape (n_terms, *kept, *groups)
    """
    grouped = {dim for factor in factors for dim in factor.dims}
    left = [dim for dim in dims if dim in kept or dim in grouped]
    plain = tuple(axis for axis, dim in enumerate(dims) if dim not in left)
    # What no group depends on goes first: the rest is small then.
    found = np.stack([term.sum(axis=plain) for term in terms])
    for factor in factors:
        axes = [1 + left.index(dim) for dim in factor.dims]
        codes = factor.codes[tuple(where[dim] for dim in factor.dims)].reshape(-1)
        if len(axes) > 1:
            moved = np.moveaxis(found, axes, range(-len(axes), 0))
            found, axis = moved.reshape(*moved.shape[: -len(axes)], -1), -1
        else:
            (axis,) = axes
        found = np.moveaxis(_sum_along(found, axis, codes, factor.size), axis, -1)
        left = [dim for dim in left if dim not in factor.dims] + [""]
    return found


def _sum_along(values: Floats, axis: int, codes: NDArray[np.int64], size: int) -> Floats:
    """Return sums along one axis by code; -1 is left out."""
    shape = list(values.shape)
    shape[axis] = size
    found = np.zeros(shape)
    order = np.argsort(codes, kind="stable")[np.count_nonzero(codes < 0) :]
    if order.size:
        present, starts = np.unique(codes[order], return_index=True)
        in_order = order.size == codes.size and bool((np.diff(codes) >= 0).all())
        ordered = values if in_order else np.take(values, order, axis=axis)
        place = [slice(None)] * values.ndim
        place[axis] = present  # type: ignore[call-overload]
        found[tuple(place)] = np.add.reduceat(ordered, starts, axis=axis)
    return found
