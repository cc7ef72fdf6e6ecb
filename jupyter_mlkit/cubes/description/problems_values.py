"""What is wrong with the values of variables, as far as a draw of chunks shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr

from ...models import ErrorBody
from .statistics import Drawn

#: Outliers lie this many times the median absolute deviation from the median.
_FAR = 10
#: Long tails are no outliers: some value has to be this far out.
_FARTHEST = 30
#: What producers write where nothing was measured; netCDF's and GRIB's own among them.
_FILLS = (
    *(-9999.0, -99999.0, -999.0, -99.9, -9999.9, -32768.0, -32767.0, -1e20, -1e30, -1e34),
    *(9999.0, 99999.0, 999999.0, 32767.0, 65535.0, 1e20, 1e30, 9.969209968386869e36, 1e15),
)


def value_problems(ds: xr.Dataset, drawn: Mapping[str, Drawn]) -> Iterator[ErrorBody]:
    """Yield what is wrong with each variable: one problem each, the gravest."""
    for name in map(str, ds.data_vars):
        if name not in drawn:
            yield ErrorBody(
                message=f"'{name}' holds {_kind(ds[name])}, not numbers.",
                code="not_numeric",
                hint="It can be neither target nor feature; encode it as numbers if it matters.",
                field=name,
            )
            continue
        found = drawn[name]
        if found.share == 0:
            yield ErrorBody(
                message=f"'{name}' is missing in every cell that was sampled.",
                code="all_missing",
                hint="It is of no use as target or feature unless other chunks hold values.",
                field=name,
            )
        elif found.minimum is not None and found.minimum == found.maximum and ds[name].ndim:
            yield ErrorBody(
                message=f"'{name}' is {found.minimum:g} in every cell that was sampled.",
                code="constant",
                hint="A model learns nothing from a constant.",
                field=name,
            )
        elif found.values.size and not _is_classes(ds[name]):
            yield from _extremes(name, found)


def _extremes(name: str, found: Drawn) -> Iterator[ErrorBody]:
    assert found.minimum is not None
    assert found.maximum is not None
    middle = float(np.median(found.values))
    spread = float(np.median(np.abs(found.values - middle)))
    for extreme in (found.minimum, found.maximum):
        fill = next((fill for fill in _FILLS if np.isclose(extreme, fill, rtol=1e-6)), None)
        if fill is None or abs(extreme - middle) <= _FAR * spread:
            continue
        share = float(np.isclose(found.values, fill, rtol=1e-6).mean())
        yield ErrorBody(
            message=f"'{name}' holds {fill:g} in about {share:.2%} of its valid cells (median "
            f"{middle:g}): this looks like a fill value that was not declared.",
            code="undeclared_fill",
            hint=f"Mask it: ds['{name}'].where(ds['{name}'] != {fill:g}), or declare _FillValue.",
            field=name,
        )
        return
    farthest = max((found.minimum, found.maximum), key=lambda value: abs(value - middle))
    if not spread or abs(farthest - middle) <= _FARTHEST * spread:
        return
    share = float((np.abs(found.values - middle) > _FAR * spread).mean())
    yield ErrorBody(
        message=f"{share:.2%} of the sampled values of '{name}' lie more than {_FAR} median "
        f"absolute deviations ({spread:.3g}) from the median {middle:.4g}; the farthest is "
        f"{farthest:g}.",
        code="outliers",
        hint="Check whether they are errors; a robust loss or a logarithm bears real ones.",
        field=name,
    )


def _is_classes(variable: xr.DataArray) -> bool:
    flagged = any(str(key).startswith("flag_") for key in variable.attrs)
    return flagged or bool(np.issubdtype(variable.dtype, np.bool_))


def _kind(variable: xr.DataArray) -> str:
    if variable.dtype == object:
        return "Python objects"
    return "text" if variable.dtype.kind in "SUT" else str(variable.dtype)
