"""Which scikit-learn estimators a spec may name, and how one is made from it."""

from __future__ import annotations

import difflib
import inspect
import shlex
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, cast

from ..errors import MLKitError, ModelError
from ..models import Estimator, EstimatorList
from .params_schema import params_schema, summary_of

#: Parameters that a spec states elsewhere or that we set ourselves, and where.
RESERVED = {
    "random_state": "The seed is fit.seed, so that it is logged with every run.",
    "warm_start": "It is set for you: ensembles are fitted in stages to be seen live.",
    "verbose": "Progress is shown in the run and in the job's phase.",
}
#: What to install for a package whose distribution has another name.
_DISTRIBUTIONS = {"sklearn": "scikit-learn"}
#: Estimators that cannot predict one target from a table, or not with their defaults.
_UNFIT = {
    "CCA": "It needs at least two targets.",
    "PLSCanonical": "It needs at least two targets.",
    "SelfTrainingClassifier": "It needs another estimator as a parameter.",
}
#: Estimators whose memory or time grows with the square of the number of samples.
QUADRATIC = {
    "GaussianProcessClassifier",
    "GaussianProcessRegressor",
    "KernelRidge",
    "LabelPropagation",
    "LabelSpreading",
    "NuSVC",
    "NuSVR",
    "SVC",
    "SVR",
    "TheilSenRegressor",
}


@dataclass(frozen=True)
class Found:
    """An estimator class, whether it predicts numbers or classes, and its public path."""

    cls: type
    kind: Literal["regressor", "classifier"]
    path: str

    def check(self, params: dict[str, Any]) -> list[MLKitError]:
        """Return what is wrong with `params`, as :func:`check_params`."""
        return check_params(self.cls, params)


def list_estimators() -> EstimatorList:
    """Return every scikit-learn regressor and classifier that a spec can use, by name.

    Raises
    ------
    ModelError
        ``framework_missing``
    """
    require_framework("sklearn")
    items = [
        Estimator(
            class_=found.path,
            name=found.cls.__name__,
            kind=found.kind,
            summary=summary_of(found.cls),
            params_schema=params_schema(found.cls, skip=set(RESERVED)),
            fit=["seed", "max_samples"],
        )
        for found in _index().values()
        if _unfit_reason(found.cls) is None
    ]
    return EstimatorList(items=sorted(items, key=lambda item: item.name))


def require_framework(path: str) -> None:
    """Raise unless the package that `path` begins with is installed in this interpreter.

    Raises
    ------
    ModelError
        ``framework_missing``, with the command that mends it.
    """
    package = path.partition(".")[0]
    if find_spec(package) is None:
        name = _DISTRIBUTIONS.get(package, package)
        raise ModelError(
            f"{name} is not installed in the kernel's environment ({sys.prefix}).",
            hint=f"{shlex.quote(sys.executable)} -m pip install {name}",
            code="framework_missing",
            field="model.class",
        )


def find_estimator(path: str) -> Found:
    """Return the class that `path` names.

    Parameters
    ----------
    path : str
        ``sklearn.<module>.<Class>``; nothing outside scikit-learn is imported.

    Raises
    ------
    ModelError
        ``unknown_estimator`` with the closest match, ``unsuitable_estimator``, or
        ``framework_missing``.
    """
    if not path.startswith("sklearn."):
        raise _unknown(path, "Only classes of scikit-learn can be named in a spec")
    module_name, _, name = path.rpartition(".")
    require_framework(path)
    if any(part.startswith("_") or not part.isidentifier() for part in path.split(".")):
        raise _unknown(path, f"scikit-learn has no public estimator '{path}'")
    try:
        candidate = getattr(import_module(module_name), name, None)
    except ModuleNotFoundError:
        candidate = None
    kind = _kind_of(candidate)
    if kind is None:
        raise _unknown(path, f"scikit-learn has no regressor or classifier '{path}'")
    cls = cast("type", candidate)
    reason = _unfit_reason(cls)
    if reason is not None:
        raise ModelError(
            f"{name} cannot be used here. {reason}",
            hint="Choose an estimator that is fitted to one target by itself.",
            code="unsuitable_estimator",
            field="model.class",
        )
    return Found(cls, kind, path)


def build_estimator(path: str, params: dict[str, Any], seed: int) -> Any:
    """Return an unfitted estimator with `params`, seeded.

    Raises
    ------
    ModelError
        As :func:`find_estimator`, and as :func:`check_params`.
    """
    found = find_estimator(path)
    errors = check_params(found.cls, params)
    if errors:
        raise errors[0]
    defaults = _signature(found.cls)
    kept = {name: _as_declared(value, defaults[name].default) for name, value in params.items()}
    if "random_state" in defaults:
        kept["random_state"] = seed
    return found.cls(**kept)


def check_params(cls: type, params: dict[str, Any]) -> list[MLKitError]:
    """Return what is wrong with `params`; each error names ``model.params.<name>``."""
    from sklearn.utils._param_validation import (
        InvalidParameterError,
        validate_parameter_constraints,
    )

    known = _signature(cls)
    constraints = getattr(cls, "_parameter_constraints", {})
    errors: list[MLKitError] = []
    for name, value in params.items():
        field = f"model.params.{name}"
        if name in RESERVED:
            errors.append(
                ModelError(
                    f"'{name}' is not set by hand.",
                    hint=RESERVED[name],
                    code="reserved_parameter",
                    field=field,
                )
            )
            continue
        if name not in known:
            errors.append(_unknown_param(cls, name, [n for n in known if n not in RESERVED]))
            continue
        given = _as_declared(value, known[name].default)
        try:
            if name in constraints:
                validate_parameter_constraints({name: constraints[name]}, {name: given}, "model")
        except InvalidParameterError as error:
            text = str(error).replace(" parameter of model", "").removeprefix("The ")
            errors.append(
                ModelError(
                    text, hint=_default_hint(known[name]), code="wrong_parameter", field=field
                )
            )
    return errors


def _unknown_param(cls: type, name: str, known: list[str]) -> ModelError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else f"It has: {', '.join(known) or 'none'}."
    return ModelError(
        f"{cls.__name__} has no parameter '{name}'.",
        hint=hint,
        code="unknown_parameter",
        field=f"model.params.{name}",
    )


def _unknown(path: str, message: str) -> ModelError:
    index = _index()
    by_name = {found.cls.__name__.lower(): found.path for found in index.values()}
    name = path.rpartition(".")[2].lower()
    near = difflib.get_close_matches(name, by_name, n=1, cutoff=0.5)
    hint = (
        f"Did you mean '{by_name[near[0]]}'?"
        if near
        else "For example 'sklearn.linear_model.LinearRegression'."
    )
    return ModelError(f"{message}.", hint=hint, code="unknown_estimator", field="model.class")


def _as_declared(value: Any, default: Any) -> Any:
    """Return `value` with the type that JSON has lost.

    JavaScript writes 1.0 as 1, and to scikit-learn ``max_features=1`` is one feature where
    ``1.0`` is all of them: an integer equal to a float default is that default.
    """
    if type(value) is int and isinstance(default, float) and value == default:
        return default
    if isinstance(value, list) and isinstance(default, tuple):
        return tuple(value)
    return value


def _default_hint(parameter: inspect.Parameter) -> str | None:
    if parameter.default is inspect.Parameter.empty:
        return None
    return f"Its default is {parameter.default!r}."


def _signature(cls: type) -> dict[str, inspect.Parameter]:
    """Return the constructor's named parameters; an empty one for a class without its own."""
    if cls.__init__ is object.__init__:  # type: ignore[misc]
        return {}
    return {
        name: parameter
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    }


def _unfit_reason(cls: type) -> str | None:
    name = cls.__name__
    if name in _UNFIT:
        return _UNFIT[name]
    if name.startswith("MultiTask"):
        return "It fits several targets at once, a spec has one."
    needed = [n for n, p in _signature(cls).items() if p.default is p.empty]
    if needed:
        return f"It needs another estimator as its parameter '{needed[0]}'."
    return None


def _kind_of(cls: Any) -> Literal["regressor", "classifier"] | None:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    if not (inspect.isclass(cls) and issubclass(cls, BaseEstimator)) or inspect.isabstract(cls):
        return None
    if issubclass(cls, RegressorMixin):
        return "regressor"
    return "classifier" if issubclass(cls, ClassifierMixin) else None


@lru_cache(maxsize=1)
def _index() -> dict[str, Found]:
    """Return all estimators by public path (importing all of scikit-learn: a second)."""
    from sklearn.utils import all_estimators

    found = {}
    for _, cls in all_estimators(type_filter=["regressor", "classifier"]):
        kind = _kind_of(cls)
        path = public_path(cls)
        if kind is not None:
            found[path] = Found(cls, kind, path)
    return found


def public_path(cls: type) -> str:
    """Return the path that users import `cls` by: without scikit-learn's private modules."""
    parts = cls.__module__.split(".")
    private = next((i for i, part in enumerate(parts) if part.startswith("_")), len(parts))
    return ".".join([*parts[:private], cls.__name__])
