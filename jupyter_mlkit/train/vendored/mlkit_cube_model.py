"""A model of datacubes that needs no jupyter_mlkit: this file travels inside the logged model.

MLflow puts the folder of this file on ``sys.path`` and calls :func:`_load_pyfunc`. Inputs and
outputs are in natural units (kelvin, not standard deviations): scaling is part of the model.
Loading needs numpy and the framework of the weights; xarray only when an xarray Dataset is given,
pandas only when a DataFrame is. Files: ``cube_model.json`` and one file of weights, of which the
former has the digest; none of them is a pickle.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

#: Highest format of ``cube_model.json`` that this file reads. Format 1: scikit-learn, no digest.
FORMAT = 2
DESCRIPTION_FILE = "cube_model.json"
#: File of the weights of each framework.
WEIGHTS_FILES = {
    "sklearn": "estimator.skops",
    "torch": "estimator.pt2",
    "keras": "estimator.keras",
}
Framework = Literal["sklearn", "torch", "keras"]
#: Cells that are predicted at once, so that a large cube does not double in memory.
BATCH_CELLS = 1_000_000


@dataclass(frozen=True)
class Variable:
    """A variable of the model: ``scaled = (natural - offset) / scale``.

    Parameters
    ----------
    name, units, long_name : str
        As in the cube that the model was trained on; empty where unknown.
    offset, scale : float
        Train-only scaling in the variable's units; 0 and 1 for none.
    """

    name: str
    units: str = ""
    long_name: str = ""
    offset: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Description:
    """What a cube model reads, what it predicts and in which units.

    Parameters
    ----------
    kind : {"regressor", "classifier"}
        A classifier predicts the values of the target variable, unscaled.
    features : tuple of Variable
        In the order of the estimator's columns.
    target : Variable
    dims : tuple of str
        Dims of the target in the training cube.
    origin : dict
        Run id, cube fingerprint and the like: strings for people and for other tools.
    framework : {"sklearn", "torch", "keras"}
        What reads the weights.
    weights_sha256 : str or None
        Digest of the file of weights; None in format 1.
    trusted_types : tuple of str
        Types within the weights of scikit-learn, recorded when they were written.
    backend : str or None
        Of Keras, where it was written; its file is read by every one.
    """

    kind: Literal["regressor", "classifier"]
    features: tuple[Variable, ...]
    target: Variable
    dims: tuple[str, ...]
    origin: dict[str, str]
    framework: Framework = "sklearn"
    weights_sha256: str | None = None
    trusted_types: tuple[str, ...] = ()
    backend: str | None = None

    def to_json(self) -> str:
        """Return the description as JSON; :meth:`from_json` reads it back."""
        plain = {
            "format": FORMAT,
            "kind": self.kind,
            "features": [vars(variable) for variable in self.features],
            "target": vars(self.target),
            "dims": list(self.dims),
            "origin": self.origin,
            "framework": self.framework,
            "weights_sha256": self.weights_sha256,
            "trusted_types": list(self.trusted_types),
            "backend": self.backend,
        }
        return json.dumps(plain, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Description:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ValueError
            The file is of a newer format than this module reads.
        """
        plain = json.loads(text)
        if plain["format"] > FORMAT:
            raise ValueError(
                f"This cube model has format {plain['format']}, the loaded module reads up to "
                f"{FORMAT}. Load it in a fresh process."
            )
        return cls(
            kind=plain["kind"],
            features=tuple(Variable(**variable) for variable in plain["features"]),
            target=Variable(**plain["target"]),
            dims=tuple(plain["dims"]),
            origin=plain["origin"],
            framework=plain.get("framework", "sklearn"),
            weights_sha256=plain.get("weights_sha256"),
            trusted_types=tuple(plain["trusted_types"]),
            backend=plain.get("backend"),
        )


class CubeModel:
    """An estimator with its scaling, for arrays, tables and cubes in natural units.

    Parameters
    ----------
    estimator : object
        Fitted on scaled features: an estimator of scikit-learn, or a module of torch or a model
        of keras that takes (n, f) and gives (n,) or (n, 1).
    description : Description
    """

    def __init__(self, estimator: Any, description: Description) -> None:
        self.estimator = estimator
        self.description = description
        self._offset = np.array([v.offset for v in description.features])
        self._scale = np.array([v.scale for v in description.features])

    @property
    def names(self) -> list[str]:
        """Names of the features in the order of the columns."""
        return [variable.name for variable in self.description.features]

    def get_raw_model(self) -> CubeModel:
        """Return this object: what MLflow's ``PyFuncModel.get_raw_model`` hands out."""
        return self

    def scale_features(self, values: np.ndarray) -> np.ndarray:
        """Return the features as the estimator sees them.

        Parameters
        ----------
        values : (n, f) array
            Natural units.

        Returns
        -------
        (n, f) float32 array
        """
        scaled: np.ndarray = ((values - self._offset) / self._scale).astype(np.float32)
        return scaled

    def scale_target(self, values: np.ndarray) -> np.ndarray:
        """Return the target as the estimator is fitted on it, float32."""
        target = self.description.target
        scaled = (np.asarray(values, dtype=np.float64) - target.offset) / target.scale
        return scaled.astype(np.float32)

    def predict_array(self, values: np.ndarray) -> np.ndarray:
        """Predict cells in natural units.

        Parameters
        ----------
        values : (n, f) array
            One row per cell, columns as in :attr:`names`.

        Returns
        -------
        (n,) float64 array
            In the target's units; NaN where a feature is not finite.
        """
        values = np.asarray(values, dtype=np.float64)
        known = np.isfinite(values).all(axis=1)
        prediction = np.full(len(values), np.nan)
        for start in range(0, len(values), BATCH_CELLS):
            rows = start + np.flatnonzero(known[start : start + BATCH_CELLS])
            if rows.size:
                prediction[rows] = self._predict_known(values[rows])
        return prediction

    def _predict_known(self, values: np.ndarray) -> np.ndarray:
        call = _CALLS[framework_of(self.estimator)]
        scaled = np.asarray(call(self.estimator, self.scale_features(values)), dtype=np.float64)
        target = self.description.target
        return scaled.reshape(len(values)) * target.scale + target.offset

    def predict(self, data: Any) -> Any:
        """Predict a table, a cube or plain arrays, all in natural units.

        Parameters
        ----------
        data : pandas.DataFrame, xarray.Dataset, dict of arrays or (n, f) array
            A table has the features by name, a Dataset the variables that they are computed from.

        Returns
        -------
        pandas.Series, xarray.DataArray or array
            Of the kind that was given; a DataArray has the cube's dims and coordinates.

        Raises
        ------
        ValueError
            A feature is missing.
        """
        kind = type(data).__name__
        if kind == "Dataset":
            return self._predict_cube(data)
        if kind == "DataFrame":
            import pandas as pd

            self._require(data.columns)
            prediction = self.predict_array(data[self.names].to_numpy(dtype=np.float64))
            return pd.Series(prediction, index=data.index, name=self.description.target.name)
        if isinstance(data, dict):
            self._require(data)
            columns = [np.asarray(data[name], dtype=np.float64).ravel() for name in self.names]
            return self.predict_array(np.stack(columns, axis=1))
        return self.predict_array(np.atleast_2d(np.asarray(data)))

    def _require(self, present: Any) -> None:
        missing = [name for name in self.names if name not in present]
        if missing:
            raise ValueError(f"The model needs {self.names}; missing: {missing}.")

    def _predict_cube(self, cube: xr.Dataset) -> xr.DataArray:
        import xarray as xr

        cube = _with_computed(cube, self.names)
        self._require(cube.variables)
        arrays = xr.broadcast(*[cube[name] for name in self.names])
        # `broadcast` orders dims by first appearance; the training cube's order reads better.
        order = [dim for dim in self.description.dims if dim in arrays[0].dims]
        arrays = tuple(array.transpose(*order, ...) for array in arrays)
        predicted: xr.DataArray = xr.apply_ufunc(
            self._predict_blocks,
            *arrays,
            dask="parallelized",
            output_dtypes=[np.float32],
            keep_attrs=False,
        )
        target = self.description.target
        attrs = {"units": target.units, "long_name": target.long_name}
        attrs.update({f"mlkit_{key}": value for key, value in self.description.origin.items()})
        predicted.attrs = {key: value for key, value in attrs.items() if value}
        return predicted.rename(target.name)

    def _predict_blocks(self, *blocks: np.ndarray) -> np.ndarray:
        shape = blocks[0].shape
        prediction = np.empty(blocks[0].size, dtype=np.float32)
        flat = [np.asarray(block).reshape(-1) for block in blocks]
        for start in range(0, prediction.size, BATCH_CELLS):
            part = slice(start, start + BATCH_CELLS)
            prediction[part] = self.predict_array(np.stack([v[part] for v in flat], axis=1))
        return prediction.reshape(shape)


def _with_computed(cube: xr.Dataset, names: list[str]) -> xr.Dataset:
    """Return `cube` with the features that are computed from its variables, lazily."""
    if all(name in cube.variables for name in names):
        return cube
    if __package__:
        from ...cubes.features.mlkit_features import derive
    else:  # inside a logged model both files lie side by side
        from mlkit_features import derive  # type: ignore[import-not-found, no-redef]
    with_computed: xr.Dataset = derive(cube, names)
    return with_computed


def framework_of(estimator: Any) -> Framework:
    """Return the framework that `estimator` is of; none is imported to find out."""
    roots = {kind.__module__.split(".")[0] for kind in type(estimator).__mro__}
    if roots & {"keras", "tf_keras"}:  # first: with its torch backend it is a module, too
        return "keras"
    return "torch" if "torch" in roots else "sklearn"


def save(model: CubeModel, folder: Path) -> Description:
    """Write `model` to `folder`, without any pickle, and return what was written of it.

    Raises
    ------
    ValueError
        The weights hold objects that are not classes of scikit-learn, or torch cannot export
        the module.
    """
    framework = framework_of(model.estimator)
    weights = _WRITERS[framework](model.estimator, len(model.names))
    types = _types_within(weights) if framework == "sklearn" else ()
    new = {
        "framework": framework,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "trusted_types": types,
        "backend": _backend() if framework == "keras" else None,
    }
    described = Description(**{**vars(model.description), **new})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS_FILES[framework]).write_bytes(weights)
    (folder / DESCRIPTION_FILE).write_text(described.to_json(), encoding="utf-8")
    return described


def load(folder: Path) -> CubeModel:
    """Read what :func:`save` wrote.

    Raises
    ------
    ValueError
        The weights are not those that were saved, or hold types that were not recorded or that
        are not classes of scikit-learn.
    """
    text = (folder / DESCRIPTION_FILE).read_text(encoding="utf-8")
    description = Description.from_json(text)
    name = WEIGHTS_FILES[description.framework]
    # Read once: what is checked is what is loaded, whoever may write to the folder.
    weights = (folder / name).read_bytes()
    digest = hashlib.sha256(weights).hexdigest()
    if description.weights_sha256 not in (None, digest):
        raise ValueError(
            f"{name} is not the file that was saved (SHA-256 {digest[:12]}…, saved was "
            f"{str(description.weights_sha256)[:12]}…): it is damaged or was replaced."
        )
    if description.framework == "sklearn":
        unrecorded = sorted(set(_types_within(weights)) - set(description.trusted_types))
        if unrecorded:
            raise ValueError(f"{name} holds types that were not there when saved: {unrecorded}.")
    _choose_backend(description.backend)
    return CubeModel(_READERS[description.framework](weights), description)


def _types_within(weights: bytes) -> tuple[str, ...]:
    """Return the types within that skops does not know; all are classes of scikit-learn.

    A function that a file names (``numpy.save`` in a FunctionTransformer) would be called when
    the model predicts: classes only.
    """
    import importlib

    import skops.io

    types = sorted(skops.io.get_untrusted_types(data=weights))
    foreign = []
    for name in types:
        module, _, attribute = name.rpartition(".")
        known = None
        if module.split(".")[0] == "sklearn":
            known = getattr(importlib.import_module(module), attribute, None)
        if not isinstance(known, type):
            foreign.append(name)
    if foreign:
        raise ValueError(
            f"The weights hold what is not a class of scikit-learn: {', '.join(foreign)}."
        )
    return tuple(types)


# ------------------------------------------------------------------------- frameworks


def _skops_bytes(estimator: Any, width: int) -> bytes:  # noqa: ARG001 - as all writers
    import skops.io

    weights: bytes = skops.io.dumps(estimator)
    return weights


def load_skops(weights: bytes) -> Any:
    """Return the object in a file of skops, which holds classes of scikit-learn and arrays."""
    import skops.io

    return skops.io.loads(weights, trusted=list(_types_within(weights)))


def _torch_bytes(module: Any, width: int) -> bytes:
    """Return `module` as torch.export has it: the graph and its weights, without its class."""
    import torch

    weight = next(iter(module.parameters()), torch.zeros(()))
    example = torch.zeros((2, width), dtype=weight.dtype, device=weight.device)
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        rows = ({0: torch.export.Dim.AUTO},)
        exported = torch.export.export(module, (example,), dynamic_shapes=rows)
    except Exception as error:
        raise ValueError(
            f"torch.export cannot take this module: {str(error).partition(chr(10))[0]} "
            "(its forward must not branch on values)."
        ) from error
    finally:
        for part, mode in modes:
            part.training = mode
    # Notes on the source tell strangers the author's paths, and guards are code: neither is part
    # of the function, and without them an archive can be checked before it is loaded.
    for node in exported.graph.nodes:
        for note in ("stack_trace", "nn_module_stack", "torch_fn", "source_fn_stack", "from_node"):
            node.meta.pop(note, None)
    exported._guards_code = []
    file = io.BytesIO()
    torch.export.save(exported, file)
    return file.getvalue()


def _torch_object(weights: bytes) -> Any:
    import torch

    return torch.export.load(io.BytesIO(weights)).module()


def _torch_call(module: Any, features: np.ndarray) -> Any:
    import torch

    weight = next(iter(module.parameters()), torch.zeros(()))
    with torch.inference_mode():
        given = torch.from_numpy(features).to(device=weight.device, dtype=weight.dtype)
        return module(given).float().cpu().numpy()


def _backend() -> str:
    import keras  # type: ignore[import-untyped, unused-ignore]

    return str(keras.backend.backend())


def _choose_backend(backend: str | None) -> None:
    """Let Keras have the backend of the model where nobody has chosen one.

    Keras would ask for TensorFlow, and cannot be imported where that is missing.
    """
    if backend is not None and "keras" not in sys.modules and importlib.util.find_spec(backend):
        os.environ.setdefault("KERAS_BACKEND", backend)


def _keras_bytes(model: Any, width: int) -> bytes:  # noqa: ARG001 - as all writers
    with tempfile.TemporaryDirectory(prefix="mlkit-keras-") as folder:
        path = Path(folder) / WEIGHTS_FILES["keras"]
        model.save(path)
        return path.read_bytes()


def _keras_object(weights: bytes) -> Any:
    import keras  # type: ignore[import-untyped, unused-ignore]

    # keras reads from paths only; nobody else can write to this folder.
    with tempfile.TemporaryDirectory(prefix="mlkit-keras-") as folder:
        path = Path(folder) / WEIGHTS_FILES["keras"]
        path.write_bytes(weights)
        return keras.saving.load_model(path, compile=False, safe_mode=True)


_WRITERS: dict[Framework, Callable[[Any, int], bytes]] = {
    "sklearn": _skops_bytes,
    "torch": _torch_bytes,
    "keras": _keras_bytes,
}
_READERS: dict[Framework, Callable[[bytes], Any]] = {
    "sklearn": load_skops,
    "torch": _torch_object,
    "keras": _keras_object,
}
_CALLS: dict[Framework, Callable[[Any, np.ndarray], Any]] = {
    "sklearn": lambda estimator, features: estimator.predict(features),
    "torch": _torch_call,
    "keras": lambda model, features: model.predict_on_batch(features),
}


def _load_pyfunc(data_path: str) -> CubeModel:
    """Load the model: the function that MLflow looks for in a ``loader_module``."""
    _let_cubes_pass()
    return load(Path(data_path))


def _let_cubes_pass() -> None:
    """Let ``mlflow.pyfunc.load_model(...).predict`` hand an xarray Dataset to this model.

    A model with a signature accepts tables and arrays only: MLflow raises for everything else
    before the model sees it. Without a signature the scoring server could not check its input,
    so Datasets, which always raise there, are let through instead. Where a future MLflow has no
    such function, ``load_model(...).get_raw_model().predict(cube)`` still works.
    """
    import mlflow.pyfunc

    check = getattr(mlflow.pyfunc, "_validate_prediction_input", None)
    if check is None or hasattr(check, "lets_cubes_pass"):
        return

    @functools.wraps(check)
    def check_all_but_cubes(data: Any, params: Any, *args: Any, **kwargs: Any) -> Any:
        if type(data).__name__ == "Dataset" and type(data).__module__.startswith("xarray."):
            return data, params
        return check(data, params, *args, **kwargs)

    check_all_but_cubes.lets_cubes_pass = True  # type: ignore[attr-defined]
    mlflow.pyfunc._validate_prediction_input = check_all_but_cubes
