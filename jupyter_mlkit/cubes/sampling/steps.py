"""Where time runs in regular steps: no sample reaches across a gap, as lags count steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError
from ..description.bounds import point
from ..features.mlkit_features import runs_of
from ..grids.cf import is_time
from ..grids.coordinates import days_since_1970
from .tiling import Along


@dataclass(frozen=True)
class TimeGaps:
    """What gaps of the time axis cost.

    Attributes
    ----------
    dim : str
    gaps : int
        Places where the next step is not the usual one.
    after : str
        The time before the first of them.
    places : int
        Places along `dim` at which a window would start (without windows in time: times of
        the target).
    skipped : int
        Those of them that are left out, because what lies between the first and the last time
        that a sample needs is no run of regular steps.
    longest : int
        Times of the longest run of regular steps.
    """

    dim: str
    gaps: int
    after: str
    places: int
    skipped: int
    longest: int

    def __str__(self) -> str:
        """Say it in one sentence."""
        return (
            f"{self.skipped} of {self.places} places along '{self.dim}' are left out: there "
            f"samples would reach across one of {self.gaps} gaps in time, the first after "
            f"{self.after}."
        )


@dataclass(frozen=True)
class Runs:
    """The runs of regular steps along time.

    Attributes
    ----------
    dim : str
    number : ndarray of int64
        By position, the number of its run.
    after : str
        The last time of the first run.
    """

    dim: str
    number: NDArray[np.int64]
    after: str

    def kept(self, axis: Along) -> NDArray[np.bool_]:
        """Return which samples along time lie within one run."""
        last = axis.size - 1
        first, final = (
            self.number[np.clip(axis.starts + cell, 0, last)] for cell in (axis.low, axis.high)
        )
        kept: NDArray[np.bool_] = first == final
        return kept

    def gaps(self, axis: Along) -> TimeGaps:
        """Return what the gaps cost.

        Raises
        ------
        CubeError
            ``time_gaps`` where no sample lies wholly within a run.
        """
        kept = self.kept(axis)
        longest = int(np.bincount(self.number).max())
        whole = kept & (axis.starts + axis.low >= 0) & (axis.starts + axis.high < axis.size)
        if not whole.any():
            raise CubeError(
                f"Each sample needs {axis.high - axis.low + 1} regular steps of '{self.dim}', "
                f"and nowhere are there more than {longest}: the first gap comes after "
                f"{self.after}.",
                hint=f"Choose a shorter window or lag; reindex the cube to all steps, "
                f"ds.reindex({self.dim}=...), to have what lacks missing; or count steps "
                "whatever lies between them: time_gaps='join'.",
                code="time_gaps",
                field="time_gaps",
            )
        skipped = int((~kept).sum())
        return TimeGaps(
            self.dim, int(self.number[-1]), self.after, axis.starts.size, skipped, longest
        )


def runs_along(coord: xr.DataArray, *, lagged: bool) -> Runs | None:
    """Return the runs of regular steps of a coordinate of time, None where there is but one.

    Which steps are regular is told by :func:`.mlkit_features.runs_of`, as for the features
    ``lag(x, 2)``.

    Parameters
    ----------
    coord : xarray.DataArray
    lagged : bool
        Whether samples have lags or a lead, which need time to run forward; windows alone may
        lie on a time that runs backward.

    Raises
    ------
    CubeError
        ``unsorted_coordinates`` where time does not run in one direction, or stands still.
    """
    years = np.zeros(coord.size, np.int64)
    if is_time(coord):
        values, years = days_since_1970(coord), np.asarray(coord.dt.year.values)
    elif np.issubdtype(coord.dtype, np.number):
        values = np.asarray(coord.values, np.float64)
    else:
        return None
    if not lagged and coord.size > 1 and values[0] > values[-1]:
        values, years = -values, -years
    wrong = np.flatnonzero(~(np.diff(values) > 0))
    if wrong.size:
        before, after = (point(coord.values[wrong[0] + i]) for i in (0, 1))
        raise CubeError(
            f"Lags, a lead and windows in time count steps of '{coord.name}', which does not run "
            f"forward: {before} is followed by {after}.",
            hint=f"Sort it, each time once: "
            f"ds.drop_duplicates('{coord.name}').sortby('{coord.name}').",
            code="unsorted_coordinates",
            field="lags" if lagged else "input_dims",
        )
    number = runs_of(values, years)
    if not number.size or not number[-1]:
        return None
    return Runs(str(coord.name), number, point(coord.values[int((number == 0).sum()) - 1]))
