"""Put predictions of any model back on the cube that its features came from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ...errors import CubeError, InvalidInputError, SpecError
from ..grids.grid import grid_of
from ..grids.variables import require_variable
from ..reading.slabs import stored_chunks
from ..sampling.recipe import OverGaps
from ..sampling.steps import runs_along
from .cells import CellPredictor
from .frame import Frame
from .inputs import Gaps, HasConstants, Inputs
from .key import stage_key
from .lazy import Predictor, lazy_prediction
from .models import Model, as_model
from .tiling import Blend, Tiling
from .windows import WindowPredictor
from .write import Job, write_prediction

#: Cells of a chunk where the cube itself has none.
_CHUNK_CELLS = 2**20


def predict(
    model: Any,
    cube: xr.Dataset | xr.DataArray,
    *,
    features: Sequence[str] | None = None,
    input_dims: Mapping[str, int] | None = None,
    input_overlap: Mapping[str, int] | None = None,
    answers_at: Mapping[str, int] | None = None,
    time_gaps: OverGaps = "skip",
    blend: Blend | None = None,
    nan: Gaps = "skip",
    scaler: HasConstants | None = None,
    name: str | None = None,
    attrs: Mapping[str, Any] | None = None,
    dims: Sequence[str] | None = None,
    dtype: str = "float32",
    path: str | Path | None = None,
    part: tuple[int, int] | None = None,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> xr.DataArray:
    """Apply a model to every cell, or to windows around every cell, of a cube.

    Parameters
    ----------
    model : object
        A function, scikit-learn estimator, torch module, keras model, or a model of
        jupyter_mlkit. It is called with float32 of shape (n, n_features), or
        (n, n_features, *window) with `input_dims`, by several threads at once where it is a
        function or an estimator; a torch module is called in evaluation mode, without
        gradients, on the device that its weights are on.
    cube : xarray.Dataset or DataArray
        With the features; lazy, dask or in memory. Of any dims, order and direction.
    features : sequence of str, optional
        Variables or expressions (:func:`jupyter_mlkit.cubes.features.derive.derive`) in the
        order of the model's columns; else those that the model knows, or all variables of the
        cube where it has one only.
    input_dims : mapping, optional
        Cells of a window by dim, in the order of the model's input. The other dims are samples.
    input_overlap : mapping, optional
        Cells that neighbouring windows share, by dim; 0 where not given.
    answers_at : mapping, optional
        Dims along which the model answers for one cell per window, and its position in the
        window: ``{"time": -1}`` for the last step, ``{"time": 11}`` for two steps after a window
        of ten. Windows then start at every cell; cells that none answers for are NaN.
    time_gaps : {"skip", "join"}
        Windows whose steps in time are not regular, as where days are missing, are not
        computed, as :class:`.Sampler` leaves them out; or ``"join"`` counts steps whatever lies
        between them.
    blend : {"linear", "cosine"}, optional
        Weigh overlapping windows: sum of w x over sum of w, with weights that fall towards the
        edges of a window. Else each cell is taken from the window that it lies deepest in.
    nan : {"skip", "pass"} or float
        ``"skip"``: a cell or window where any feature is missing is not computed. ``"pass"``:
        the model is given NaN. A number takes the place of missing values, on the scale that
        the model sees. Cells without any feature are never computed, and always NaN.
    scaler : object, optional
        Fitted scaler with ``constants()``: the model is given ``(value - offset) / scale``, and
        where the scaler knows the target called `name`, its answer is scaled back.
    name : str, optional
        Of the result; else that of the model's target, or ``"prediction"``.
    attrs : mapping, optional
        Of the result, such as units; those that begin with ``mlkit`` also stamp the dataset.
    dims : sequence of str, optional
        Of the result; else all dims of the features, in the order that they have.
    dtype : str
        Floating type of the result.
    path : str or Path, optional
        Write the result there as a zarr group (format 2, consolidated), whole or not at all,
        and never more than a few chunks of it in memory. A call after a kill goes on where the
        killed one was, where model and cube have an identity.
    part : (int, int), optional
        With `path`: this is process k of n. All of them are called alike; the last one to end
        puts the cube in place.
    overwrite : bool
        Replace a zarr group at `path`.
    progress : callable, optional
        With `path`: told the share that is done, 0 to 1.

    Returns
    -------
    xarray.DataArray
        With the coordinates, CRS, order and direction of `cube`; missing where nothing was
        computed. Read from `path` if it stands there, else lazy: a dask array where the cube
        is one, else values that are computed when they are read.

    Raises
    ------
    CubeError
        ``unknown_variable``, ``not_numeric``, ``unsupported_grid``, ``unreadable_chunk``.
    ConflictError
        ``already_exists``.
    InvalidInputError
        ``not_a_model``, ``window_too_large``, ``not_writable``; the model's answer has another
        size than its input asks for.
    """
    ds = _dataset(cube)
    known = as_model(model, features)
    ds, names = _features(ds, known, features)
    order = _dims_of(ds, names, dims)
    called = name or known.target or "prediction"
    inputs = Inputs.of(names, nan, scaler, called)
    kind, mix = _floating(dtype), _blend(blend)
    tilings = _tilings(
        ds, order, input_dims or {}, input_overlap or {}, answers_at or {}, time_gaps
    )
    predictor: Predictor
    if tilings:
        predictor = WindowPredictor(known, inputs, kind, tuple(order), tilings, mix)
    else:
        predictor = CellPredictor(known, inputs, kind)
    identity = _identity(known, attrs or {})
    frame = Frame.of(
        ds,
        name=called,
        dims=order,
        chunks=chunks_of(ds, names, order),
        dtype=kind,
        attrs=_attrs(known, identity, attrs or {}),
        template=max(names, key=lambda feature: ds[feature].ndim),
    )
    if path is not None:
        target = Path(path).expanduser().absolute()
        how = repr((inputs, tilings, mix))
        job = Job(predictor, ds, names, frame, tilings)
        key = stage_key(ds, names, frame, identity, how)
        if write_prediction(
            job, target, key=key, part=part, overwrite=overwrite, progress=progress
        ):
            from ..sources.open import open_cube

            return open_cube(str(target))[called]
    return lazy_prediction(predictor, ds, names, frame)


def _dataset(cube: xr.Dataset | xr.DataArray) -> xr.Dataset:
    if isinstance(cube, xr.Dataset):
        return cube
    return cube.to_dataset(name=str(cube.name or "feature"))


def _features(
    ds: xr.Dataset, model: Model, features: Sequence[str] | None
) -> tuple[xr.Dataset, tuple[str, ...]]:
    """Return the cube with computed features in it, and the names of all features."""
    names = features if features is not None else model.names
    if names is None and len(ds.data_vars) == 1:
        names = [str(name) for name in ds.data_vars]
    if not names or isinstance(names, str):
        raise InvalidInputError(
            "A prediction needs a list of at least one feature.",
            hint="Name them in the order of the model's columns: features=[...].",
            field="features",
        )
    for name in names:
        if name not in ds.variables:
            ds = _with_computed(ds, name)
        require_variable(ds, name, "features")
    return ds, tuple(names)


def _with_computed(ds: xr.Dataset, feature: str) -> xr.Dataset:
    from ..features.derive import derive

    try:
        found = derive(ds, [feature])
    except SpecError:
        if feature.isidentifier():
            # A misspelt variable rather than an expression: the closest name helps more.
            require_variable(ds, feature, "features")
        raise
    # Where the cube is stored is part of its identity.
    found.encoding.update(ds.encoding)
    return found


def _dims_of(ds: xr.Dataset, features: Sequence[str], dims: Sequence[str] | None) -> list[str]:
    used = {str(dim) for feature in features for dim in ds[feature].dims}
    if dims is None:
        # The features' own order, as the order of ds.sizes may be that of another variable.
        widest = max(features, key=lambda feature: ds[feature].ndim)
        first = [str(dim) for dim in ds[widest].dims]
        return first + [str(dim) for dim in ds.dims if dim in used and dim not in first]
    missing = used - set(dims) or {dim for dim in dims if dim not in ds.dims}
    if missing:
        raise CubeError(
            f"The prediction has dims {', '.join(dims)}; the features and the cube differ in "
            f"{', '.join(sorted(missing))}.",
            code="unsupported_grid",
            field="dims",
        )
    return list(dims)


def _floating(dtype: str) -> np.dtype[Any]:
    found = np.dtype(dtype)
    if found.kind != "f":
        raise InvalidInputError(
            f"A prediction of type {found} cannot say where it is missing.",
            hint="Use float32 or float64.",
            field="dtype",
        )
    return found


def _blend(blend: Blend | None) -> Blend | None:
    if blend not in (None, "linear", "cosine"):
        raise InvalidInputError(
            f"'{blend}' is no way to blend windows.",
            hint="Use 'linear', 'cosine' or None.",
            field="blend",
        )
    return blend


def _tilings(
    ds: xr.Dataset,
    order: Sequence[str],
    window: Mapping[str, int],
    overlap: Mapping[str, int],
    answers_at: Mapping[str, int],
    time_gaps: OverGaps,
) -> tuple[Tiling, ...]:
    if time_gaps not in ("skip", "join"):
        raise InvalidInputError(
            f"'{time_gaps}' is no way to treat gaps in time.",
            hint="Use 'skip' or 'join'.",
            field="time_gaps",
        )
    for field, given, allowed in (
        ("input_dims", window, order),
        ("input_overlap", overlap, list(window)),
        ("answers_at", answers_at, list(window)),
    ):
        unknown = [dim for dim in given if dim not in allowed]
        if unknown:
            raise InvalidInputError(
                f"'{unknown[0]}' is none of {', '.join(allowed) or 'the input dims'}.",
                hint="input_dims are dims of the features; the others speak of input_dims.",
                field=f"{field}.{unknown[0]}",
            )
    found = []
    for dim, size in window.items():
        at = answers_at.get(dim)
        found.append(
            Tiling(
                dim,
                int(ds.sizes[dim]),
                int(size),
                int(overlap.get(dim, 0)),
                None if at is None else int(at) % int(size) if at < 0 else int(at),
                _breaks(ds, dim) if time_gaps == "skip" else (),
            )
        )
    return tuple(found)


def _breaks(ds: xr.Dataset, dim: str) -> tuple[int, ...]:
    """Return before which steps of time others are missing."""
    if dim != grid_of(ds).time or dim not in ds.coords:
        return ()
    runs = runs_along(ds[dim], lagged=False)
    return () if runs is None else tuple((np.flatnonzero(np.diff(runs.number)) + 1).tolist())


def chunks_of(ds: xr.Dataset, features: Sequence[str], order: Sequence[str]) -> dict[str, int]:
    """Return the features' chunks; where they have none, whole dims up to some MiB, last first."""
    known = stored_chunks(ds, features, order)
    found: dict[str, int] = {}
    for dim in reversed(order):
        room = max(1, _CHUNK_CELLS // math.prod(found.values()))
        found[dim] = known.get(dim, min(max(1, int(ds.sizes[dim])), room))
    return found


def _identity(model: Model, attrs: Mapping[str, Any]) -> str | None:
    uri = attrs.get("mlkit_model_uri")
    return str(uri) if uri else model.identity()


def _attrs(model: Model, identity: str | None, given: Mapping[str, Any]) -> dict[str, Any]:
    own = {"units": model.units, "long_name": model.long_name}
    if not given.get("mlkit_model_uri"):
        own["mlkit_model_id"] = identity or ""
    return {**{key: value for key, value in own.items() if value}, **given}
