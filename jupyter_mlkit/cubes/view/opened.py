"""The cube that a spec names: its sources opened, and prepared where it says so."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from ...spec import Prepare, Source
from ..sources.open import open_cube


def open_prepared(sources: Sequence[Source], prepare: Prepare | None) -> xr.Dataset:
    """Open `sources` and return the cube that they make."""
    return open_cube(sources[0])
