"""Fill the gaps of a variable; what was seen keeps its values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError, InvalidInputError
from ..grids.coordinates import days_since_1970
from ..grids.grid import grid_of, is_time
from ..grids.variables import require_variable
from ..prediction.boxes import Box, shape_of, within
from ..prediction.frame import Frame
from ..prediction.inputs import Arrays, Inputs
from ..prediction.key import stage_key
from ..prediction.models import Model
from ..prediction.predict import chunks_of
from ..prediction.tiling import Tiling
from ..prediction.windows import WindowPredictor
from ..prediction.write import Job, into_memory, write_prediction
from .methods import METHODS, Filler, Method

#: Values of a series of tiles: what is held of it in float64, several times, stays within memory.
_TILE_VALUES = 2**21
_LARGEST_TILE = 256


def fill_gaps(
    cube: xr.Dataset,
    target: str,
    method: Method | None = None,
    covariates: Sequence[str] = (),
    *,
    rank: int | None = None,
    seed: int = 0,
    path: str | Path | None = None,
    attrs: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> xr.DataArray:
    """Estimate a variable where it is missing, from its own patterns and from other variables.

    Large cubes are filled tile by tile; tiles overlap and are blended, so they leave no seams.

    Parameters
    ----------
    cube : xarray.Dataset
        Lazy, dask or in memory, with a time dim; of any grid.
    target : str
        The variable with the gaps.
    method : {"eof", "regression", "eof+regression", "mean", "nearest"}, optional
        - ``"eof"``: annual cycle and few patterns with an amplitude for each date, as DINEOF has
          them (Beckers & Rixen 2003); their number is found by cross-validation on cells that
          are hidden in the shape of gaps of other dates.
        - ``"regression"``: mean of the cell, annual cycle and a ridge regression on the
          anomalies of `covariates`, one for each tile.
        - ``"eof+regression"``: patterns in what the regression leaves; taken where there are
          covariates and nothing else is asked for.
        - ``"mean"`` of the cell in time and ``"nearest"`` date: what the others must beat.
    covariates : sequence of str
        Other variables; gaps in them count as their mean.
    rank : int, optional
        Number of patterns.
    seed : int
        Of the cells that are hidden to find it.
    path : str or Path, optional
        Write the result there, as :func:`jupyter_mlkit.cubes.prediction.predict.predict` does.
    attrs : mapping, optional
        Of the result, besides those of `target`.
    overwrite : bool
        Replace a zarr group at `path`.
    progress : callable, optional
        With `path`: told the share that is done.

    Returns
    -------
    xarray.DataArray
        `target` without gaps, with its coordinates and attributes. Seen cells are bit-equal;
        cells that were never seen, such as the sea of a land variable, stay missing.

    Raises
    ------
    CubeError
        ``unknown_variable``, ``unsupported_grid``, ``unreadable_chunk``.
    InvalidInputError
        There is no such method, or it needs covariates.
    ConflictError
        ``already_exists``.

    See Also
    --------
    score_filling : how well the methods fill gaps that are not there.
    """
    names = (target, *covariates)
    for name in names:
        require_variable(cube, name, "target" if name == target else "covariates")
    chosen = _method(method, covariates)
    dims = _dims(cube, target, covariates)
    time = dims.time
    filler = Filler(chosen, _days(cube, time), is_time(cube[time]), rank, seed)
    tilings = _tilings(cube, dims)
    kind = cube[target].dtype if cube[target].dtype.kind == "f" else np.dtype("float64")
    windows = WindowPredictor(
        _FillerModel(filler), Inputs(names, "pass"), kind, dims.order, tilings, "linear", True
    )
    ds = cube[list(names)]
    frame = Frame.of(
        cube,
        name=target,
        dims=dims.order,
        chunks=chunks_of(ds, names, dims.order),
        dtype=kind,
        attrs={**cube[target].attrs, "mlkit_filling": chosen, **(attrs or {})},
        template=target,
    )
    job = Job(_KeepsSeen(windows, target), ds, names, frame, tilings)
    if path is None:
        return frame.array(into_memory(job))
    from ..sources.open import open_cube

    where = Path(path).expanduser().absolute()
    how = repr((filler.method, filler.rank, filler.seed, tilings))
    key = stage_key(ds, names, frame, "fill_gaps", how)
    write_prediction(job, where, key=key, overwrite=overwrite, progress=progress)
    return open_cube(str(where))[target]


@dataclass(frozen=True)
class _Dims:
    """Dims of the target.

    Attributes
    ----------
    order : tuple of str
        All, as in the cube.
    time : str
    space : tuple of str
        Those that patterns extend over; levels and members are filled one by one.
    """

    order: tuple[str, ...]
    time: str
    space: tuple[str, ...]


@dataclass(frozen=True)
class _KeepsSeen:
    """A predictor that answers only where the target is missing."""

    windows: WindowPredictor
    target: str
    local: ClassVar[bool] = False

    def footprint(self, box: Box) -> Box | None:
        """Return the cells that are read for `box`."""
        return self.windows.footprint(box)

    def values(self, box: Box, arrays: Arrays) -> NDArray[Any]:
        """Return the filled variable within `box`."""
        filled = self.windows.values(box, arrays)
        footprint = self.footprint(box)
        if footprint is None:
            return filled
        seen = np.broadcast_to(arrays[self.target], shape_of(footprint))[within(box, footprint)]
        return np.where(np.isfinite(seen), seen, filled).astype(filled.dtype, copy=False)


class _FillerModel(Model):
    """A filler as a model of windows."""

    def __init__(self, filler: Filler) -> None:
        self._filler = filler

    def __call__(self, x: NDArray[np.float32]) -> NDArray[Any]:
        return self._filler(x)

    def identity(self) -> str | None:
        return None


def _method(method: Method | None, covariates: Sequence[str]) -> Method:
    chosen: Method = method or ("eof+regression" if covariates else "eof")
    if chosen not in METHODS:
        raise InvalidInputError(
            f"'{chosen}' is no way to fill gaps.",
            hint=f"Use {', '.join(METHODS)}.",
            field="method",
        )
    if chosen == "eof+regression" and not covariates:
        raise InvalidInputError(
            "A regression needs covariates.",
            hint="Name them, or use method='eof'.",
            field="covariates",
        )
    return chosen


def _dims(cube: xr.Dataset, target: str, covariates: Sequence[str]) -> _Dims:
    order = tuple(str(dim) for dim in cube[target].dims)
    grid = grid_of(cube)
    if grid.time is None or grid.time not in order:
        raise CubeError(
            f"'{target}' has no time dim: its gaps cannot be filled from other dates.",
            hint="Fill it before it is cut to one date.",
            code="unsupported_grid",
            field="target",
        )
    for name in covariates:
        surplus = [str(dim) for dim in cube[name].dims if dim not in order]
        if surplus:
            raise CubeError(
                f"'{name}' has the dim '{surplus[0]}', which '{target}' lacks.",
                hint=f"Choose one position of '{surplus[0]}'.",
                code="unsupported_grid",
                field="covariates",
            )
    space = tuple(dim for dim in grid.horizontal if dim in order)
    return _Dims(order, grid.time, space or tuple(dim for dim in order if dim != grid.time))


def _days(cube: xr.Dataset, time: str) -> NDArray[np.float64]:
    coord = cube[time]
    if is_time(coord):
        days = days_since_1970(coord)
    elif time in cube.coords and np.issubdtype(coord.dtype, np.number):
        days = np.asarray(coord.values, dtype=np.float64)
    else:
        days = np.arange(cube.sizes[time], dtype=np.float64)
    if (np.diff(days) <= 0).any():
        raise CubeError(
            f"The dates along '{time}' do not increase.",
            hint=f"Sort them: cube.sortby('{time}').drop_duplicates('{time}').",
            code="unsupported_grid",
            field="target",
        )
    return days


def _tilings(cube: xr.Dataset, dims: _Dims) -> tuple[Tiling, ...]:
    """Return windows of all dates and of tiles in space, which overlap by a quarter."""
    n_times = max(1, int(cube.sizes[dims.time]))
    cells = max(1, _TILE_VALUES // n_times)
    side = math.floor(cells ** (1 / max(1, len(dims.space))))
    if len(dims.space) > 1:
        side = min(side, _LARGEST_TILE)
    found = [Tiling(dims.time, n_times, n_times)]
    for dim in dims.space:
        size = int(cube.sizes[dim])
        window = min(size, max(8, side))
        found.append(Tiling(dim, size, window, 0 if window == size else window // 4))
    return tuple(found)
