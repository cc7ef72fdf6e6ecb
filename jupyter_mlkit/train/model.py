"""A fitted estimator as an MLflow model that loads where jupyter_mlkit is not installed."""

from __future__ import annotations

import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..cubes.features import mlkit_features
from ..errors import BackendError
from ..tracking import tags
from ..tracking.digests import Manifest, digest_of, manifest
from .environment import requirements
from .vendored import mlkit_cube_model
from .vendored.mlkit_cube_model import CubeModel, Description, Variable, save

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from ..cubes.scaling.scalers import CubeScaler

__all__ = ["CubeModel", "Description", "describe_model", "log_model"]

#: What the model imports when it is loaded and used on a cube.
_NEEDS = ["mlflow", "numpy", "pandas", "xarray"]
_FRAMEWORK_NEEDS = {"sklearn": ["scikit-learn", "skops"], "torch": ["torch"], "keras": ["keras"]}


def describe_model(
    ds: xr.Dataset,
    *,
    target: str,
    features: list[str],
    scaler: CubeScaler,
    kind: Literal["regressor", "classifier"],
    origin: dict[str, str],
) -> Description:
    """Return what the model has to know of the cube `ds` that it was trained on."""

    def variable(name: str, offset: float, scale: float) -> Variable:
        attrs = ds[name].attrs
        return Variable(
            name=name,
            units=str(attrs.get("units", "")),
            long_name=str(attrs.get("long_name", "")),
            offset=offset,
            scale=scale,
        )

    constants = scaler.constants([*features, target])
    # Classes are not scaled.
    of_target = (0.0, 1.0) if kind == "classifier" else constants[target]
    return Description(
        kind=kind,
        features=tuple(variable(name, *constants[name]) for name in features),
        target=variable(target, *of_target),
        dims=tuple(str(dim) for dim in ds[target].dims),
        origin=origin,
    )


def log_model(model: CubeModel, example: pd.DataFrame) -> str:
    """Log `model` to the active run and return its URI (``models:/m-...``).

    Parameters
    ----------
    model : CubeModel
    example : pandas.DataFrame
        A few rows of the features in natural units: input example and check of the signature.

    Raises
    ------
    ValueError
        The weights cannot be written without a pickle.
    BackendError
        ``model_changed``: the artifact store does not hold what was given to it.

    Notes
    -----
    The SHA-256 of every file stands in ``mlkit/model.json`` of the run, one digest over them all
    in the tag ``mlkit.model.sha256`` of the run and of the LoggedModel: by that,
    :func:`~jupyter_mlkit.train.load_model` knows the files again.
    """
    import mlflow.pyfunc

    with tempfile.TemporaryDirectory(prefix="mlkit-model-") as folder:
        data = Path(folder) / "cube_model"
        described = save(model, data)
        logged = mlflow.pyfunc.log_model(
            name=tags.MODEL_NAME,
            loader_module=mlkit_cube_model.__name__.rpartition(".")[2],
            code_paths=[mlkit_cube_model.__file__, mlkit_features.__file__],
            data_path=str(data),
            signature=_signature(described),
            input_example=example,
            # Inferring them imports the model in another process: 20 to 30 s.
            pip_requirements=requirements(sorted(_needs(described))),
            metadata={"mlkit": _metadata(described)},
        )
        _record_digests(logged, data)
    return str(logged.model_uri)


def _needs(described: Description) -> set[str]:
    """Return the distributions that loading and using the model takes."""
    found = {*_NEEDS, *_FRAMEWORK_NEEDS[described.framework]}
    if described.backend == "tensorflow":
        # The distribution for processors has the same module.
        names = metadata.packages_distributions().get("tensorflow", ["tensorflow"])
        found.add("tensorflow" if "tensorflow" in names else names[0])
    elif described.backend is not None:
        found.add(described.backend)
    return found


def _record_digests(logged: Any, data: Path) -> None:
    """Write down what each file of the model is, as the store gives it back."""
    import mlflow
    import mlflow.artifacts

    with tempfile.TemporaryDirectory(prefix="mlkit-model-") as folder:
        copy = mlflow.artifacts.download_artifacts(
            artifact_uri=str(logged.model_uri), dst_path=folder
        )
        files = manifest(Path(copy))
    ours = {f"{data.name}/{name}": file for name, file in manifest(data).items()}
    changed = [name for name, file in ours.items() if _stored(files, name) != file]
    if changed:
        raise BackendError(
            f"The artifact store does not hold what was logged: {', '.join(changed)}.",
            hint="Its disk may be full or damaged. Train again once that is mended.",
            code="model_changed",
        )
    digest = digest_of(files)
    mlflow.log_dict({"model": logged.model_uri, "files": files}, tags.ARTIFACT_MODEL)
    mlflow.set_tag(tags.MODEL_DIGEST, digest)
    mlflow.set_logged_model_tags(logged.model_id, {tags.MODEL_DIGEST: digest})


def _stored(files: Manifest, name: str) -> dict[str, Any] | None:
    # MLflow decides below which folder of its own it puts the data.
    return next((file for path, file in files.items() if f"/{path}".endswith(f"/{name}")), None)


def _signature(described: Description) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    # Double, as float columns of pandas are: a float32 table is widened, the reverse is refused.
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.double, v.name) for v in described.features]),
        outputs=Schema([ColSpec(DataType.double, described.target.name)]),
    )


def _metadata(described: Description) -> dict[str, Any]:
    """Return what other tools may want to know without loading the weights."""
    return {
        "kind": described.kind,
        "target": described.target.name,
        "units": described.target.units,
        "features": {v.name: v.units for v in described.features},
        "dims": list(described.dims),
        **described.origin,
    }
