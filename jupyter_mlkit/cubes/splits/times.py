"""Train on the past, validate and test on later times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import SpecError
from ..grids.coordinates import date_as_days, parse_date
from ..grids.grid import grid_of, is_time
from ..grids.sizes import Size, parse_size
from .axes import CutAxis, along, axis_of, hash_blocks, without_placeless
from .base import Split
from .blocks import cuts_of, sizes_as_text
from .buffer import size_of_span
from .roles import BUFFER, role_array
from .tiling import tiles_of


@dataclass(frozen=True)
class TimeSplit(Split):
    """Train on the past, validate and test on later times.

    Parameters
    ----------
    validation_start, test_start : str
        ISO dates; train ends where validation starts.
    buffer : str, optional
        ``"80D"``: train times this near to validation or test are removed, and validation
        times this near to test.
    lead : str, optional
        Lead time of a forecast, ``"8D"``: no train target is later than validation or test
        start minus lead.
    tiles : mapping, optional
        Horizontal size of the blocks that counts and intervals are based on; they follow from
        the extent (:meth:`resolve`) and take no part in the roles.
    """

    validation_start: str
    test_start: str
    buffer: str | None = None
    lead: str | None = None
    tiles: Mapping[str, Size | str] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        for name in ("validation_start", "test_start"):
            parse_date(getattr(self, name), field=f"split.{name}")
        for name in ("buffer", "lead"):
            text = getattr(self, name)
            if text is not None:
                object.__setattr__(self, name, str(size_of_span(text, f"split.{name}")))

    def resolve(self, ds: xr.Dataset) -> TimeSplit:
        """Return this split with tiles that suit the extent of `ds`."""
        self._times(ds)
        return replace(self, tiles=tiles_of(ds, grid_of(ds)))

    def assign(self, frame: xr.Dataset) -> xr.DataArray:
        """Return the role of each time, see :meth:`Split.assign`."""
        axis, starts = self._times(frame)
        roles = _role_of(axis.values, starts)
        roles[self._removed(axis.values, roles, starts)] = BUFFER
        return without_placeless(role_array(roles, axis.dims, along(frame, axis.dims)), [axis])

    def block_ids(self, frame: xr.Dataset) -> xr.DataArray:
        """Return horizontal tiles within each role; single times where nothing is horizontal."""
        grid = grid_of(frame)
        axis, starts = self._times(frame)
        tiles = tiles_of(frame, grid) if self.tiles is None else self.tiles
        moments = (
            _role_of(axis.values, starts).astype(np.int64)
            if tiles
            else np.round(np.nan_to_num(axis.values) * 86_400).astype(np.int64)
        )
        cuts = [(cut, cut.index(size)) for cut, size in cuts_of(frame, grid, tiles)]
        return hash_blocks(frame, 0, [(axis, moments), *cuts])

    def to_dict(self) -> dict[str, Any]:
        """Return kind and dates, what is kept free, and the tiles."""
        rule: dict[str, Any] = {
            "kind": "time",
            "validation_start": self.validation_start,
            "test_start": self.test_start,
        }
        rule |= {name: text for name in ("buffer", "lead") if (text := getattr(self, name))}
        return rule if self.tiles is None else rule | {"tiles": sizes_as_text(self.tiles)}

    @classmethod
    def from_dict(cls, rule: Mapping[str, Any]) -> TimeSplit:
        """Read what :meth:`to_dict` returned."""
        return cls(**{key: value for key, value in rule.items() if key != "kind"})

    def _removed(
        self,
        days: NDArray[np.float64],
        roles: NDArray[np.int8],
        starts: tuple[float, float],
    ) -> NDArray[np.bool_]:
        """Return the times that lie too near to the next role."""
        removed = np.zeros(days.shape, dtype=bool)
        for role, start in enumerate(starts):
            before = (roles <= role) & (days < start)
            if self.buffer is not None:
                removed |= before & (start - days <= parse_size(self.buffer).value)
            if self.lead is not None:
                removed |= before & (start - days < parse_size(self.lead).value)
        return removed

    def _times(self, ds: xr.Dataset) -> tuple[CutAxis, tuple[float, float]]:
        """Return the times of the cells, and the days since 1970 where the later roles start."""
        grid = grid_of(ds)
        time = grid.time or grid.cell_time
        if time is None or time not in ds.coords or not is_time(ds[time]):
            raise SpecError(
                "A split by time needs a time dim with dates, which this cube lacks.",
                hint="Use a block split.",
                field="split.kind",
            )
        first, second = (
            date_as_days(parse_date(text), ds[time])
            for text in (self.validation_start, self.test_start)
        )
        return axis_of(ds, grid, time, field="split.kind"), (first, second)


def _role_of(days: NDArray[np.float64], starts: tuple[float, float]) -> NDArray[np.int8]:
    return np.searchsorted(np.array(starts), days, side="right").astype(np.int8)
