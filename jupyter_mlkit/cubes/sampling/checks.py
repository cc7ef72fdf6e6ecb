"""Check the arguments of a sampler against the cube, and say what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...errors import CubeError, SpecError
from ...models import Role
from ..grids.grid import grid_of
from ..grids.variables import require_variable
from ..splits.base import Split
from ..splits.roles import ROLES
from .recipe import DropNan, FillNan, Recipe, Straddle, parse_lags
from .steps import check_steps

_MASK = "mask of the sampler"


@dataclass(frozen=True)
class Inputs:
    """Arguments of a sampler, see there."""

    ds: xr.Dataset
    features: tuple[str, ...]
    target: str | None
    roles: tuple[Role, ...]
    mask: str | xr.DataArray | None
    input_dims: Mapping[str, int] | None
    input_overlap: Mapping[str, int] | None
    stride: Mapping[str, int] | None
    lags: Sequence[int] | Mapping[str, int | Sequence[int]] | None
    lead: int | None
    batch_size: int
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
    """

    ds: xr.Dataset
    recipe: Recipe
    steps: dict[str, int]
    names: tuple[str, ...]


def checked(given: Inputs) -> Checked:
    """Return what the arguments mean.

    Raises
    ------
    CubeError, SpecError
        See :class:`.sampler.Sampler`.
    """
    _check_choices(given)
    ds, mask = _with_mask(given)
    for name in given.features:
        require_variable(ds, name, "features")
    if given.target is not None:
        require_variable(ds, given.target, "target")
    if mask is not None:
        require_variable(ds, mask, "mask")
    widest = given.target or max(given.features, key=lambda name: ds[name].ndim)
    dims = tuple(str(dim) for dim in ds[widest].dims)
    for dim in dims:
        if not ds.sizes[dim]:
            raise CubeError(
                f"The dim '{dim}' has no cells, so there is nothing to sample.",
                hint="Choose another region or period.",
                code="empty_dimension",
            )
    others = [*given.features, *([mask] if mask else [])]
    _check_dims(ds, others, widest, dims)
    window = _window(given, dims)
    columns = parse_lags(given.features, _plain(given.lags))
    lead = given.lead or 0
    time = grid_of(ds).time
    if time not in dims:
        time = None
    if time is None and (lead or any(lag for _, lag, _ in columns)):
        raise SpecError(
            "Lags and a lead need a dim of time, which the cube lacks.",
            hint="Give the dim an axis attribute 'T', or a coordinate of dates.",
            code="no_time",
            field="lags",
        )
    if time is not None and time in ds.coords and (lead or any(lag for _, lag, _ in columns)):
        check_steps(ds[time])
    variables = list(dict.fromkeys(given.features))
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
        columns=tuple((variables.index(name), -lag - lead) for name, lag, _ in columns),
        time=time,
        roles=tuple(ROLES.index(role) for role in given.roles),
        drop_nan=given.drop_nan,
        straddle=given.straddle,
        strict=given.strict,
        min_valid=given.min_valid,
        pad=given.constant if given.fill_nan == "constant" else 0.0,
        seed=given.seed,
    )
    return Checked(ds, recipe, _steps(given, window), tuple(name for _, _, name in columns))


def empty_role(role: str, recipe: Recipe, split: Split | None) -> CubeError:
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
    return CubeError(
        f"{what} has a target and inputs in {role} cells{where}.",
        hint="Look at the split, the mask, and what drop_nan and min_valid leave out.",
        code="empty_role",
        field="split",
    )


def _check_choices(given: Inputs) -> None:
    if not given.features:
        raise SpecError("A sampler needs a feature.", code="no_features", field="features")
    if not given.roles or len(set(given.roles)) < len(given.roles):
        raise SpecError("Name each wanted role once.", code="invalid_roles", field="roles")
    unknown = set(given.roles) - set(ROLES)
    if unknown:
        raise SpecError(
            f"'{sorted(unknown)[0]}' is no role.",
            hint=f"Roles are {', '.join(ROLES)}.",
            code="invalid_roles",
            field="roles",
        )
    if given.batch_size < 1:
        raise SpecError("A batch has one sample at least.", field="batch_size")
    choices = {
        "straddle": (given.straddle, ("mask", "drop")),
        "drop_nan": (given.drop_nan, (None, "auto", "if_all_nan", "masked")),
        "fill_nan": (given.fill_nan, (None, "mean", "sample_mean", "noise", "constant")),
    }
    for field, (value, known) in choices.items():
        if value not in known:
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


def _window(given: Inputs, dims: tuple[str, ...]) -> dict[str, int]:
    window = {str(dim): int(size) for dim, size in (given.input_dims or {}).items()}
    for field, sizes in (
        ("window", window),
        ("input_overlap", given.input_overlap or {}),
        ("stride", given.stride or {}),
    ):
        known = dims if field == "window" else tuple(window)
        for dim in sizes:
            if dim not in known:
                raise SpecError(
                    f"'{dim}' is no dim of the {'cube' if field == 'window' else 'window'}.",
                    hint=f"It has {', '.join(known) or 'none'}.",
                    code="invalid_window",
                    field=f"{field}.{dim}",
                )
    return window


def _steps(given: Inputs, window: dict[str, int]) -> dict[str, int]:
    overlap, stride = given.input_overlap or {}, given.stride or {}
    return {
        dim: int(stride.get(dim, size - int(overlap.get(dim, 0)))) for dim, size in window.items()
    }


def _plain(
    lags: Sequence[int] | Mapping[str, int | Sequence[int]] | None,
) -> Mapping[str, int | list[int]] | list[int] | None:
    if lags is None:
        return None
    if isinstance(lags, Mapping):
        return {
            name: found if isinstance(found, int) else list(found) for name, found in lags.items()
        }
    return list(lags)
