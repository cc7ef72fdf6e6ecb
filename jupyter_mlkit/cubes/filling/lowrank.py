"""Fill a matrix of dates and cells by few patterns (EOFs), found where it was seen.

The idea is DINEOF's: gaps take the values of a truncated EOF expansion of the field, its rank
chosen by cross-validation (Beckers & Rixen 2003, J. Atmos. Oceanic Technol. 20, 1839), with the
amplitudes smoothed in time (Alvera-Azcárate et al. 2009, Ocean Sci. 5, 475). Instead of repeated
singular value decompositions of a filled matrix, which converge slowly where three quarters are
missing and trust thin dates as much as full ones, amplitudes and patterns are solved for in turn
from the seen cells alone, with a ridge (Hastie et al. 2015, JMLR 16, 3367).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Seen = NDArray[np.bool_]

_ROUNDS = 15
#: Cells that settings are chosen on.
_SAMPLE = 1024
#: Weight that pulls the mean of a cell towards that of all: a tenth of a date.
_MEAN_WEIGHT = 0.1
_PENALTIES = (0.5, 2.0, 8.0)
_SMOOTHINGS = (0.0, 0.3, 1.0, 3.0)
_RANKS = (1, 2, 4, 8, 12)


@dataclass(frozen=True)
class Settings:
    """How a field is described.

    Attributes
    ----------
    rank : int
        Number of patterns.
    penalty : float
        Of large amplitudes and patterns, in standard deviations of the field.
    smoothing : float
        How strongly an amplitude is drawn to those of the dates beside it, relative to a date
        of average coverage.
    """

    rank: int = 4
    penalty: float = 2.0
    smoothing: float = 1.0


def fill_low_rank(
    values: Matrix, seen: Seen, times: NDArray[np.float64], settings: Settings
) -> Matrix:
    """Return the low-rank field at every date and cell.

    Parameters
    ----------
    values : (n_times, n_cells) array
        Only where `seen`; 0 is as good as NaN elsewhere.
    seen : (n_times, n_cells) array of bool
    times : (n_times,) array
        Increasing, in any unit.
    settings : Settings

    Returns
    -------
    (n_times, n_cells) float64 array
        Also where the field was seen.
    """
    middle, spread = _moments(values, seen)
    field = np.where(seen, (values - middle) / spread, 0.0)
    counts = seen.astype(np.float64)
    n_times, rank = len(values), min(settings.rank, max(1, len(values) - 1))
    # Any start will do; this one is the same for every run.
    amplitudes = np.random.default_rng(0).standard_normal((n_times, rank))
    penalty = settings.penalty * np.eye(rank)
    patterns = np.zeros((values.shape[1], rank + 1))
    for _ in range(_ROUNDS):
        basis = np.concatenate([np.ones((n_times, 1)), amplitudes], axis=1)
        ridge = np.diag([_MEAN_WEIGHT] + [settings.penalty] * rank)
        patterns = _solve(_normal(counts.T, basis) + ridge, field.T @ basis)
        modes = patterns[:, 1:]
        rest = np.where(seen, field - patterns[:, 0], 0.0)
        normal = _normal(counts, modes)
        pull = settings.smoothing * float(np.trace(normal.mean(axis=0))) / rank
        target = rest @ modes + pull * _between(amplitudes, times)
        amplitudes = _solve(normal + pull * np.eye(rank) + penalty, target)
    basis = np.concatenate([np.ones((n_times, 1)), amplitudes], axis=1)
    return np.asarray(middle + spread * (basis @ patterns.T))


def choose_settings(
    values: Matrix, seen: Seen, held_out: Seen, times: NDArray[np.float64], rank: int | None
) -> Settings:
    """Return the settings that predict the cells held out best, one after the other.

    Parameters
    ----------
    values, seen, times
        As for :func:`fill_low_rank`.
    held_out : (n_times, n_cells) array of bool
        Seen cells in the shape of gaps.
    rank : int, optional
        Taken as given.
    """
    best = Settings(rank or Settings.rank)
    if not held_out.any():
        return best
    n_cells = values.shape[1]
    if n_cells > _SAMPLE:
        # What settings suit a field shows in a part of its cells.
        cells = np.sort(np.random.default_rng(0).choice(n_cells, _SAMPLE, replace=False))
        values, seen, held_out = values[:, cells], seen[:, cells], held_out[:, cells]
    train = seen & ~held_out

    def error(settings: Settings) -> float:
        guess = fill_low_rank(values, train, times, settings)
        return float(np.mean((guess[held_out] - values[held_out]) ** 2))

    lowest = error(best)
    options: list[tuple[str, tuple[Any, ...]]] = [
        ("smoothing", _SMOOTHINGS),
        ("penalty", _PENALTIES),
        ("rank", _RANKS if rank is None else ()),
    ]
    for name, tried in options:
        start = best
        for value in tried:
            if value != getattr(start, name) and (name != "rank" or value < len(values)):
                settings = replace(start, **{name: value})
                found = error(settings)
                if found < lowest:
                    best, lowest = settings, found
    return best


def held_out_gaps(seen: Seen, share: float, rng: np.random.Generator) -> Seen:
    """Return seen cells that are missing at another date, until they are `share` of all seen."""
    hidden = np.zeros_like(seen)
    wanted, n_times = share * seen.sum(), len(seen)
    if n_times < 2:
        return hidden
    for _ in range(4 * n_times):
        if hidden.sum() >= wanted:
            break
        date, donor = rng.choice(n_times, 2, replace=False)
        hidden[date] |= seen[date] & ~seen[donor]
    # A cell that loses all its dates says nothing about how gaps are filled.
    hidden[:, ~(seen & ~hidden).any(axis=0)] = False
    return hidden


def _moments(values: Matrix, seen: Seen) -> tuple[float, float]:
    known = values[seen]
    if not known.size:
        return 0.0, 1.0
    return float(known.mean()), float(known.std()) or 1.0


def _normal(counts: Matrix, basis: Matrix) -> Matrix:
    """Return the normal matrix of each row of `counts`, (n, k, k)."""
    k = basis.shape[1]
    i, j = np.triu_indices(k)
    upper = counts @ (basis[:, i] * basis[:, j])
    normal = np.empty((len(counts), k, k))
    normal[:, i, j] = upper
    normal[:, j, i] = upper
    return normal


def _solve(normal: Matrix, target: Matrix) -> Matrix:
    return np.asarray(np.linalg.solve(normal, target[..., None])[..., 0])


def _between(amplitudes: Matrix, times: NDArray[np.float64]) -> Matrix:
    """Return what the neighbours in time say: a line between them, at the ends the one there is."""
    if len(amplitudes) < 2:
        return amplitudes
    found = np.empty_like(amplitudes)
    found[0], found[-1] = amplitudes[1], amplitudes[-2]
    whole = np.maximum(times[2:] - times[:-2], np.finfo(np.float64).tiny)
    share = ((times[1:-1] - times[:-2]) / whole)[:, None]
    found[1:-1] = (1 - share) * amplitudes[:-2] + share * amplitudes[2:]
    return found
