"""All models that a spec may name: estimators of scikit-learn, and networks."""

from __future__ import annotations

from ..errors import MLKitError, ModelError
from ..models import EstimatorList
from ..spec import TrainingSpec
from .estimators import Found, find_estimator, list_estimators
from .networks.architectures import NETWORKS, Network, find_network, is_network

__all__ = ["Choice", "find_model", "is_network", "list_models", "model_errors"]

Choice = Found | Network


def find_model(path: str) -> Choice:
    """Return the estimator or network that `path` names.

    Raises
    ------
    ModelError
        As :func:`.estimators.find_estimator`, ``unknown_estimator``, ``framework_missing``.
    """
    return find_network(path) if is_network(path) else find_estimator(path)


def list_models() -> EstimatorList:
    """Return what this environment can train: estimators by name, then networks.

    A network whose framework is missing is among them, with what mends it.

    Raises
    ------
    ModelError
        ``framework_missing``: scikit-learn is not installed.
    """
    return EstimatorList(items=[*list_estimators().items, *(one.offer() for one in NETWORKS)])


def model_errors(spec: TrainingSpec) -> list[MLKitError]:
    """Return what is wrong with model and fit of `spec`; no data are needed to know it."""
    try:
        choice = find_model(spec.model.class_)
    except MLKitError as error:
        return [error]
    errors = choice.check(spec.model.params)
    if isinstance(choice, Network) and spec.fit.max_samples is not None:
        errors.append(
            ModelError(
                "A network reads its train cells batch by batch, however many there are.",
                hint="Leave 'Train samples at most' empty, or choose a smaller region or period.",
                code="not_for_networks",
                field="fit.max_samples",
            )
        )
    return errors
