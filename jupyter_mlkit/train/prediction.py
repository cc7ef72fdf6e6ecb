"""Predictions of a logged model, put back on a cube."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import xarray as xr

from ..errors import InvalidInputError, NotFoundError
from ..spec import Source
from ..tracking import tags
from .store import tracking_errors, use_store

_RUN_ID = re.compile(r"^[0-9a-f]{32}$")


def predict(
    model: str, cube: str | Source | xr.Dataset, path: str | Path, *, overwrite: bool = False
) -> Path:
    """Predict every cell of `cube` and write the result as a zarr cube.

    Parameters
    ----------
    model : str
        Run id, ``runs:/<run id>/model``, ``models:/<name>@<alias>``, ``models:/<name>/<version>``
        or ``models:/m-...``.
    cube : str, Source or xarray.Dataset
        Where the features are; read piece by piece.
    path : str or Path
        Zarr folder to write.
    overwrite : bool
        Replace a cube that is there already.

    Returns
    -------
    Path
        `path`. The variable has the name and units of the target, NaN where a feature is
        missing, and attributes that name run, model and cube.

    Raises
    ------
    NotFoundError
        ``model_not_found``.
    InvalidInputError
        The model was not logged by this package.
    CubeError
        The cube cannot be opened, or lacks a feature.
    ConflictError
        ``already_exists``.
    """
    from ..cubes.features.derive import derive, required_variables
    from ..cubes.identity.fingerprint import fingerprint
    from ..cubes.prediction.predict import predict as predict_cube
    from ..cubes.sources.open import open_cube

    with tracking_errors():
        use_store()
        uri, loaded = load_model(model)
    ds = cube if isinstance(cube, xr.Dataset) else open_cube(cube)
    description = loaded.description
    names = [variable.name for variable in description.features]
    attrs = {
        "units": description.target.units,
        "long_name": description.target.long_name,
        "mlkit_model_uri": uri,
        "mlkit_run_id": description.origin.get("run_id", ""),
        "mlkit_training_cube_fingerprint": description.origin.get("cube_fingerprint", ""),
    }
    whole = derive(ds, names)
    known = set(map(str, ds.variables))
    stored = [name for name in required_variables(names, known) if name in ds.data_vars]
    if stored:
        attrs["mlkit_cube_fingerprint"] = str(fingerprint(ds, stored))
    predict_cube(
        loaded,
        whole,
        features=names,
        name=description.target.name,
        attrs={key: value for key, value in attrs.items() if value},
        path=path,
        overwrite=overwrite,
    )
    return Path(path).expanduser().absolute()


def load_model(model: str) -> tuple[str, Any]:
    """Return the URI of `model` with every alias resolved, and its CubeModel.

    Raises
    ------
    NotFoundError
        ``model_not_found``.
    InvalidInputError
        ``not_a_cube_model``.
    """
    import mlflow.pyfunc
    from mlflow.exceptions import MlflowException

    uri = _model_uri(model)
    try:
        raw = mlflow.pyfunc.load_model(uri, suppress_warnings=True)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
            raise
        raise NotFoundError(
            f"There is no model {model}.",
            hint="Name a run that logged a model, or a registered model and its alias.",
            code="model_not_found",
        ) from error
    try:
        inner = raw.get_raw_model()
    except NotImplementedError:
        inner = None
    if not (hasattr(inner, "predict_array") and hasattr(inner, "description")):
        raise InvalidInputError(
            f"{model} is an MLflow model, but not one that knows about cubes.",
            hint="Train with jupyter_mlkit, or predict with mlflow.pyfunc.load_model.",
            code="not_a_cube_model",
        )
    return uri, inner


def _model_uri(model: str) -> str:
    from mlflow import MlflowClient

    if _RUN_ID.match(model):
        return f"runs:/{model}/{tags.MODEL_NAME}"
    found = re.fullmatch(r"models:/([^/@]+)@(.+)", model)
    if found is None:
        return model
    # An alias moves; what is stamped on the prediction must not.
    version = MlflowClient().get_model_version_by_alias(found.group(1), found.group(2))
    return f"models:/{found.group(1)}/{version.version}"
