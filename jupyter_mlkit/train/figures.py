"""Which maps a run gets: its split, and its best-known failures beside what is usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..cubes.splits.base import Split
from ..cubes.splits.combined import CombinedSplit
from ..cubes.splits.gaps import GapSplit
from ..cubes.splits.roles import BUFFER, ROLES
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
    """Return the map of the split, None for a cube without horizontal dims.

    A split that changes in time is drawn at the step that shows most of it, or, where no place
    changes its role, as what each place is at the dates at which it is used.
    """
    if not _has_map(data):
        return None
    roles = _roles_over_time(data)
    layers = _layers(data, roles)
    drawn = _merged(layers)
    return draw_split(
        None if drawn is None else _meaningful(drawn, data.split),
        None if drawn is None else drawn.valid,
        data.grid,
        data.counts(),
        title=" · ".join(part for part in (title, drawn and drawn.label) if part),
        over_time=None if roles is None else _shares(data, roles, layers),
    )


@dataclass(frozen=True)
class _Layer:
    """Roles and valid cells of one step, over the horizontal dims."""

    roles: xr.DataArray
    valid: xr.DataArray
    label: str
    #: Whether places differ in their role.
    in_space: bool


def _layers(data: CubeData, roles: xr.DataArray | None) -> list[_Layer]:
    """Return the steps that show most of the split; the middle one where roles stay as they are."""
    if roles is None:
        return [_layer(data, None)]
    over = [dim for dim in roles.dims if dim != data.grid.time]
    shares = np.stack([(roles == code).mean(over).values for code in range(len(ROLES))], axis=1)
    # The most mixed step first, then those where each role has most of its cells.
    known = np.where(shares > 0, shares, 1.0)
    mixed = -(known * np.log(known)).sum(axis=1)
    chosen = [int(mixed.argmax()), *(int(at) for at in shares.argmax(axis=0))]
    steps = np.arange(data.ds.sizes[str(data.grid.time)])[_strides(data)[str(data.grid.time)]]
    return [_layer(data, int(step)) for step in dict.fromkeys(steps[chosen].tolist())]


def _layer(data: CubeData, step: int | None) -> _Layer:
    position = {dim: data.ds.sizes[dim] // 2 for dim in _beside(data)}
    if step is not None:
        position[str(data.grid.time)] = step
    target = thin(data.ds[[data.spec.target]].isel(position), data.grid)[data.spec.target]
    target = target.load()
    # A length-1 slice keeps the dim, on which the role may depend.
    frame = data.frame().isel({dim: slice(at, at + 1) for dim, at in position.items()})
    roles = data.split.assign(thin(frame, data.grid))
    roles = roles.isel({dim: 0 for dim in position if dim in roles.dims})
    in_space = bool(set(roles.dims) & set(data.grid.horizontal))
    roles = roles.broadcast_like(target).transpose(*data.grid.horizontal)
    valid = xr.DataArray(np.isfinite(target.values), dims=target.dims)
    label = "" if step is None else ", ".join(_labels(data, position))
    return _Layer(roles, valid.transpose(*data.grid.horizontal), label, in_space)


def _merged(layers: list[_Layer]) -> _Layer | None:
    """Return all steps in one where no place has two roles, else the first; None without places."""
    first = layers[0]
    if not first.in_space:
        return None
    roles, valid = first.roles.values.copy(), first.valid.values.copy()
    for layer in layers[1:]:
        codes = layer.roles.values
        open_, used = roles == BUFFER, codes != BUFFER
        if (~open_ & used & (roles != codes)).any():
            return first
        valid = np.where(open_ & used, layer.valid.values, valid | (layer.valid.values & ~used))
        roles = np.where(open_, codes, roles)
    label = first.label if len(layers) == 1 else "each place at its own dates"
    return _Layer(first.roles.copy(data=roles), first.valid.copy(data=valid), label, True)


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


def _meaningful(layer: _Layer, split: Split) -> xr.DataArray:
    """Return the roles, -1 for missing cells where a split draws its shapes from gaps."""
    parts = split.parts if isinstance(split, CombinedSplit) else (split,)
    if any(isinstance(part, GapSplit) for part in parts):
        return layer.roles.where(layer.valid, -1)
    return layer.roles


def _strides(data: CubeData) -> dict[str, slice]:
    """Return steps through the cube for what is drawn over time."""
    limits = dict.fromkeys(data.dims, _STRIP_CELLS)
    limits[str(data.grid.time)] = _STRIP_STEPS
    return {dim: slice(None, None, -(-data.ds.sizes[dim] // limits[dim])) for dim in data.dims}


def _roles_over_time(data: CubeData) -> xr.DataArray | None:
    """Return the roles of some cells at each time, None where roles do not change in time."""
    time = data.grid.time
    if time is None or time not in data.dims or data.ds.sizes[time] < 2:
        return None
    roles = data.split.assign(data.frame().isel(_strides(data), missing_dims="ignore"))
    return roles if time in roles.dims else None


def _shares(data: CubeData, roles: xr.DataArray, layers: list[_Layer]) -> xr.DataArray:
    """Return the share of each role at each time among places that have a target in a layer."""
    time = str(data.grid.time)
    shares = [roles == code for code in range(len(ROLES))]
    over = [dim for dim in roles.dims if dim != time]
    if set(data.grid.horizontal) & set(over):
        ever = np.logical_or.reduce([layer.valid.values for layer in layers])
        horizontal = data.grid.horizontal
        strides = _strides(data)
        # Layers are thinned for a picture, roles for a strip: take the nearest place of a layer.
        places = [
            np.arange(data.ds.sizes[dim])[strides[dim]] * size // data.ds.sizes[dim]
            for dim, size in zip(horizontal, ever.shape, strict=True)
        ]
        known = xr.DataArray(ever[np.ix_(*places)], dims=horizontal)
        shares = [share.where(known) for share in shares]
    values = np.stack([share.mean(over).transpose(time).values for share in shares], axis=1)
    dates = [_date(value)[:10] for value in roles[time].values]
    return xr.DataArray(values, dims=("time", "role"), coords={"time": dates, "role": list(ROLES)})
