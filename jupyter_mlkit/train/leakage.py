"""The leakage report of a training: what its use asks of its split."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from .. import models
from ..cubes.grids.sizes import Size, parse_size
from ..cubes.splits import leakage
from ..cubes.splits.blocks import BlockSplit
from ..cubes.view.data import CubeData


def report_leakage(data: CubeData) -> models.LeakageReport:
    """Return how hard the test of `data` is, compared with its use.

    Cells to fill are known: those are the gaps. New places and later times are not in the
    cube, so that only the distances of the test and the autocorrelation are told.

    Raises
    ------
    CubeError
        ``unreadable_chunk``.
    """
    found = leakage.leakage_report(
        data.split,
        data.ds,
        target=data.spec.target,
        features=data.features,
        predict_on="gaps" if data.spec.use == "gaps" else _nowhere(data),
    )
    return models.LeakageReport(
        verdict=found.verdict,
        sentence=found.sentence,
        distances=[
            models.Distances(
                axis=one.axis,
                unit=one.unit,
                test=list(one.test),
                prediction=list(one.prediction),
                test_without=one.test_without,
                prediction_without=one.prediction_without,
            )
            for one in found.distances
        ],
        straddling=found.straddling,
        duplicates=found.duplicates,
        duplicates_among=found.duplicates_among,
        autocorrelation=[
            models.Autocorrelation(
                axis=one.axis,
                of=one.of,
                status=one.status,
                unit=one.unit,
                length=one.length,
                low=one.interval[0],
                high=one.interval[1],
                pairs=one.pairs,
            )
            for one in found.autocorrelation
        ],
        recommended=dict(found.recommended),
    )


def _nowhere(data: CubeData) -> xr.DataArray:
    """Return a mask without a cell, over one dim, to which it costs nothing."""
    dim = data.dims[0]
    coords = {dim: data.ds[dim]} if dim in data.ds.coords else None
    return xr.DataArray(np.zeros(data.ds.sizes[dim], np.bool_), dims=[dim], coords=coords)


def small_blocks(data: CubeData, report: models.LeakageReport) -> list[models.ErrorBody]:
    """Return a warning where blocks are shorter than twice the range of the target."""
    split = data.split
    # With a buffer, or at other dates, the neighbours of a test cell do not train.
    if not isinstance(split, BlockSplit) or split.buffer is not None or data.spec.use == "gaps":
        return []
    small = [
        f"{dim} {wanted}"
        for dim, wanted in report.recommended.items()
        if _is_smaller(split.sizes, dim, parse_size(wanted))
    ]
    if not small:
        return []
    return [
        models.ErrorBody(
            message="Blocks are shorter than twice the range within which the target is alike: "
            "test cells at their edges know their neighbours in train.",
            code="small_blocks",
            hint=f"Use {', '.join(small)} or more, or keep a buffer free.",
            field="split.sizes",
        )
    ]


def _is_smaller(sizes: Mapping[str, Size | int | str], dim: str, wanted: Size) -> bool:
    size = sizes.get(dim)
    if isinstance(size, str):
        size = parse_size(size)
    return isinstance(size, Size) and size.kind == wanted.kind and size.value < 0.99 * wanted.value
