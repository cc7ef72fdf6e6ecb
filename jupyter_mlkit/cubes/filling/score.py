"""How well gaps are filled: on seen cells that are hidden in the shape of gaps."""

from __future__ import annotations

import time
from collections.abc import Sequence

import xarray as xr

from ...errors import InvalidInputError
from ..grids.variables import require_variable
from ..scoring.score import score
from ..splits.base import Split
from ..splits.gaps import GapSplit
from ..splits.roles import ROLES
from .fill import fill_gaps
from .methods import Method

#: Shares of valid cells that are hidden where nothing else is asked for.
_SHARES = (0.9, 0.0, 0.1)


def score_filling(
    cube: xr.Dataset,
    target: str,
    covariates: Sequence[str] = (),
    methods: Sequence[Method] | None = None,
    *,
    held_out: Split | xr.DataArray | None = None,
    rank: int | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Compare ways to fill gaps, trivial ones included, on cells whose values are known.

    Parameters
    ----------
    cube : xarray.Dataset
    target : str
        Held in memory, once for each method.
    covariates : sequence of str
    methods : sequence of str, optional
        See :func:`fill_gaps`; all that the covariates allow where not given.
    held_out : Split or xarray.DataArray of bool, optional
        The test role of a split, or True where cells are hidden; a tenth of the valid cells by
        a :class:`GapSplit` where not given.
    rank : int, optional
        Number of patterns.
    seed : int
        Of the split and of the filling.

    Returns
    -------
    xarray.Dataset
        Over ``filling``, the methods: ``rmse``, ``mae``, ``bias`` and ``r2`` (weighted by area,
        in the units of `target`), ``n`` (hidden cells that were filled), ``unfilled`` (that were
        not) and ``seconds``. Best first.

    Raises
    ------
    InvalidInputError
        ``nothing_held_out``.
    CubeError
        ``unknown_variable``, ``unsupported_grid``.
    """
    require_variable(cube, target, "target")
    hidden = _hidden(cube, target, held_out, seed) & cube[target].notnull()
    count = int(hidden.sum())
    if not count:
        raise InvalidInputError(
            f"No seen cell of '{target}' is held out.",
            hint="Choose cells where the target is known.",
            code="nothing_held_out",
            field="held_out",
        )
    truth = cube[target].where(hidden)
    train = cube.assign({target: cube[target].where(~hidden)})
    rows = []
    names = list(methods) if methods is not None else _all(covariates)
    for name in names:
        start = time.perf_counter()
        used = () if name in ("eof", "mean", "nearest") else covariates
        filled = fill_gaps(train, target, name, used, rank=rank, seed=seed)
        seconds = time.perf_counter() - start
        row = score(filled, truth, weights=cube)
        rows.append(row.assign(seconds=seconds, unfilled=count - row["n"]))
    table = xr.concat(rows, xr.DataArray(names, dims="filling", name="filling"))
    units = cube[target].attrs.get("units")
    for metric in ("rmse", "mae", "bias") if units else ():
        table[metric].attrs["units"] = units
    return table.drop_vars("weight").sortby("rmse")


def _hidden(
    cube: xr.Dataset, target: str, held_out: Split | xr.DataArray | None, seed: int
) -> xr.DataArray:
    if isinstance(held_out, xr.DataArray):
        return held_out.astype(bool)
    split = GapSplit(_SHARES, seed, target) if held_out is None else held_out
    return split.resolve(cube[[target]]).assign(cube[[target]]) == ROLES.index("test")


def _all(covariates: Sequence[str]) -> list[Method]:
    trivial: list[Method] = ["eof", "mean", "nearest"]
    return ["eof+regression", "regression", *trivial] if covariates else trivial
