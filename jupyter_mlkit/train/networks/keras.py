"""Networks of Keras 3, on whatever backend it runs, and one step of their training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras  # type: ignore[import-untyped, unused-ignore]
import numpy as np
from numpy.typing import NDArray

from ...spec import FitSpec
from .architectures import Activation

#: As in PyTorch: a spec asks for the same steps in both frameworks.
_EPSILON = 1e-8
_OPTIMIZERS: dict[str, Any] = {
    "adam": lambda rate: keras.optimizers.Adam(rate, epsilon=_EPSILON),
    "adamw": lambda rate: keras.optimizers.AdamW(rate, weight_decay=0.01, epsilon=_EPSILON),
    "sgd": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
}
_LOSSES: dict[str, Any] = {
    "mse": keras.losses.MeanSquaredError,
    "mae": keras.losses.MeanAbsoluteError,
    "huber": keras.losses.Huber,
}


def mlp(
    inputs: int,
    *,
    hidden: Sequence[int] = (64, 64),
    activation: Activation = "relu",
    dropout: float = 0.0,
    seed: int = 0,
) -> Any:
    """Return a multi-layer perceptron: (n, inputs) float32 to (n, 1).

    Parameters
    ----------
    inputs : int
        Features of a cell.
    hidden : sequence of int
        Units of each hidden layer; none gives a linear model.
    activation : {"relu", "gelu", "tanh"}
    dropout : float
        Share of the units of each hidden layer that a training step leaves out.
    seed : int
        Of the initial weights and of dropout; the backend's own generator is left as it is.

    Returns
    -------
    keras.Model
    """
    layers: list[Any] = [keras.Input((inputs,))]
    for number, units in enumerate(hidden):
        layers.append(_dense(units, activation, seed, 2 * number))
        if dropout:
            layers.append(keras.layers.Dropout(dropout, seed=_seed(seed, 2 * number + 1)))
    layers.append(_dense(1, None, seed, 2 * len(hidden)))
    return keras.Sequential(layers)


def _dense(units: int, activation: str | None, seed: int, number: int) -> Any:
    start = keras.initializers.GlorotUniform(seed=_seed(seed, number))
    return keras.layers.Dense(units, activation=activation, kernel_initializer=start)


def _seed(seed: int, number: int) -> int:
    """Return a seed of one layer: two layers of a size must not begin with the same weights."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0] % 2**31)


class Stepper:
    """Trains a model batch by batch.

    Parameters
    ----------
    model : keras.Model
        Takes (n, features) float32 and gives (n,) or (n, 1); it is changed in place.
    fit : FitSpec
        Optimizer and loss.
    """

    def __init__(self, model: Any, fit: FitSpec) -> None:
        self._model = model
        model.compile(
            optimizer=_OPTIMIZERS[fit.optimizer](fit.learning_rate), loss=_LOSSES[fit.loss]()
        )

    @property
    def device(self) -> str:
        """Where it computes: ``cpu`` or ``gpu``."""
        weights = self._model.weights
        if keras.backend.backend() == "torch":
            return "cpu" if not weights or weights[0].value.device.type == "cpu" else "gpu"
        devices = keras.distribution.list_devices()
        return "gpu" if any(name.lower().startswith(("gpu", "cuda")) for name in devices) else "cpu"

    @contextmanager
    def epoch(self, number: int) -> Iterator[None]:  # noqa: ARG002 - as of torch
        """Train inside: Keras itself knows a step from a prediction."""
        yield

    def step(
        self,
        x: NDArray[np.float32],
        y: NDArray[np.float32],
        weight: NDArray[np.float32],
        rate: float,
    ) -> float:
        """Change the weights by one step down the gradient of ``mean(weight * loss)``.

        Parameters
        ----------
        x : (n, features) array
        y, weight : (n,) arrays
        rate : float
            Learning rate of this step.

        Returns
        -------
        float
            The loss before the step.
        """
        self._model.optimizer.learning_rate = rate
        self._model.reset_metrics()
        told = self._model.train_on_batch(x, y[:, None], sample_weight=weight)
        return float(np.asarray(told).reshape(-1)[0])

    def is_finite(self) -> bool:
        """Tell whether all weights are numbers."""
        return all(bool(np.isfinite(one).all()) for one in self._model.get_weights())

    def weights(self) -> Any:
        """Return a copy of all weights, for :meth:`set_weights`."""
        return self._model.get_weights()

    def set_weights(self, weights: Any) -> None:
        """Put back what :meth:`weights` gave."""
        self._model.set_weights(weights)

    def finish(self) -> None:
        """Leave the model as it is: it predicts where it was trained."""
