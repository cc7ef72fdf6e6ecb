"""Any model as one function: arrays of float32 in, numbers out.

No framework is imported here: a torch or keras model brings its own along.
"""

from __future__ import annotations

import hashlib
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInputError

#: Frameworks that run one call at a time on all cores, and whose modes are state of the model.
_TURN = threading.RLock()
#: Methods of scikit-learn that return ``x @ coef_ + intercept_`` and nothing else.
_LINEAR = (
    "LinearModel.predict",
    "MultiOutputLinearModel.predict",
    "Ridge.predict",
    "BaseSGDRegressor.predict",
)


class Model(ABC):
    """A model that can be called with features and answers with predictions.

    Attributes
    ----------
    names : tuple of str or None
        Features in the order of its columns, where the model knows them.
    target, units, long_name : str
        Of what it predicts; empty where the model does not know.
    """

    names: tuple[str, ...] | None = None
    target: str = ""
    units: str = ""
    long_name: str = ""

    @abstractmethod
    def __call__(self, x: NDArray[np.float32]) -> NDArray[Any]:
        """Return predictions for features of shape (n, n_features) or (n, n_features, *window)."""

    @abstractmethod
    def identity(self) -> str | None:
        """Return a digest of what determines the predictions, None where it cannot be known."""

    def linear(self) -> tuple[NDArray[np.float64], float] | None:
        """Return coefficients and intercept where ``y = x @ coefficients + intercept``."""
        return None


def as_model(model: Any, names: Sequence[str] | None = None) -> Model:
    """Recognise `model` by what it can do.

    Parameters
    ----------
    model : object
        A cube model (``names``, ``predict_array``), torch module, keras model, anything with a
        scikit-learn like ``predict``, or a function.
    names : sequence of str, optional
        The features that it will be given.

    Raises
    ------
    InvalidInputError
        ``not_a_model``.
    """
    if hasattr(model, "predict_array") and hasattr(model, "names"):
        return _CubeModel(model)
    if _is_of(model, "torch", "Module"):
        return _TorchModel(model)
    if _is_of(model, "keras", "Model") or _is_of(model, "tf_keras", "Model"):
        return _KerasModel(model)
    if callable(getattr(model, "predict", None)):
        return _Estimator(model, names)
    if callable(model):
        return _Function(model)
    raise InvalidInputError(
        f"A {type(model).__name__} is not a model.",
        hint="Give a function, a scikit-learn estimator, a torch module, a keras model or a "
        "model of jupyter_mlkit.",
        code="not_a_model",
        field="model",
    )


def _is_of(model: Any, package: str, name: str) -> bool:
    return any(
        kind.__name__ == name and kind.__module__.split(".")[0] == package
        for kind in type(model).__mro__
    )


class _Function(Model):
    """A function; what it closes over cannot be known, so it has no identity."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, x: NDArray[np.float32]) -> NDArray[Any]:
        return np.asarray(self._function(x))

    def identity(self) -> str | None:
        return None


class _CubeModel(Model):
    """A model of this package, or the raw model of one that MLflow loaded."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.names = tuple(model.names)
        target = getattr(getattr(model, "description", None), "target", None)
        for key in ("units", "long_name"):
            setattr(self, key, str(getattr(target, key, "")))
        self.target = str(getattr(target, "name", ""))

    def __call__(self, x: NDArray[np.float32]) -> NDArray[Any]:
        return np.asarray(self._model.predict_array(x))

    def identity(self) -> str | None:
        return _pickled(self._model)

    def linear(self) -> tuple[NDArray[np.float64], float] | None:
        description = getattr(self._model, "description", None)
        found = _linear_estimator(getattr(self._model, "estimator", None))
        if found is None or description is None:
            return None
        target = description.target
        scale = np.array([feature.scale for feature in description.features], dtype=np.float64)
        offset = np.array([feature.offset for feature in description.features], dtype=np.float64)
        coefficients = found[0] / scale
        intercept = found[1] - float(coefficients @ offset)
        return coefficients * target.scale, intercept * target.scale + target.offset


class _Estimator(Model):
    """Something with ``predict``, as scikit-learn has it."""

    def __init__(self, estimator: Any, names: Sequence[str] | None) -> None:
        self._estimator = estimator
        known = getattr(estimator, "feature_names_in_", None)
        self.names = None if known is None else tuple(str(name) for name in known)
        # A pipeline that was fitted on a table may choose its columns by name.
        self._columns = list(self.names) if self.names and names in (None, self.names) else None
        if self.names and names is not None and tuple(names) != self.names:
            raise InvalidInputError(
                f"The model was fitted on {', '.join(self.names)}, not on {', '.join(names)}.",
                hint="Give the features in the order of the fit, or leave them out.",
                field="features",
            )

    def __call__(self, x: NDArray[np.float32]) -> NDArray[Any]:
        if self._columns is None or x.ndim != 2:
            return np.asarray(self._estimator.predict(x))
        import pandas as pd

        return np.asarray(self._estimator.predict(pd.DataFrame(x, columns=self._columns)))

    def identity(self) -> str | None:
        return _pickled(self._estimator)

    def linear(self) -> tuple[NDArray[np.float64], float] | None:
        return _linear_estimator(self._estimator)


class _TorchModel(Model):
    """A torch module, called in evaluation mode and without gradients, where its weights are."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __call__(self, x: NDArray[np.float32]) -> NDArray[Any]:
        torch: Any = sys.modules["torch"]
        weight = next(iter(self._module.parameters()), None)
        with _TURN, torch.inference_mode():
            modes = [(part, part.training) for part in self._module.modules()]
            self._module.eval()
            try:
                tensor = torch.from_numpy(x)
                if weight is not None:
                    tensor = tensor.to(device=weight.device, dtype=weight.dtype)
                found = self._module(tensor).to(device="cpu", dtype=torch.float32).numpy()
            finally:
                for part, mode in modes:
                    part.training = mode
        return np.asarray(found)

    def identity(self) -> str | None:
        digest = hashlib.blake2b(repr(self._module).encode(), digest_size=12)
        for name, tensor in sorted(self._module.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


class _KerasModel(Model):
    """A keras model of any backend."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, x: NDArray[np.float32]) -> NDArray[Any]:
        with _TURN:
            return np.asarray(self._model.predict_on_batch(x))

    def identity(self) -> str | None:
        digest = hashlib.blake2b(str(self._model.to_json()).encode(), digest_size=12)
        for weight in self._model.get_weights():
            digest.update(f"{weight.dtype} {weight.shape}".encode())
            digest.update(np.ascontiguousarray(weight).tobytes())
        return digest.hexdigest()


def _linear_estimator(estimator: Any) -> tuple[NDArray[np.float64], float] | None:
    """Read a linear regression of scikit-learn that predicts as all of them do."""
    predict = getattr(type(estimator), "predict", None)
    module = str(getattr(predict, "__module__", ""))
    owner = str(getattr(predict, "__qualname__", ""))
    if not module.startswith("sklearn.linear_model.") or owner not in _LINEAR:
        return None
    coefficients = np.asarray(getattr(estimator, "coef_", np.empty((0, 0, 0))), dtype=np.float64)
    intercept = np.asarray(getattr(estimator, "intercept_", 0.0), dtype=np.float64)
    if coefficients.ndim > 2 or (coefficients.ndim == 2 and len(coefficients) != 1):
        return None
    return coefficients.reshape(-1), float(intercept.reshape(-1)[0])


def _pickled(model: Any) -> str | None:
    """Return the hash that joblib gives to equal objects in any process."""
    import pickle

    try:
        from joblib import hash as joblib_hash  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        return None
    try:
        return str(joblib_hash(model))
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
