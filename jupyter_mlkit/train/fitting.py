"""Fitting the model of a spec, of whatever framework, while its curves are logged."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr

from ..cubes.sampling.sampler import Sampler
from ..cubes.view.data import CubeData
from .model import CubeModel
from .networks.epochs import Epoch, Trained, train
from .reading import Total
from .report import FitPosition, Reporter


def cell_sampler(data: CubeData) -> Sampler:
    """Return the train cells of `data` in batches, in an order that the spec's seed draws."""
    spec = data.spec
    return Sampler(
        data.ds,
        data.features,
        spec.target,
        split=data.split,
        mask=_mask_of(data),
        batch_size=spec.fit.batch_size,
        seed=spec.fit.seed,
    )


def _mask_of(data: CubeData) -> str | xr.DataArray | None:
    """Return where cells count: in the mask of the spec, and in a region of any outline."""
    if data.inside is None or data.spec.mask is None:
        return data.spec.mask if data.inside is None else data.inside
    mask = data.ds[data.spec.mask]
    return data.inside & mask.notnull() & (mask != 0)


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
        return curves[primary]

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
