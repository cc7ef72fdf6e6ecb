"""Check the variables that a spec names against a cube."""

from __future__ import annotations

import difflib
from collections.abc import Hashable

import xarray as xr

from ...errors import CubeError
from ...spec import TrainingSpec
from ..features.derive import derive, required_variables


def check_variables(ds: xr.Dataset, spec: TrainingSpec) -> None:
    """Check that target, features and mask are there, numeric, and on the dims of the target.

    Of computed features, the variables that they need are checked.

    Raises
    ------
    CubeError
        ``unknown_variable``, ``not_numeric``, ``unsupported_grid``; ``field`` says which input.
    SpecError
        A feature is no expression, or cannot be computed from this cube.
    """
    require_variable(ds, spec.target, "target")
    dims = set(ds[spec.target].dims)
    if spec.mask:
        require_variable(ds, spec.mask, "mask")
        _check_dims(ds[spec.mask], spec.mask, dims, spec, "mask")
    known = set(map(str, ds.variables))
    for text in spec.features:
        for name in required_variables([text], known):
            # 'lat' and 'lon' may be called otherwise: derive() finds them.
            if name in known or name not in ("lat", "lon"):
                require_variable(ds, name, "features")
        _check_dims(derive(ds, [text])[text], text, dims, spec, "features")


def _check_dims(
    variable: xr.DataArray, name: str, dims: set[Hashable], spec: TrainingSpec, field: str
) -> None:
    surplus = [str(dim) for dim in variable.dims if dim not in dims]
    if surplus:
        raise CubeError(
            f"'{name}' has the dim '{surplus[0]}', which the target '{spec.target}' lacks.",
            hint=f"Choose one position of '{surplus[0]}' and store it as its own variable.",
            code="unsupported_grid",
            field=field,
        )


def require_variable(ds: xr.Dataset, name: str, field: str | None = None) -> None:
    """Check that `name` is a numeric variable or coordinate of `ds`.

    Raises
    ------
    CubeError
        ``unknown_variable`` (with the closest name) or ``not_numeric``.
    """
    if name not in ds.variables:
        names = [str(known) for known in ds.data_vars]
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        raise CubeError(
            f"The cube has no variable '{name}'.",
            hint=f"Did you mean '{close[0]}'?" if close else f"It has {', '.join(names[:12])}.",
            code="unknown_variable",
            field=field,
        )
    dtype = ds[name].dtype
    # Of complex numbers a model would be given the real parts only.
    if dtype.kind not in "biuf":
        raise CubeError(
            f"'{name}' holds {dtype}, not numbers.",
            hint="Choose a numeric variable.",
            code="not_numeric",
            field=field,
        )
