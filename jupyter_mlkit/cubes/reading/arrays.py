"""Arrays of each role, for cubes whose samples fit into memory."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError, InvalidInputError
from ...models import Role
from ..grids.variables import require_variable
from .fetch import Scratch
from .moments import compiled
from .roles import SlabRoles
from .slabs import Arrays, Slab, SlabReader

if TYPE_CHECKING:
    from ..splits.base import Split

#: X and y of one role.
Pair = tuple[NDArray[np.float32], NDArray[np.float32]]

_ROLES: tuple[Role, ...] = ("train", "validation", "test")


def split_arrays(
    ds: xr.Dataset,
    features: Sequence[str],
    target: str,
    split: Split,
    mask: str | None = None,
) -> dict[Role, Pair]:
    """Return the cells of a cube as arrays, role by role.

    Parameters
    ----------
    ds : xarray.Dataset
        Lazy or in memory; every chunk is decoded once.
    features : sequence of str
        Columns of X; static ones may lack dims of the target.
    target : str
    split : Split
        Cells that a buffer removed are in no role.
    mask : str, optional
        Variable that is zero or missing where cells do not count.

    Returns
    -------
    dict
        For ``"train"``, ``"validation"`` and ``"test"``: X, float32 of shape (n, n_features), and
        y, float32 of shape (n,), of the cells where the target and all features are finite. Rows
        go chunk by chunk, in the order of the cells within: the same at every call. Nothing
        beyond these arrays and a few chunks is held in memory.

    Raises
    ------
    CubeError
        ``unknown_variable``, ``not_numeric``, ``unsupported_grid``, ``unreadable_chunk``.
    InvalidInputError
        ``too_large`` where the arrays do not fit.
    """
    dims = _checked(ds, features, target, mask)
    masks = [mask] if mask else []
    reader = SlabReader(ds, list(dict.fromkeys([*features, target, *masks])), dims)
    roles = SlabRoles(split.resolve(ds), ds, dims)
    try:
        held = [_Rows(cells, len(features)) for cells in _most(reader, roles)]
    except MemoryError as error:
        raise InvalidInputError(
            "The cells of this cube do not fit into memory.",
            hint="Let a Sampler give them in batches, or choose a smaller region or period.",
            code="too_large",
        ) from error
    names = [*features, target]

    # Fresh memory for each box would cost as much in page faults as the decoding.
    scratch, pool = Scratch(), _Pool()

    def work(slab: Slab, arrays: Arrays) -> tuple[NDArray[np.int64], list[NDArray[np.float32]]]:
        code = _array_of(scratch, "code", slab.shape, np.dtype(np.int8))
        code[...] = roles(slab)
        code[code >= len(_ROLES)] = -1
        if mask is not None:
            code[~np.broadcast_to((arrays[mask] != 0) & ~np.isnan(arrays[mask]), slab.shape)] = -1
        flat = [np.broadcast_to(arrays[name], slab.shape).reshape(-1) for name in names]
        return _gathered(flat, code.reshape(-1), scratch, pool)

    for counts, columns in reader.map(work):
        start = 0
        for rows, count in zip(held, counts.tolist(), strict=True):
            rows.add([column[start : start + count] for column in columns])
            start += count
        pool.give_back(columns)
    return {role: rows.done() for role, rows in zip(_ROLES, held, strict=True)}


class _Pool:
    """Memory that goes from the threads to who asked them, and back."""

    def __init__(self) -> None:
        self._free: deque[NDArray[np.float32]] = deque()

    def take(self, size: int) -> NDArray[np.float32]:
        """Return `size` numbers, undefined."""
        try:
            held = self._free.pop()
        except IndexError:
            held = np.empty(0, np.float32)
        if held.size < size:
            held = np.empty(size + size // 4, np.float32)
        return held[:size]

    def give_back(self, arrays: Sequence[NDArray[np.float32]]) -> None:
        """Take back what nobody looks at any more."""
        self._free.extend(array if array.base is None else array.base for array in arrays)


class _Rows:
    """X and y of one role while they are filled.

    Made for all cells of the role: memory that is never written is never taken, and given back
    at the end.
    """

    def __init__(self, cells: int, n_features: int) -> None:
        self._x = np.empty((cells, n_features), np.float32)
        self._y = np.empty(cells, np.float32)
        self._n = 0

    def add(self, columns: Sequence[NDArray[np.float32]]) -> None:
        """Append rows, given as their columns, the target last."""
        end = self._n + columns[-1].size
        for i, column in enumerate(columns[:-1]):
            self._x[self._n : end, i] = column
        self._y[self._n : end] = columns[-1]
        self._n = end

    def done(self) -> Pair:
        """Return X and y without the rows that stayed empty."""
        self._x.resize((self._n, self._x.shape[1]), refcheck=False)
        self._y.resize(self._n, refcheck=False)
        return self._x, self._y


def _most(reader: SlabReader, roles: SlabRoles) -> list[int]:
    """Return the number of cells of each role, valid or not."""
    most = np.zeros(len(_ROLES), np.int64)
    for slab in reader:
        codes = roles(slab)
        times = int(np.prod(slab.shape)) // codes.size
        most += times * np.bincount(codes.reshape(-1), minlength=len(_ROLES))[: len(_ROLES)]
    found: list[int] = most.tolist()
    return found


def _gathered(
    flat: Sequence[NDArray[Any]], code: NDArray[np.int8], scratch: Scratch, pool: _Pool
) -> tuple[NDArray[np.int64], list[NDArray[np.float32]]]:
    """Return how many cells of each role are valid, and their values, role after role."""
    columns = [_float32(values) for values in flat]
    for values in columns:
        # NumPy's own loops are six times as fast as a branch per cell: 0 stays, -1 wipes.
        wipe = _array_of(scratch, "wipe", code.shape, np.dtype(np.int8))
        np.isfinite(values, out=wipe.view(np.bool_))
        wipe -= 1
        np.bitwise_or(code, wipe, out=code)
    counts = np.array([np.count_nonzero(code == role) for role in range(len(_ROLES))], np.int64)
    if not compiled():
        order = np.concatenate([np.flatnonzero(code == role) for role in range(len(_ROLES))])
        return counts, [values[order] for values in columns]
    from .kernels import positions, take

    places = np.dtype(np.int32 if code.size < 2**31 else np.int64)
    at = _array_of(scratch, "at", (int(counts.sum()),), places)
    first, second, _ = np.cumsum(counts).tolist()
    positions(code, (0, first, second), at)
    found = []
    for values in columns:
        out = pool.take(at.size)
        take(values, at, out)
        found.append(out)
    return counts, found


def _array_of(
    scratch: Scratch, use: str, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    size = math.prod(shape) * dtype.itemsize
    return np.frombuffer(scratch.take(use, size), dtype).reshape(shape)


def _float32(values: NDArray[Any]) -> NDArray[np.float32]:
    # A float64 that float32 cannot hold becomes infinite, and its cell is dropped as invalid.
    with np.errstate(over="ignore"):
        return values.astype(np.float32, copy=False)


def _checked(
    ds: xr.Dataset, features: Sequence[str], target: str, mask: str | None
) -> tuple[str, ...]:
    """Return the dims of the target, which all others must have."""
    require_variable(ds, target, "target")
    dims = tuple(map(str, ds[target].dims))
    for name, field in [*((name, "features") for name in features), (mask, "mask")]:
        if name is None:
            continue
        require_variable(ds, name, field)
        surplus = [str(dim) for dim in ds[name].dims if dim not in dims]
        if surplus:
            raise CubeError(
                f"'{name}' has the dim '{surplus[0]}', which the target '{target}' lacks.",
                hint=f"Choose one position of '{surplus[0]}' first.",
                code="unsupported_grid",
                field=field,
            )
    return dims
