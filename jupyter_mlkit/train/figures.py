"""Which maps a run gets: its split, and its best-known failures beside what is usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..cubes.splits.roles import ROLES
from ..cubes.view.data import CubeData
from ..cubes.view.samples import Samples
from .maps import draw_fields, draw_split, thin

if TYPE_CHECKING:
    from .model import CubeModel

#: A step with fewer validation cells than this share of the median one is not called the worst.
_FEW_CELLS = 0.25
_STRIP_STEPS = 366
_STRIP_CELLS = 64


@dataclass(frozen=True)
class StepScore:
    """Validation error of one position along the dims that are not on the map."""

    position: dict[str, int]
    rmse: float
    bias: float
    cells: int


def split_map(data: CubeData, *, title: str) -> bytes | None:
    """Return the map of the split, None for a cube without horizontal dims."""
    if not _has_map(data):
        return None
    position = {dim: data.ds.sizes[dim] // 2 for dim in _beside(data)}
    target = thin(data.ds[[data.spec.target]].isel(position), data.grid)[data.spec.target]
    target = target.load()
    # A length-1 slice keeps the dim, on which the role may depend.
    frame = data.frame().isel({dim: slice(at, at + 1) for dim, at in position.items()})
    roles = data.split.assign(thin(frame, data.grid))
    roles = roles.isel({dim: 0 for dim in position if dim in roles.dims})
    roles = roles.broadcast_like(target).transpose(*data.grid.horizontal)
    valid = xr.DataArray(np.isfinite(target.values), dims=target.dims)
    return draw_split(
        roles,
        valid.transpose(*data.grid.horizontal),
        data.grid,
        data.counts(),
        title=title,
        over_time=_shares_over_time(data),
    )


def field_maps(
    data: CubeData,
    model: CubeModel,
    validation: Samples,
    prediction: NDArray[np.floating[Any]],
) -> dict[str, bytes]:
    """Return the maps of truth, prediction and error, by name.

    Parameters
    ----------
    data : CubeData
    model : CubeModel
    validation : Samples
    prediction : (n,) array
        Of the validation samples, in the target's units.

    Returns
    -------
    dict
        ``worst`` and ``median`` time step by validation error; ``fields`` for a cube that has
        one step only; empty for a cube without horizontal dims.
    """
    if not _has_map(data):
        return {}
    scores = step_scores(data, validation, prediction)
    if len(scores) == 1:
        return {"fields": _field_map(data, model, scores[0], "")}
    median, worst = scores[len(scores) // 2], scores[-1]
    return {
        "worst": _field_map(data, model, worst, f"worst of {len(scores)} steps: "),
        "median": _field_map(data, model, median, f"median of {len(scores)} steps: "),
    }


def step_scores(
    data: CubeData, samples: Samples, prediction: NDArray[np.floating[Any]]
) -> list[StepScore]:
    """Return the error of each step that has enough cells, the smallest first."""
    beside = _beside(data)
    sizes = tuple(int(data.ds.sizes[dim]) for dim in data.dims)
    places = dict(zip(data.dims, np.unravel_index(samples.cell, sizes), strict=True))
    shape = tuple(int(data.ds.sizes[dim]) for dim in beside) or (1,)
    step = (
        np.ravel_multi_index(tuple(places[dim] for dim in beside), shape)
        if beside
        else np.zeros(len(samples), np.int64)
    )
    error = prediction - samples.y
    length = int(np.prod(shape))
    cells = np.bincount(step, minlength=length)
    weight = np.bincount(step, samples.weight, length)
    squares = np.bincount(step, samples.weight * error**2, length)
    sums = np.bincount(step, samples.weight * error, length)
    enough = cells >= max(1.0, _FEW_CELLS * float(np.median(cells[cells > 0])))
    found = [
        StepScore(
            position=dict(zip(beside, map(int, np.unravel_index(i, shape)), strict=False)),
            rmse=float(np.sqrt(squares[i] / weight[i])),
            bias=float(sums[i] / weight[i]),
            cells=int(cells[i]),
        )
        for i in np.flatnonzero(enough & (weight > 0))
    ]
    return sorted(found, key=lambda score: score.rmse)


def _field_map(data: CubeData, model: CubeModel, score: StepScore, which: str) -> bytes:
    target = data.spec.target
    names = list(dict.fromkeys([target, *model.names]))
    here = thin(data.ds[names].isel(score.position, missing_dims="ignore"), data.grid).load()
    truth = here[target].transpose(*data.grid.horizontal)
    predicted = model.predict(here[model.names]).broadcast_like(truth)
    units = data.units
    classes = model.description.kind == "classifier"
    if classes:
        text = f"{which}{score.cells:,} validation cells"
    else:
        unit = f" {units}" if units else ""
        text = (
            f"{which}validation RMSE {score.rmse:.3g}{unit}, "
            f"bias {score.bias:+.2g}{unit} over {score.cells:,} cells"
        )
    return draw_fields(
        truth,
        predicted.transpose(*data.grid.horizontal),
        data.grid,
        title=" · ".join([_long_name(data), *_labels(data, score.position)]),
        subtitle=text,
        units=units,
        classes=classes,
    )


def _long_name(data: CubeData) -> str:
    attrs = data.ds[data.spec.target].attrs
    return str(attrs.get("long_name") or data.spec.target.replace("_", " "))


def _labels(data: CubeData, position: dict[str, int]) -> list[str]:
    """Return where a step is, in words: a date, a level."""
    labels = []
    for dim, at in position.items():
        if dim == data.grid.time and dim in data.ds.coords:
            labels.append(_date(data.ds[dim].values[at]))
        elif dim in data.ds.coords:
            labels.append(f"{dim} {data.ds[dim].values[at]}")
        else:
            labels.append(f"{dim} {at}")
    return labels


def _date(value: Any) -> str:
    text = str(value)[:16].replace("T", " ")
    return text.removesuffix(" 00:00")


def _has_map(data: CubeData) -> bool:
    grid = data.grid
    return grid.y is not None and grid.x is not None and {grid.y, grid.x} <= set(data.dims)


def _beside(data: CubeData) -> list[str]:
    """Return the dims of the target that are not on the map."""
    return [dim for dim in data.dims if dim not in data.grid.horizontal]


def _shares_over_time(data: CubeData) -> xr.DataArray | None:
    """Return the share of each role at each time, None where roles do not change in time."""
    time = data.grid.time
    if time is None or time not in data.dims or data.ds.sizes[time] < 2:
        return None
    limits = dict.fromkeys(data.dims, _STRIP_CELLS)
    limits[time] = _STRIP_STEPS
    strides = {dim: slice(None, None, -(-data.ds.sizes[dim] // limits[dim])) for dim in data.dims}
    roles = data.split.assign(data.frame().isel(strides, missing_dims="ignore"))
    if time not in roles.dims:
        return None
    over = [dim for dim in roles.dims if dim != time]
    shares = np.stack([(roles == code).mean(over).values for code in range(len(ROLES))], axis=1)
    dates = [_date(value)[:10] for value in roles[time].values]
    return xr.DataArray(shares, dims=("time", "role"), coords={"time": dates, "role": list(ROLES)})
