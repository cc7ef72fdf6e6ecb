"""Check that neighbours in time are one step apart: lags and a lead count steps."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ...errors import CubeError
from ..description.bounds import point
from ..grids.cf import is_time
from ..grids.coordinates import days_since_1970

#: A step this much longer than the usual one means that steps are missing; months differ less.
_GAP = 1.5


def check_steps(coord: xr.DataArray) -> None:
    """Check the coordinate of time.

    Raises
    ------
    CubeError
        ``unsorted_coordinates`` where time does not run forward, or stands still;
        ``time_gaps`` where steps are missing.
    """
    if is_time(coord):
        values = days_since_1970(coord)
    elif np.issubdtype(coord.dtype, np.number):
        values = np.asarray(coord.values, np.float64)
    else:
        return
    steps = np.diff(values)
    wrong = np.flatnonzero(~(steps > 0))
    if wrong.size:
        before, after = (point(coord.values[wrong[0] + i]) for i in (0, 1))
        raise CubeError(
            f"Lags and a lead count steps of '{coord.name}', which does not run forward: "
            f"{before} is followed by {after}.",
            hint=f"Sort it, each time once: "
            f"ds.drop_duplicates('{coord.name}').sortby('{coord.name}').",
            code="unsorted_coordinates",
            field="lags",
        )
    wide = np.flatnonzero(steps > _GAP * np.median(steps)) if steps.size else steps
    if wide.size:
        raise CubeError(
            f"Lags and a lead count steps of '{coord.name}', of which some are missing, the first "
            f"after {point(coord.values[wide[0]])}.",
            hint=f"Reindex the cube to all steps: ds.reindex({coord.name}=...); lags across the "
            "gap are then missing, as they are in features such as lag(x, '8D').",
            code="time_gaps",
            field="lags",
        )
