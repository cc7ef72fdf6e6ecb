"""Whether the test is as hard as the use: distances, straddling samples, copies, statistics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import SpecError
from ..grids.grid import Grid, grid_of
from ..grids.variables import require_variable
from ..identity.digest import mix64
from .autocorrelation import Autocorrelation
from .base import Split, frame_of
from .elsewhere import Trained, distances_from
from .fitted_on import FittedOn, fitted_on
from .nearest_train import (
    Cells,
    Piece,
    Wanted,
    days_of,
    distances_in_space,
    distances_in_time,
    map_piece,
    series_pieces,
    spread,
)
from .recommended import lengths_of, recommended_blocks

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
Verdict = Literal["too easy", "fits", "too hard", "unknown"]
#: Difference of mean nearness from which a test is called too easy or too hard.
_TOLERANCE = 0.15
_WINDOWS = 200
#: The mask of the cells to predict travels with the cube under this name.
_WANTED = "mlkit_wanted"


@dataclass(frozen=True)
class Distances:
    """How far cells lie from train cells.

    Attributes
    ----------
    axis : {"space", "time"}
        To the nearest train cell of the same date, or of the same place.
    unit : {"deg", "m", "D"}
    test, prediction : tuple of float
        Quantiles at 5, 25, 50, 75 and 95 % of the cells that have one; empty where none has.
    test_without, prediction_without : float
        Share of cells that have none.
    """

    axis: Literal["space", "time"]
    unit: str
    test: tuple[float, ...]
    prediction: tuple[float, ...]
    test_without: float
    prediction_without: float


@dataclass(frozen=True)
class LeakageReport:
    """Whether the test cells are as hard as what the model shall predict.

    Attributes
    ----------
    verdict : {"too easy", "fits", "too hard", "unknown"}
    sentence : str
    distances : tuple of Distances
    straddling : float
        Share of windows whose target cells have several roles (sampled).
    duplicates : int
        Test rows (target and features) of the sample that equal a train row of it.
    duplicates_among : int
        Test rows of the sample.
    statistics : {"train", "all", "other"} or None
        Which cells the scaler was fitted on; None without a scaler.
    autocorrelation : tuple of Autocorrelation
        In space and in time, of the target.
    recommended : dict
        Size of blocks by dim, twice the autocorrelation length.
    """

    verdict: Verdict
    sentence: str
    distances: tuple[Distances, ...]
    straddling: float
    duplicates: int
    duplicates_among: int
    statistics: FittedOn | None
    autocorrelation: tuple[Autocorrelation, ...]
    recommended: dict[str, str]


def leakage_report(
    split: Split,
    ds: xr.Dataset,
    *,
    target: str,
    features: Sequence[str] = (),
    window: Mapping[str, int] | None = None,
    predict_on: xr.Dataset | xr.DataArray | Literal["gaps", "all"] | None = None,
    scaler: Any = None,
    autocorrelation: Sequence[Autocorrelation] | None = None,
    seed: int = 0,
) -> LeakageReport:
    """Compare how far test cells lie from train with how far the cells to predict do.

    The idea is that of kNNDM (Linnenbrink et al. 2024): a test is honest where its distances to
    train are distributed like those of the prediction. Here space (at the same date) and time
    (at the same place) are kept apart, and distances count as shares of the autocorrelation
    length, beyond which all are alike. Everything is taken from samples of the cube that are
    drawn by `seed`; only a scaler takes a pass over it. Of longer series fewer places are read:
    no cube takes more than 600 MB, beside its coordinates.

    Parameters
    ----------
    split : Split
    ds : xarray.Dataset
    target : str
    features : sequence of str
    window : mapping, optional
        Cells of a sample by dim, where samples are windows.
    predict_on : {"gaps", "all"}, DataArray of bool or Dataset, optional
        Cells that shall be predicted: those without target but with
        features, at places where the target is at other dates, every cell,
        those of a mask on the cube's grid, or another cube: its cells with features (all cells
        where it holds none of them), at their own places and dates. By default the gaps, or
        every cell where there is none.
    scaler : optional
        A fitted scaler, whose ``constants()`` tell on which cells it was fitted.
    autocorrelation : sequence of Autocorrelation, optional
        Lengths of the target where they are already known: they do not depend on the split.
    seed : int

    Returns
    -------
    LeakageReport

    Raises
    ------
    CubeError, SpecError
        A variable is missing, a chunk cannot be read, or the split does not fit the cube.
    """
    names = [target, *features]
    for name in names:
        require_variable(ds, name, "target" if name == target else "features")
    rule, grid = split.resolve(ds), grid_of(ds)
    rng = np.random.default_rng(seed)
    main = (grid.time, *grid.horizontal)
    flat = ds.isel({dim: 0 for dim in ds[target].dims if dim not in main})
    if isinstance(predict_on, xr.DataArray):
        flat = flat.assign({_WANTED: _mask_of(predict_on, flat)})
    lengths = lengths_of(flat, target, grid, autocorrelation or (), seed)
    maps = map_piece(rule, flat, names, grid, rng) if grid.horizontal else None
    dated = grid.time is not None and grid.time in flat[target].dims
    series = series_pieces(rule, flat, names, grid, rng) if dated else []
    wanted = None
    if not isinstance(predict_on, xr.Dataset):
        wanted = _wanted(predict_on, [*series, *([maps] if maps else [])])
    distances, nearness = [], []
    for length in lengths:
        pieces = [maps] if length.axis == "space" and maps else series
        pair = [_distances(pieces, grid, length.axis, _tested, rng)]
        if isinstance(predict_on, xr.Dataset):
            trained = Trained(rule, flat, names, grid)
            pair.append(distances_from(predict_on, trained, length.axis, rng))
        elif wanted is not None:
            pair.append(_distances(pieces, grid, length.axis, wanted, rng))
        distances.append(_quantiles(length, *pair))
        nearness.append([_nearness(found, length) for found in pair])
    verdict, sentence = _judge(nearness)
    test, among = _duplicates([*series, *([maps] if maps else [])])
    return LeakageReport(
        verdict=verdict,
        sentence=sentence,
        distances=tuple(distances),
        straddling=0.0 if not window else _straddling(rule, ds, target, window, rng),
        duplicates=test,
        duplicates_among=among,
        statistics=None if scaler is None else fitted_on(scaler, rule, ds, names),
        autocorrelation=lengths,
        recommended=recommended_blocks(lengths, grid),
    )


def _mask_of(mask: xr.DataArray, ds: xr.Dataset) -> xr.DataArray:
    try:
        return xr.align(mask, ds, join="exact", copy=False)[0]
    except (ValueError, xr.AlignmentError) as error:
        raise SpecError(
            "The mask of the cells to predict is on another grid than the cube.",
            hint="Bring it to the cube's grid first: mask.interp_like(cube, method='nearest').",
            code="other_grid",
            field="predict_on",
        ) from error


def _wanted(
    predict_on: xr.DataArray | Literal["gaps", "all"] | None, pieces: list[Piece]
) -> Wanted:
    if isinstance(predict_on, xr.DataArray):

        def masked(piece: Piece) -> NDArray[np.bool_]:
            asked = piece.ds[_WANTED].astype(np.int8)
            found: NDArray[np.bool_] = spread(piece.ds, asked, piece.dims) == 1
            return found

        return masked

    def gaps(piece: Piece) -> NDArray[np.bool_]:
        present = np.isfinite(piece.values[0])
        # Where the target never is, as over the sea, it is not wanted either.
        found: NDArray[np.bool_] = ~present & piece.explained & present.any(axis=0, keepdims=True)
        return found

    if predict_on == "gaps" or (predict_on is None and any(gaps(piece).any() for piece in pieces)):
        return gaps
    return lambda piece: piece.explained


def _tested(piece: Piece) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = piece.known & (piece.roles == 2)
    return found


def _distances(
    pieces: list[Piece], grid: Grid, axis: str, asked: Wanted, rng: np.random.Generator
) -> NDArray[np.float64]:
    found = []
    for piece in pieces:
        train, there = piece.known & (piece.roles == 0), asked(piece)
        if axis == "space":
            here, cells = (Cells.of(piece.ds, grid, part) for part in (train, there))
            found.append(distances_in_space(here, cells, rng))
        else:
            days = days_of(piece)
            train, there = (part.reshape(days.size, -1) for part in (train, there))
            found.append(distances_in_time(days, train, days, there))
    return np.concatenate(found) if found else np.empty(0)


def _quantiles(
    length: Autocorrelation, test: NDArray[np.float64], prediction: NDArray[np.float64]
) -> Distances:
    def of(found: NDArray[np.float64]) -> tuple[tuple[float, ...], float]:
        finite = found[np.isfinite(found)]
        without = 1 - finite.size / found.size if found.size else 0.0
        return tuple(np.quantile(finite, QUANTILES).tolist()) if finite.size else (), without

    (of_test, test_without), (of_prediction, prediction_without) = of(test), of(prediction)
    return Distances(
        length.axis, length.unit, of_test, of_prediction, test_without, prediction_without
    )


def _nearness(found: NDArray[np.float64], length: Autocorrelation) -> float:
    """Return the mean distance as a share of the autocorrelation length, at most 1."""
    if not found.size:
        return math.nan
    # Where the range is not known, it is taken as the largest lag that was looked at.
    reach = max(length.lags, default=1.0) if length.length is None else length.length
    return float(np.minimum(found / reach, 1.0).mean())


def _judge(nearness: list[list[float]]) -> tuple[Verdict, str]:
    """Compare the axis along which train is nearest."""
    tested = [pair for pair in nearness if not math.isnan(pair[0])]
    if not tested:
        return "unknown", "There is no test cell with a target."
    known = [pair for pair in tested if not math.isnan(pair[1])]
    if not known:
        return "unknown", "What is to be predicted lies outside this cube."
    test, prediction = (min(pair[i] for pair in known) for i in (0, 1))
    words = (
        f"test cells lie on average {100 * test:.0f} % of the autocorrelation length from train, "
        f"the cells to predict {100 * prediction:.0f} %."
    )
    if test < prediction - _TOLERANCE:
        return "too easy", f"The scores will flatter: {words}"
    if test > prediction + _TOLERANCE:
        return "too hard", f"The scores will be worse than in use: {words}"
    return "fits", f"The test is about as hard as the use: {words}"


def _straddling(
    split: Split, ds: xr.Dataset, target: str, window: Mapping[str, int], rng: np.random.Generator
) -> float:
    dims = [str(dim) for dim in ds[target].dims]
    frame, _ = frame_of(ds)
    mixed = 0
    for _ in range(_WINDOWS):
        box = {}
        for dim in dims:
            size, total = int(window.get(dim, 1)), int(ds.sizes[dim])
            start = int(rng.integers(0, max(1, -(-total // size)))) * size
            box[dim] = slice(start, min(total, start + size))
        roles = split.assign(frame.isel(box)).values
        mixed += len(np.unique(roles[roles < 3])) > 1
    return mixed / _WINDOWS


def _duplicates(pieces: list[Piece]) -> tuple[int, int]:
    """Count test rows of the sample that equal a train row, by the hash of their bits."""
    train, test = [], []
    for piece in pieces:
        known = piece.known
        hashes = np.zeros(int(known.sum()), np.uint64)
        for column in piece.values:
            bits = (column[known] + np.float32(0)).view(np.uint32).astype(np.uint64)
            hashes = mix64(hashes ^ bits)
        roles = piece.roles[known]
        train.append(hashes[roles == 0])
        test.append(hashes[roles == 2])
    if not test:
        return 0, 0
    asked = np.concatenate(test)
    return int(np.isin(asked, np.concatenate(train)).sum()), int(asked.size)
