"""Networks of PyTorch, and one step of their training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ...spec import FitSpec
from .architectures import Activation

_ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}
_OPTIMIZERS: dict[str, Any] = {
    "adam": lambda weights, rate: torch.optim.Adam(weights, rate),
    "adamw": lambda weights, rate: torch.optim.AdamW(weights, rate, weight_decay=0.01),
    "sgd": lambda weights, rate: torch.optim.SGD(weights, rate, momentum=0.9),
}
_LOSSES: dict[str, Any] = {
    "mse": nn.functional.mse_loss,
    "mae": nn.functional.l1_loss,
    "huber": nn.functional.huber_loss,
}


def mlp(
    inputs: int,
    *,
    hidden: Sequence[int] = (64, 64),
    activation: Activation = "relu",
    dropout: float = 0.0,
    seed: int = 0,
) -> nn.Sequential:
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
        Of the initial weights; torch's own generator is left as it is.
    """
    layers: list[nn.Module] = []
    with _seeded(seed, 0):
        width = inputs
        for units in hidden:
            layers += [_linear(width, units), _ACTIVATIONS[activation]()]
            if dropout:
                layers.append(nn.Dropout(dropout))
            width = units
        layers.append(_linear(width, 1))
    return nn.Sequential(*layers)


def _linear(inputs: int, outputs: int) -> nn.Linear:
    # Whatever somebody has made the default of the process.
    return nn.Linear(inputs, outputs, device="cpu", dtype=torch.float32)


@contextmanager
def _seeded(seed: int, number: int) -> Iterator[None]:
    """Learn inside, drawing numbers of one's own; afterwards torch is as it was.

    Neighbouring seeds share no numbers: those of `seed` and `number` are drawn from both.
    """
    drawn = int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0])
    with (
        torch.random.fork_rng(devices=range(torch.cuda.device_count())),
        torch.inference_mode(False),
        torch.enable_grad(),
    ):
        torch.manual_seed(drawn % 2**63)
        yield


class Stepper:
    """Trains a module batch by batch.

    Parameters
    ----------
    module : torch.nn.Module
        Takes (n, features) float32 and gives (n,) or (n, 1); it is changed in place.
    fit : FitSpec
        Optimizer, loss and seed.
    """

    def __init__(self, module: nn.Module, fit: FitSpec) -> None:
        self._module = module
        self._device = torch.device(_best_device())
        self._loss = _LOSSES[fit.loss]
        self._seed = fit.seed
        module.to(self._device)
        self._optimizer = _OPTIMIZERS[fit.optimizer](module.parameters(), fit.learning_rate)

    @property
    def device(self) -> str:
        """Where it computes: ``cpu`` or ``gpu``."""
        return "cpu" if self._device.type == "cpu" else "gpu"

    @contextmanager
    def epoch(self, number: int) -> Iterator[None]:
        """Train inside; outside the module predicts, and torch's generator is as it was."""
        self._module.train()
        try:
            with _seeded(self._seed, number + 1):
                yield
        finally:
            self._module.eval()

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
        given, wanted, counts = (
            torch.from_numpy(array).to(self._device, non_blocking=True) for array in (x, y, weight)
        )
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        found = self._module(given).reshape(wanted.shape)
        loss = (counts * self._loss(found, wanted, reduction="none")).mean()
        loss.backward()
        self._optimizer.step()
        return float(loss.detach())

    def is_finite(self) -> bool:
        """Tell whether all weights are numbers."""
        return all(bool(torch.isfinite(one).all()) for one in self._module.parameters())

    def weights(self) -> Any:
        """Return a copy of all weights, for :meth:`set_weights`."""
        return {name: value.clone() for name, value in self._module.state_dict().items()}

    def set_weights(self, weights: Any) -> None:
        """Put back what :meth:`weights` gave."""
        self._module.load_state_dict(weights)

    def finish(self) -> None:
        """Leave the module ready to predict, on the processor on which it is stored."""
        self._module.to("cpu").eval()


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
