"""Parts of a spec that suit a cube: target, features, and a split for each use."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import xarray as xr

from ...errors import MLKitError
from ...models import ErrorBody, Variable
from ..grids.coordinates import days_since_1970
from ..grids.grid import Grid, is_time
from ..grids.sizes import Size, parse_size
from ..grids.tiles import ENOUGH_BLOCKS, extent, spacing
from ..splits.autocorrelation import Autocorrelation
from ..splits.recommended import lengths_of, recommended_blocks
from ..splits.tiling import tile_count, tiles_of

_TIME_BLOCKS = 5
#: Width of the buffer. One as wide as the autocorrelation reaches (half a block) would leave
#: few cells to train on, as three blocks in ten are held out: on the demo cube a quarter of a
#: block takes 58 % of the train cells, a tenth 26 %.
_BUFFER_OF_BLOCK = 1 / 10
_SHARE_TOLERANCE = 0.02
_TRAIN_END, _VALIDATION_END = 0.7, 0.8
#: Fewer blocks than usual, as a small cube has them at the size that is honest: each role needs its
#: share of them. Below so many the blocks are as large as the cube allows.
_FEW_SHARES, _FEWEST_BLOCKS = {"train": 0.6, "validation": 0.2, "test": 0.2}, 60
#: New places at later times: both parts must agree, so that each holds out more.
_BOTH_SHARES = {"train": 0.5, "validation": 0.2, "test": 0.3}
_BOTH_TRAIN_END, _BOTH_VALIDATION_END = 0.55, 0.75
#: Share of missing cells within which the target's own gaps can be held out again.
_LEAST_GAPS, _MOST_GAPS = 0.02, 0.98


def suggest(
    ds: xr.Dataset, grid: Grid, variables: list[Variable]
) -> tuple[dict[str, Any], list[ErrorBody]]:
    """Return target, features and splits by use, as parts of a TrainingSpec.

    Parameters
    ----------
    ds : xarray.Dataset
    grid : Grid
    variables : list of Variable
        As described, with the sampled share of valid cells.

    Returns
    -------
    dict, list of ErrorBody
        The parts, and where the blocks are not those that the leakage report recommends: which
        they are and why.
    """
    target, features = _variables(ds, variables)
    share = next((v.valid_share for v in variables if v.name == target), None)
    lengths = _lengths(ds, grid, target)
    recommended = recommended_blocks(lengths, grid)
    places = _place_sizes(ds, grid, recommended)
    found = _splits(ds, grid, places, _moment_size(ds, grid, recommended), target, share)
    parts = {"target": target, "features": features, "splits": found}
    return parts, list(_other_blocks(ds, grid, places, lengths, recommended, target))


def _splits(
    ds: xr.Dataset,
    grid: Grid,
    places: dict[str, str],
    moments: dict[str, str],
    target: str | None,
    valid_share: float | None,
) -> dict[str, Any]:
    """Return a split for each use that the cube allows.

    ``gaps``: the shapes of the target's real gaps where it has some at its dates, else blocks
    of space and time. ``places``: blocks with a buffer. ``times``: the last part of the period.
    ``both``: blocks at later times.
    """
    found: dict[str, Any] = {}
    if places:
        found["places"] = _block_split(places) | _few(ds, grid, places) | _buffer(places)
    if _has_gaps(ds, grid, target, valid_share):
        found["gaps"] = {"kind": "gap"}
    elif places or moments:
        found["gaps"] = _block_split({**moments, **places})
    times = _time_split(ds, grid, _TRAIN_END, _VALIDATION_END)
    if times is not None:
        found["times"] = times
    later = _time_split(ds, grid, _BOTH_TRAIN_END, _BOTH_VALIDATION_END)
    if places and later is not None:
        blocks = _block_split(places) | {"shares": _BOTH_SHARES}
        found["both"] = {"kind": "all", "parts": [blocks, later]}
    return found


def _has_gaps(ds: xr.Dataset, grid: Grid, target: str | None, valid_share: float | None) -> bool:
    """Return whether the target has gaps that differ between dates."""
    if target is None or valid_share is None or _dated(ds, grid) not in ds[target].dims:
        return False
    return _LEAST_GAPS <= 1 - valid_share <= _MOST_GAPS and ds.sizes[str(grid.time)] >= 3


def _buffer(places: Mapping[str, str]) -> dict[str, Any]:
    """Return the buffer that suits blocks; none where their sizes have no one unit."""
    sizes = [parse_size(text) for text in places.values()]
    if len({size.kind for size in sizes}) != 1 or sizes[0].kind == "plain":
        return {}
    width = Size(_BUFFER_OF_BLOCK * min(size.value for size in sizes), sizes[0].kind)
    return {"buffer": {"space": str(width)}}


def _variables(ds: xr.Dataset, variables: list[Variable]) -> tuple[str | None, list[str]]:
    """Guess the target: of the variables on most dims, the one with most gaps, then the last."""
    able = [v for v in variables if _is_measured(ds[v.name]) and v.minimum != v.maximum]
    able = [v for v in able if v.valid_share is None or v.valid_share > 0]
    if not able:
        return None, []
    widest = max(len(v.dims) for v in able)
    full = [v for v in able if len(v.dims) == widest]
    least = min(_share(v) for v in full)
    target = [v for v in full if _share(v) <= least + _SHARE_TOLERANCE][-1]
    features = [v.name for v in able if v.name != target.name and set(v.dims) <= set(target.dims)]
    return target.name, features


def _share(variable: Variable) -> float:
    return 1.0 if variable.valid_share is None else variable.valid_share


def _is_measured(variable: xr.DataArray) -> bool:
    """Return whether `variable` holds quantities, not flags, classes or words."""
    attrs: Mapping[str, Any] = {str(key): value for key, value in variable.attrs.items()}
    flagged = any(key.startswith(("flag_", "flag")) for key in attrs)
    return bool(np.issubdtype(variable.dtype, np.number)) and not flagged and variable.ndim > 0


def _lengths(ds: xr.Dataset, grid: Grid, target: str | None) -> tuple[Autocorrelation, ...]:
    """Return how far the target knows itself, nothing where that cannot be measured."""
    if target is None:
        return ()
    try:
        return lengths_of(ds, target, grid)
    except MLKitError:
        # A damaged chunk is a problem of the description, and a cube without places has none.
        return ()


def _place_sizes(ds: xr.Dataset, grid: Grid, recommended: Mapping[str, str]) -> dict[str, str]:
    """Return the recommended sizes where the cube holds enough such blocks, else its tiles."""
    if any(not ds.sizes[dim] for dim in grid.horizontal):
        return {}
    tiles = tiles_of(ds, grid)
    asked = {dim: parse_size(size) for dim, size in recommended.items() if dim in tiles}
    alike = len(asked) == len(tiles) and all(asked[dim].kind == tiles[dim].kind for dim in tiles)
    if alike and tile_count(ds, grid, asked) >= _FEWEST_BLOCKS:
        tiles = asked
    return {dim: str(size) for dim, size in tiles.items()}


def _other_blocks(
    ds: xr.Dataset,
    grid: Grid,
    places: dict[str, str],
    lengths: tuple[Autocorrelation, ...],
    recommended: Mapping[str, str],
    target: str | None,
) -> Iterator[ErrorBody]:
    """Say which blocks are suggested, and why, where they are not the recommended ones."""
    known = next((length for length in lengths if length.axis == "space"), None)
    asked = {dim: recommended[dim] for dim in places if dim in recommended}
    if not places or known is None or known.status == "too few pairs" or asked == places:
        return
    if known.status == "not reached":
        why = (
            f"Values of '{target}' are alike over more than this cube is wide: no blocks are "
            "large enough to hold out cells that are unlike those of training."
        )
    else:
        n = tile_count(ds, grid, {dim: parse_size(size) for dim, size in asked.items()})
        why = (
            f"Blocks of {_words(asked)}, twice as long as values of '{target}' are alike, would "
            f"be only {n} over this cube, and a split needs {_FEWEST_BLOCKS}."
        )
    n = tile_count(ds, grid, {dim: parse_size(size) for dim, size in places.items()})
    yield ErrorBody(
        message=f"{why} The suggested blocks are smaller: {n} of {_words(places)}. Test cells "
        "then lie near training cells, and scores for new places will flatter.",
        code="small_blocks",
        hint="Take a larger region, a wider buffer, or hold out regions or later times; the "
        "leakage report tells how much it matters.",
        field=target,
    )


def _words(sizes: Mapping[str, str]) -> str:
    if len(set(sizes.values())) == 1:
        return next(iter(sizes.values()))
    return " by ".join(f"{size} ({dim})" for dim, size in sizes.items())


def _few(ds: xr.Dataset, grid: Grid, places: Mapping[str, str]) -> dict[str, Any]:
    """Return other shares where the cube has few such blocks."""
    sizes = {dim: parse_size(size) for dim, size in places.items()}
    return {"shares": _FEW_SHARES} if tile_count(ds, grid, sizes) < ENOUGH_BLOCKS else {}


def _moment_size(ds: xr.Dataset, grid: Grid, recommended: Mapping[str, str]) -> dict[str, str]:
    time = _dated(ds, grid)
    step = spacing(ds, grid, time) if time else None
    if time is None or not step:
        return {}
    most = max(step, extent(ds, grid, time) / _TIME_BLOCKS)
    days = min(most, parse_size(recommended[time]).value) if time in recommended else most
    # Hours below a day, whole days above.
    return {time: f"{math.ceil(days)}D" if days >= 1 else f"{math.ceil(days * 24)}h"}


def _time_split(
    ds: xr.Dataset, grid: Grid, train_end: float, validation_end: float
) -> dict[str, str] | None:
    time = _dated(ds, grid)
    if time is None or ds.sizes[time] < 3:
        return None
    days = np.sort(days_since_1970(ds[time]))
    first = min(max(1, int(train_end * days.size)), days.size - 2)
    second = min(max(first + 1, int(validation_end * days.size)), days.size - 1)
    exact = float(np.diff(days).min()) < 1
    return {
        "kind": "time",
        "validation_start": _iso(float(days[first]), exact=exact),
        "test_start": _iso(float(days[second]), exact=exact),
    }


def _dated(ds: xr.Dataset, grid: Grid) -> str | None:
    """Return the time dim where it has dates of the common calendar."""
    time = grid.time
    if time is None or time not in ds.coords or not is_time(ds[time]):
        return None
    return time if np.issubdtype(ds[time].dtype, np.datetime64) else None


def _iso(days: float, *, exact: bool) -> str:
    moment = datetime.fromtimestamp(math.floor(days * 86_400), UTC).replace(tzinfo=None)
    return moment.isoformat() if exact else moment.date().isoformat()


def _block_split(sizes: dict[str, str]) -> dict[str, Any]:
    return {"kind": "block", "sizes": sizes}
