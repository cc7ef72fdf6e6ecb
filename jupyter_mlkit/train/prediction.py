"""Predictions of a logged model, put back on a cube."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from ..spec import Source
from .loading import load_cube_model


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
        ``model_changed``: its files are not those that were logged; ``not_a_cube_model``.
    CubeError
        The cube cannot be opened, or lacks a feature.
    ConflictError
        ``already_exists``.
    """
    from ..cubes.features.derive import derive, required_variables
    from ..cubes.identity.fingerprint import fingerprint
    from ..cubes.prediction.predict import predict as predict_cube
    from ..cubes.sources.open import open_cube

    uri, loaded = load_cube_model(model)
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
