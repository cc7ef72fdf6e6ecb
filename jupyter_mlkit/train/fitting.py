"""Fitting the model of a spec, of whatever framework, while its curves are logged."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import xarray as xr

from ..cubes.features.derive import derive
from ..cubes.sampling.sampler import Sampler
from ..cubes.view.data import CubeData
from .model import CubeModel
from .networks.epochs import Epoch, Trained, train
from .reading import Total
from .report import FitPosition, Reporter

#: Name of the region among the variables of a cube.
_INSIDE = "mlkit_inside_the_region"


def cell_sampler(data: CubeData) -> Sampler:
    """Return the train cells of `data` in batches, in an order that the spec's seed draws."""
    spec = data.spec
    ds, mask = _with_mask(data)
    return Sampler(
        ds,
        data.features,
        spec.target,
        split=data.split,
        mask=mask,
        batch_size=spec.fit.batch_size,
        seed=spec.fit.seed,
    )


def _with_mask(data: CubeData) -> tuple[xr.Dataset, str | None]:
    """Return the cube with what says where cells count: its mask, in a region of any outline."""
    if data.inside is None:
        return data.ds, data.spec.mask
    inside = data.inside.astype(np.float32).drop_vars(list(data.inside.coords))
    ds = data.ds.assign({_INSIDE: inside})
    if data.spec.mask is None:
        return ds, _INSIDE
    # As an expression it is computed chunk by chunk, however large the mask is.
    both = f"{data.spec.mask} * {_INSIDE}"
    return derive(ds, [both]), both


def fit_network(
    model: CubeModel,
    data: CubeData,
    total: Total,
    *,
    primary: str,
    watch: Callable[[int, float], dict[str, float]],
    report: Reporter,
) -> Trained:
    """Train the network of `model` on the train cells of `data`, batch by batch.

    Parameters
    ----------
    model : CubeModel
    data : CubeData
    total : Total
        Of the train cells.
    primary : str
        Score by which the best epoch is chosen: the smaller the better.
    watch : callable
        Logs the curves after an epoch, given its number and loss, and returns them by name.
    report : Reporter
    """
    fit = data.spec.fit

    def score(epoch: Epoch) -> float:
        assert epoch.loss is not None
        curves = watch(epoch.done, epoch.loss)
        report.fitting(FitPosition("epoch", epoch.done, fit.epochs, metrics=curves))
        return curves.get(primary, math.nan)

    def progress(epoch: Epoch) -> None:
        report.fitting(FitPosition("epoch", epoch.done, fit.epochs, epoch.step, epoch.steps))

    return train(
        model,
        cell_sampler(data),
        fit,
        cells=total.cells,
        mean_weight=total.mean_weight,
        score=score,
        progress=progress,
    )
