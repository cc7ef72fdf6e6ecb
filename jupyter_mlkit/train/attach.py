"""One line that gives a run of somebody's own script the identity of its cube."""

from __future__ import annotations

import json
from typing import Any

import xarray as xr

from ..cubes.view.data import CubeData
from ..errors import InvalidInputError, SpecError
from ..spec import TrainingSpec, load_spec
from ..tracking import tags
from . import record
from .split_text import split_text
from .store import tracking_errors


def log_cube(
    ds: xr.Dataset,
    *,
    target: str,
    split: dict[str, Any] | TrainingSpec,
    features: list[str] | None = None,
    source: str | None = None,
) -> None:
    """Log to the active run which cube it trains on, how it is split and what it is scored on.

    Parameters
    ----------
    ds : xarray.Dataset
        The cube, lazy or in memory, as it is trained on. As opened from a zarr store, with dask
        or without, it is known by the stored chunks; one that dask computes is read and known
        by its values.
    target : str
        Variable that is predicted.
    split : dict or TrainingSpec
        The split as a spec has it, such as
        ``{"kind": "block", "sizes": {"lat": "20 deg", "lon": "20 deg"}, "seed": 42}``, or a
        whole spec, whose other fields are not used.
    features : list of str, optional
        All other numeric variables with the dims of the target where missing.
    source : str, optional
        Where the cube is stored; where it was opened, if xarray knows.

    Raises
    ------
    InvalidInputError
        ``no_active_run``.
    CubeError, SpecError
        The cube lacks a variable, or the split does not fit it.

    Examples
    --------
    >>> mlflow.sklearn.autolog()
    >>> with mlflow.start_run():
    ...     mlkit.log_cube(ds, target="land_surface_temperature", split=split)
    ...     model.fit(X, y)
    """
    import mlflow

    if mlflow.active_run() is None:
        raise InvalidInputError(
            "There is no active run that the cube could be logged to.",
            hint="Call it inside 'with mlflow.start_run():' or in a %%mlkit_run cell.",
            code="no_active_run",
        )
    spec = _spec_of(ds, target, split, features, source)
    data = CubeData.from_spec(spec, ds=ds)
    data.warnings()
    identity = record.identity_of(data)
    with tracking_errors():
        found = record.data_tags(data, identity, primary=None)
        mlflow.set_tags(found | record.tags_of_test(data))
        mlflow.log_params(
            {
                tags.PARAM_CUBE: identity.uri,
                tags.PARAM_TARGET: target,
                tags.PARAM_SPLIT: split_text(spec.split),
            }
        )
        record.log_dataset(data, identity)
        files = record.data_files(data, identity)
        # There is no spec to launch again: the model is the notebook's.
        del files[tags.ARTIFACT_SPEC]
        record.log_files(files)


def _spec_of(
    ds: xr.Dataset,
    target: str,
    split: dict[str, Any] | TrainingSpec,
    features: list[str] | None,
    source: str | None,
) -> TrainingSpec:
    if target not in ds.variables:
        raise SpecError(f"The cube has no variable '{target}'.", field="target")
    names = features if features is not None else _other_variables(ds, target)
    uri = source or ds.encoding.get("source") or record.IN_MEMORY
    rule = split if isinstance(split, dict) else json.loads(_split_json(split))
    return load_spec(
        {"sources": [{"uri": str(uri)}], "target": target, "features": names, "split": rule}
    )


def _split_json(spec: TrainingSpec) -> bytes:
    import msgspec

    return msgspec.json.encode(spec.split)


def _other_variables(ds: xr.Dataset, target: str) -> list[str]:
    dims = set(ds[target].dims)
    return [
        str(name)
        for name, variable in ds.data_vars.items()
        if name != target and variable.dtype.kind in "fiub" and set(variable.dims) <= dims
    ]
