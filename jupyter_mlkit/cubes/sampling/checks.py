"""Check the arguments of a sampler against the cube, and say what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError, SpecError
from ...models import Role
from ..features.derive import derive
from ..grids.grid import grid_of
from ..grids.variables import require_variable
from ..splits.base import Split
from ..splits.roles import ROLES
from .arguments import cells, flag, lags_of, lead_of, names, number, whole, wrong
from .recipe import DropNan, FillNan, OverGaps, Recipe, Straddle, parse_lags
from .steps import Runs, TimeGaps, runs_along
from .tiling import along

_MASK = "mask of the sampler"
#: Where time has gaps: what of the mask is used, under names that an expression can have.
_HELD, _WITHIN = "mask_of_the_sampler", "times_within_runs"


@dataclass(frozen=True)
class Inputs:
    """Arguments of a sampler, see there."""

    ds: xr.Dataset
    features: Sequence[str]
    target: str | None
    split: Split | None
    roles: Sequence[Role]
    mask: str | xr.DataArray | None
    input_dims: Mapping[str, int] | None
    input_overlap: Mapping[str, int] | None
    stride: Mapping[str, int] | None
    lags: Sequence[int] | Mapping[str, int | Sequence[int]] | None
    lead: int | None
    time_gaps: OverGaps
    batch_dims: Mapping[str, int] | None
    batch_size: int | None
    shuffle: bool
    buffer_bytes: int
    straddle: Straddle
    strict: bool
    drop_nan: DropNan | None
    fill_nan: FillNan | None
    constant: float
    min_valid: float
    balance: bool | Mapping[float, float]
    seed: int


@dataclass(frozen=True)
class Checked:
    """What follows from them.

    Attributes
    ----------
    ds : xarray.Dataset
        With the mask among its variables.
    recipe : Recipe
    steps : dict
        Cells from one window to the next by dim.
    names : tuple of str
        Columns of X.
    batch_size : int
    runs : Runs or None
        Of regular steps in time, which no window may leave.
    gaps : TimeGaps or None
        What is left out for it.
    """

    ds: xr.Dataset
    recipe: Recipe
    steps: dict[str, int]
    names: tuple[str, ...]
    batch_size: int
    runs: Runs | None
    gaps: TimeGaps | None


def checked(given: Inputs) -> Checked:
    """Return what the arguments mean.

    Raises
    ------
    CubeError, InvalidInputError, SpecError
        See :class:`.sampler.Sampler`.
    """
    _check_types(given)
    _check_choices(given)
    features = names("features", given.features)
    ds, mask = _with_mask(given)
    for name in features:
        require_variable(ds, name, "features")
    if given.target is not None:
        require_variable(ds, given.target, "target")
    if mask is not None:
        require_variable(ds, mask, "mask")
    widest = given.target or max(features, key=lambda name: ds[name].ndim)
    dims = tuple(str(dim) for dim in ds[widest].dims)
    for dim in dims:
        if not ds.sizes[dim]:
            raise CubeError(
                f"The dim '{dim}' has no cells, so there is nothing to sample.",
                hint="Choose another region or period.",
                code="empty_dimension",
            )
    others = [*features, *([mask] if mask else [])]
    _check_dims(ds, others, widest, dims)
    window, steps = _window(given, dims)
    lags = lags_of(given.lags)
    for name in lags if isinstance(lags, Mapping) else ():
        if name not in features:
            raise SpecError(
                f"There are lags of '{name}', which is no feature.",
                hint=f"Features are {', '.join(features)}.",
                field="lags",
            )
    columns = parse_lags(features, lags)
    lead = lead_of(given.lead)
    lagged = bool(lead) or any(lag for _, lag, _ in columns)
    shifts = tuple(-lag - lead for _, lag, _ in columns)
    time = grid_of(ds).time
    if time not in dims:
        time = None
    if time is None and lagged:
        raise SpecError(
            "Lags and a lead need a dim of time, which the cube lacks.",
            hint="Give the dim an axis attribute 'T', or a coordinate of dates.",
            code="no_time",
            field="lags",
        )
    runs = gaps = None
    if time is not None and time in ds.coords and given.time_gaps == "skip":
        size, length = int(ds.sizes[time]), window.get(time, 1)
        axis = along(
            time, size, np.array([0, size]), window=length, step=steps.get(time, 1), shifts=shifts
        )
        if axis.high > axis.low:
            runs = runs_along(ds[time], lagged=lagged)
        if runs is not None:
            gaps = runs.gaps(axis)
            if not window:
                # Single cells are cut in one go along the last dim: a mask leaves out some.
                ds, mask = _within(ds, mask, time, runs.kept(axis))
                runs = None
    variables = list(dict.fromkeys(features))
    recipe = Recipe(
        dims=dims,
        cells=math.prod(int(ds.sizes[dim]) for dim in dims),
        window=window,
        variables=(
            *variables,
            *([given.target] if given.target else []),
            *([mask] if mask else []),
        ),
        n_inputs=len(variables),
        target=len(variables) if given.target else None,
        mask=len(variables) + bool(given.target) if mask else None,
        columns=tuple(
            (variables.index(name), shift)
            for (name, _, _), shift in zip(columns, shifts, strict=True)
        ),
        time=time,
        roles=tuple(ROLES.index(role) for role in given.roles),
        drop_nan=given.drop_nan,
        straddle=given.straddle,
        strict=given.strict,
        min_valid=given.min_valid,
        pad=given.constant if given.fill_nan == "constant" else 0.0,
        seed=int(given.seed),
        spans=_spans(given, dims, window, steps, ds.sizes),
    )
    size = 1024 if given.batch_size is None else int(given.batch_size)
    columns_of_x = tuple(name for _, _, name in columns)
    return Checked(ds, recipe, steps, columns_of_x, size, runs, gaps)


def empty_role(
    role: str, recipe: Recipe, split: Split | None, gaps: TimeGaps | None = None
) -> CubeError:
    """Return the error of a role without samples, which names window and block."""
    rule = {} if split is None else split.to_dict()
    blocks = ", ".join(f"{dim} {size}" for dim, size in rule.get("sizes", {}).items())
    window = ", ".join(f"{size} cells along {dim}" for dim, size in recipe.window.items())
    what = f"No window of {window}" if window else "No cell"
    where = f" of the blocks ({blocks})" if blocks else ""
    if recipe.window and (recipe.strict or recipe.straddle == "drop"):
        return CubeError(
            f"{what} lies wholly in {role} cells{where}.",
            hint="Make the window smaller than the blocks, or count only each role's own cells: "
            "straddle='mask', strict=False.",
            code="empty_role",
            field="window",
        )
    skipped = "" if gaps is None else f" {gaps}"
    return CubeError(
        f"{what} has a target and inputs in {role} cells{where}.{skipped}",
        hint="Look at the split, the mask, and what drop_nan and min_valid leave out.",
        code="empty_role",
        field="split",
    )


def _check_types(given: Inputs) -> None:
    if not isinstance(given.ds, xr.Dataset):
        raise wrong(
            "ds",
            given.ds,
            "an xarray.Dataset",
            "Give a Dataset: cubes.open_cube('cube.zarr'), or array.to_dataset(name='t2m').",
        )
    if given.target is not None and not isinstance(given.target, str):
        raise wrong("target", given.target, "the name of a variable")
    if given.split is not None and not isinstance(given.split, Split):
        raise wrong(
            "split",
            given.split,
            "a split",
            "Give a split, such as BlockSplit({'lat': '10 deg', 'lon': '10 deg'}).",
        )
    if given.mask is not None and not isinstance(given.mask, (str, xr.DataArray)):
        raise wrong(
            "mask",
            given.mask,
            "the name of a variable or a DataArray",
            "Give it the dims of the cube: xr.DataArray(values, dims=('lat', 'lon')).",
        )
    names("roles", given.roles)
    if given.batch_size is not None:
        whole("batch_size", given.batch_size, 1)
    whole("seed", given.seed)
    whole("buffer_bytes", given.buffer_bytes, 1)
    flag("shuffle", given.shuffle)
    flag("strict", given.strict)
    number("constant", given.constant)
    number("min_valid", given.min_valid, 0, 1)
    if isinstance(given.balance, Mapping):
        for label, share in given.balance.items():
            number("balance", label)
            number(f"balance.{label}", share, 0, 1)
    else:
        flag("balance", given.balance)


def _check_choices(given: Inputs) -> None:
    if not given.features:
        raise SpecError(
            "A sampler needs a feature.",
            hint="Name variables or coordinates of the cube.",
            code="no_features",
            field="features",
        )
    if not given.roles or len(set(given.roles)) < len(given.roles):
        raise SpecError(
            "Name each wanted role once.",
            hint=f"Roles are {', '.join(ROLES)}.",
            code="invalid_roles",
            field="roles",
        )
    unknown = set(given.roles) - set(ROLES)
    if unknown:
        raise SpecError(
            f"'{sorted(unknown)[0]}' is no role.",
            hint=f"Roles are {', '.join(ROLES)}.",
            code="invalid_roles",
            field="roles",
        )
    if given.batch_size is not None and given.batch_dims is not None:
        raise SpecError(
            "A batch is either of batch_size samples or of all that lie in a box of batch_dims.",
            hint="Leave out one of them.",
            field="batch_dims",
        )
    choices = {
        "straddle": (given.straddle, ("mask", "drop")),
        "time_gaps": (given.time_gaps, ("skip", "join")),
        "drop_nan": (given.drop_nan, (None, "auto", "if_all_nan", "masked")),
        "fill_nan": (given.fill_nan, (None, "mean", "sample_mean", "noise", "constant")),
    }
    for field, (value, known) in choices.items():
        if not any(value is None if one is None else str(value) == one for one in known):
            raise SpecError(
                f"'{value}' is no choice of {field}.",
                hint=f"Choices are {', '.join(map(str, known))}.",
                field=field,
            )
    if given.balance and given.target is None:
        raise SpecError("Without a target there are no classes to balance.", field="balance")
    if given.fill_nan in ("mean", "noise") and "train" not in given.roles:
        raise SpecError(
            f"fill_nan='{given.fill_nan}' takes statistics of train samples.",
            hint="Add 'train' to the roles, or fill with a constant.",
            field="fill_nan",
        )


def _with_mask(given: Inputs) -> tuple[xr.Dataset, str | None]:
    if given.mask is None or isinstance(given.mask, str):
        return given.ds, given.mask
    mask = given.mask
    for dim in mask.dims:
        same = dim in given.ds.sizes and given.ds.sizes[dim] == mask.sizes[dim]
        if same and dim in mask.coords and dim in given.ds.coords:
            same = bool(np.array_equal(mask[dim].values, given.ds[dim].values))
        if not same:
            raise CubeError(
                f"The mask lies on another grid: its '{dim}' is not that of the cube.",
                hint="Select or interpolate the mask to the cells of the cube.",
                code="other_grid",
                field="mask",
            )
    return given.ds.assign({_MASK: mask.drop_vars(list(mask.coords))}), _MASK


def _check_dims(ds: xr.Dataset, names: Sequence[str], widest: str, dims: tuple[str, ...]) -> None:
    for name in names:
        surplus = [str(dim) for dim in ds[name].dims if dim not in dims]
        if surplus:
            raise CubeError(
                f"'{name}' has the dim '{surplus[0]}', which '{widest}' lacks.",
                hint=f"Choose one position of '{surplus[0]}' and store it as its own variable.",
                code="unsupported_grid",
                field="features",
            )


def _window(given: Inputs, dims: tuple[str, ...]) -> tuple[dict[str, int], dict[str, int]]:
    """Return the cells of a window, and from one to the next, by dim."""
    window = cells("input_dims", given.input_dims)
    overlap, stride = cells("input_overlap", given.input_overlap), cells("stride", given.stride)
    for field, sizes in (("window", window), ("input_overlap", overlap), ("stride", stride)):
        known = dims if field == "window" else tuple(window)
        for dim in sizes:
            if dim not in known:
                raise SpecError(
                    f"'{dim}' is no dim of the {'cube' if field == 'window' else 'window'}.",
                    hint=f"It has {', '.join(known) or 'none'}.",
                    code="invalid_window",
                    field=f"{field}.{dim}",
                )
    steps = {dim: stride.get(dim, size - overlap.get(dim, 0)) for dim, size in window.items()}
    return window, steps


def _spans(
    given: Inputs,
    dims: tuple[str, ...],
    window: Mapping[str, int],
    steps: Mapping[str, int],
    sizes: Mapping[Hashable, int],
) -> dict[str, int]:
    """Return within how many cells the samples of a batch start, by dim."""
    if given.batch_dims is None:
        return {}
    batch = cells("batch_dims", given.batch_dims)
    for dim, size in batch.items():
        if dim not in dims:
            raise SpecError(
                f"'{dim}' is no dim of the cube.",
                hint=f"It has {', '.join(dims)}.",
                code="invalid_window",
                field=f"batch_dims.{dim}",
            )
        least = window.get(dim, 1)
        if size < least:
            raise SpecError(
                f"A batch of {size} cells along '{dim}' holds no window, which has {least}.",
                hint=f"Choose {least} or more.",
                code="invalid_window",
                field=f"batch_dims.{dim}",
            )
    found = {}
    for dim in dims:
        step = max(1, steps.get(dim, 1))
        alone = step if dim in window else int(sizes[dim])
        # As many windows as xbatcher stacks: the last may reach past the box.
        found[dim] = -(-batch[dim] // step) * step if dim in batch else alone
    return found


def _within(
    ds: xr.Dataset, mask: str | None, time: str, kept: NDArray[np.bool_]
) -> tuple[xr.Dataset, str]:
    """Return the cube with a mask that also leaves out some times, read lazily as it is."""
    ds = ds.assign({_WITHIN: (time, kept.astype(np.float32))})
    if mask is None:
        return ds, _WITHIN
    both = f"{_HELD} * {_WITHIN}"
    return derive(ds.assign({_HELD: ds[mask].drop_vars(list(ds[mask].coords))}), [both]), both
