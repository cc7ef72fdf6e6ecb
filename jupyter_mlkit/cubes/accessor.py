"""``ds.mlkit``: what can be done with a cube, on the cube itself.

Importing this module registers the accessor. Every method passes on to the function of that
name, which is loaded when it is called and whose documentation says more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import xarray as xr

if TYPE_CHECKING:
    import pandas as pd

    from ..models import CubeDescription
    from ..spec import Period, Region
    from .grids.area import AreaWeights
    from .grids.grid import Grid
    from .identity.fingerprint import Fingerprint
    from .sampling.batch import Batch
    from .sampling.sampler import Sampler
    from .scaling.scalers import CubeScaler
    from .splits.autocorrelation import Autocorrelation
    from .splits.base import Split
    from .splits.leakage import LeakageReport


@xr.register_dataset_accessor("mlkit")  # type: ignore[no-untyped-call]
class CubeAccessor:
    """From a cube to training data and back."""

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = ds

    @property
    def grid(self) -> Grid:
        """Which dims are what, see :func:`.grids.grid.grid_of`."""
        from .grids.grid import grid_of

        return grid_of(self._ds)

    def area(self) -> AreaWeights:
        """Return how much each cell weighs, see :func:`.grids.area.cell_area_weights`."""
        from .grids.area import cell_area_weights

        return cell_area_weights(self._ds)

    def describe(self) -> CubeDescription:
        """Return what is in the cube and what is wrong, see :func:`.description.describe`."""
        from .description.describe import describe

        return describe(self._ds)

    def fingerprint(self, variables: Sequence[str] | None = None, **options: Any) -> Fingerprint:
        """Identify the cube, see :func:`.identity.fingerprint.fingerprint`."""
        from .identity.fingerprint import fingerprint

        return fingerprint(self._ds, variables, **options)

    def select(self, region: Region | None = None, period: Period | None = None) -> xr.Dataset:
        """Cut out a region and a period, see :func:`.grids.select.select`."""
        from .grids.select import select

        return select(self._ds, region, period)

    def derive(self, features: Sequence[str]) -> xr.Dataset:
        """Add computed features, see :func:`.features.derive.derive`."""
        from .features.derive import derive

        return derive(self._ds, features)

    def match_points(self, table: pd.DataFrame | xr.Dataset, **options: Any) -> xr.Dataset:
        """Give measurements the values of their cells, see :func:`.points.match.match_points`."""
        from .points.match import match_points

        return match_points(self._ds, table, **options)

    def assign(self, split: Split) -> xr.Dataset:
        """Return the cube with the coordinate ``role``, see :meth:`.splits.base.Split.assign`."""
        return self._ds.assign_coords(role=split.resolve(self._ds).assign(self._ds))

    def leakage_report(self, split: Split, *, target: str, **options: Any) -> LeakageReport:
        """Say whether a test would flatter, see :func:`.splits.leakage.leakage_report`."""
        from .splits.leakage import leakage_report

        return leakage_report(split, self._ds, target=target, **options)

    def autocorrelation_length(self, target: str, **options: Any) -> Autocorrelation:
        """Measure how far values know each other, see :mod:`.splits.autocorrelation`."""
        from .splits.autocorrelation import autocorrelation_length

        return autocorrelation_length(self._ds, target, **options)

    def sampler(
        self, features: Sequence[str], target: str | None = None, **options: Any
    ) -> Sampler:
        """Return samples in shuffled batches, see :class:`.sampling.sampler.Sampler`."""
        from .sampling.sampler import Sampler

        return Sampler(self.derive(features), features, target, **options)

    def batches(
        self, features: Sequence[str], target: str | None = None, **options: Any
    ) -> Iterator[Batch]:
        """Yield the batches of one epoch, see :class:`.sampling.sampler.Sampler`."""
        return iter(self.sampler(features, target, **options))

    def scale(
        self, scaler: CubeScaler | None = None, split: Split | None = None, **options: Any
    ) -> xr.Dataset:
        """Fit `scaler` (standard) on the train role and scale, see :mod:`.scaling.scalers`."""
        from .scaling.scalers import StandardScaler

        found = scaler if scaler is not None else StandardScaler()
        return found.fit(self._ds, split, **options).transform(self._ds)

    def predict(self, model: Any, **options: Any) -> xr.DataArray:
        """Apply a model to every cell, see :func:`.prediction.predict.predict`."""
        from .prediction.predict import predict

        return predict(model, self._ds, **options)

    def score(self, prediction: xr.DataArray | str, truth: str, **options: Any) -> xr.Dataset:
        """Score a prediction of the variable `truth`, see :func:`.scoring.score.score`."""
        from .grids.variables import require_variable
        from .scoring.score import score

        for name in (prediction, truth):
            if isinstance(name, str):
                require_variable(self._ds, name)
        made = self._ds[prediction] if isinstance(prediction, str) else prediction
        return score(made, self._ds[truth], **options)

    def fill_gaps(self, target: str, **options: Any) -> Any:
        """Fill the gaps of a variable, see :func:`.filling.fill.fill_gaps`."""
        from .filling.fill import fill_gaps

        return fill_gaps(self._ds, target, **options)
