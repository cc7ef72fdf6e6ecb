"""What a bounded draw of chunks tells about the values of one variable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..reading.slabs import Slab, SlabReader

#: Values that are kept of the draw, for medians.
_KEPT = 100_000
#: Boxes that the budget is cut into, where chunks are small enough.
_BOXES = 16
#: Boxes at least, within this many times the budget.
_FEWEST = 4


@dataclass(frozen=True)
class Drawn:
    """Values of a variable in a seeded draw of its chunks.

    Attributes
    ----------
    share, error : float or None
        Share of finite cells and its standard error over the boxes of the draw: 0 where all
        were read, None where one of several was.
    minimum, maximum, mean : float or None
        Of the finite cells that were drawn, None where there are none.
    values : ndarray of float64
        At most 1e5 of them, evenly taken.
    """

    share: float | None
    error: float | None
    minimum: float | None
    maximum: float | None
    mean: float | None
    values: NDArray[np.float64]


@dataclass(frozen=True)
class _Box:
    cells: int
    valid: int
    total: float
    low: float
    high: float
    values: NDArray[np.float64]


NOTHING = Drawn(None, None, None, None, None, np.empty(0))


def draw(ds: xr.Dataset, name: str, budget: int) -> Drawn:
    """Read a draw of chunks of about `budget` decoded bytes.

    Parameters
    ----------
    ds : xarray.Dataset
    name : str
        A numeric variable.
    budget : int

    Raises
    ------
    CubeError
        ``unreadable_chunk``.
    """
    if not ds[name].size:
        return NOTHING
    reader = SlabReader(ds, [name], [str(d) for d in ds[name].dims], budget=budget // _BOXES + 1)
    boxes = len(reader)
    size = ds[name].dtype.itemsize * max(1, math.prod(reader.slab(0).shape))
    # One large chunk tells little and has no error: a few are read if they are not very large.
    wanted = min(boxes, max(1, budget // size, min(_FEWEST, _FEWEST * budget // size)))
    # The same draw for all variables with the same chunks, so that their shares compare.
    order = np.sort(np.random.default_rng(0).choice(boxes, wanted, replace=False))

    def work(_: Slab, arrays: Mapping[str, NDArray[Any]]) -> _Box:
        return _box(arrays[name], _KEPT // wanted + 1)

    return _joined(list(reader.map(work, order=order)), boxes)


def _box(values: NDArray[Any], kept: int) -> _Box:
    valid = values[np.isfinite(values)].astype(np.float64)
    if not valid.size:
        return _Box(values.size, 0, 0.0, math.inf, -math.inf, valid)
    return _Box(
        values.size,
        valid.size,
        float(valid.sum()),
        float(valid.min()),
        float(valid.max()),
        valid[:: max(1, valid.size // kept)],
    )


def _joined(drawn: list[_Box], boxes: int) -> Drawn:
    cells = sum(box.cells for box in drawn)
    valid = sum(box.valid for box in drawn)
    share, error = valid / cells, _error(drawn, boxes)
    if not valid:
        return Drawn(0.0, error, None, None, None, np.empty(0))
    return Drawn(
        share,
        error,
        min(box.low for box in drawn),
        max(box.high for box in drawn),
        sum(box.total for box in drawn) / valid,
        np.concatenate([box.values for box in drawn]),
    )


def _error(drawn: list[_Box], boxes: int) -> float | None:
    """Return the standard error of the share of finite cells.

    Of a ratio over a simple random sample of clusters without replacement: Cochran, Sampling
    Techniques (1977), eq. 2.45 and 9A.3. Cells of one chunk resemble each other, so that the
    binomial error over cells would be far too small.
    """
    n = len(drawn)
    if n == boxes:
        return 0.0
    if n < 2:
        return None
    cells = np.array([box.cells for box in drawn], np.float64)
    valid = np.array([box.valid for box in drawn], np.float64)
    residual = valid - valid.sum() / cells.sum() * cells
    variance = float((residual**2).sum()) / (n - 1)
    return math.sqrt((1 - n / boxes) * variance / n) / float(cells.mean())
