"""Epochs over a cube: the same loop for the networks of every framework."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ...cubes.sampling.sampler import Sampler
from ...errors import ModelError
from ...spec import FitSpec
from ..model import CubeModel
from ..vendored.mlkit_cube_model import framework_of

#: A progress bar moves so often, in seconds; a message for every batch would slow short ones.
_PROGRESS_SECONDS = 0.2


class Stepper(Protocol):
    """A network that learns batch by batch, see :class:`.torch.Stepper`."""

    @property
    def device(self) -> str:
        """Where it computes."""

    def epoch(self, number: int) -> AbstractContextManager[None]:
        """Train inside; outside the network predicts."""

    def step(
        self,
        x: NDArray[np.float32],
        y: NDArray[np.float32],
        weight: NDArray[np.float32],
        rate: float,
    ) -> float:
        """Take one step down the gradient of ``mean(weight * loss)`` and return that loss."""

    def is_finite(self) -> bool:
        """Tell whether all weights are numbers."""

    def weights(self) -> Any:
        """Return a copy of all weights."""

    def set_weights(self, weights: Any) -> None:
        """Put back what :meth:`weights` gave."""

    def finish(self) -> None:
        """Leave the network ready to predict and to be stored."""


@dataclass(frozen=True)
class Epoch:
    """Where a training is.

    Attributes
    ----------
    done : int
        Epochs that are behind it.
    step, steps : int
        Batches of the present epoch.
    loss : float or None
        Mean loss of the last whole epoch, weighted by area, in scaled units; None inside one.
    """

    done: int
    step: int
    steps: int
    loss: float | None = None


@dataclass(frozen=True)
class Trained:
    """How a training went.

    Attributes
    ----------
    epochs : int
        That were made.
    best : int
        Epoch, counted from 1, whose weights the network has.
    device : str
    """

    epochs: int
    best: int
    device: str


def train(
    model: CubeModel,
    sampler: Sampler,
    fit: FitSpec,
    *,
    cells: int,
    mean_weight: float,
    score: Callable[[Epoch], float],
    progress: Callable[[Epoch], None],
) -> Trained:
    """Train the network of `model` in place.

    Parameters
    ----------
    model : CubeModel
        Of a torch module or a keras model, with the scaling of the train cells.
    sampler : Sampler
        Of single train cells.
    fit : FitSpec
        Epochs, optimizer, learning rate, loss, patience.
    cells : int
        Train cells.
    mean_weight : float
        Mean area weight of the train cells: the loss is then one mean over all of them, however
        they fall into batches.
    score : callable
        Called after each epoch; returns the validation error by which the best is chosen.
    progress : callable
        Told inside an epoch where it is.

    Returns
    -------
    Trained

    Raises
    ------
    ModelError
        ``diverged``: the loss, a weight or the score is no number any more.

    Notes
    -----
    The learning rate falls to zero along half a cosine over all steps (Loshchilov and Hutter,
    arXiv 1608.03983, eq. 5, one period): the last steps average out the noise of the batches, so
    that a convex problem ends at its optimum. With `fit.patience` the training ends after so many
    epochs without a better score, and the weights of the best epoch are put back.
    """
    network = _stepper(model.estimator, fit)
    steps = -(-cells // fit.batch_size)
    total = fit.epochs * steps
    best, best_epoch, kept, done = math.inf, 0, None, 0
    shown = time.monotonic()
    for epoch in range(fit.epochs):
        sampler.set_epoch(epoch)
        losses = 0.0
        with network.epoch(epoch):
            for step, batch in enumerate(sampler):
                assert batch.y is not None
                # A short last batch counts as much less as it is shorter than the mean one.
                share = len(batch) * steps / cells
                weight = batch.weight * np.float32(share / mean_weight)
                rate = _rate(fit.learning_rate, epoch * steps + step, total)
                x, y = model.scale_features(batch.X), model.scale_target(batch.y)
                losses += network.step(x, y, weight, rate)
                if time.monotonic() - shown > _PROGRESS_SECONDS:
                    shown = time.monotonic()
                    progress(Epoch(epoch, step + 1, steps))
        done = epoch + 1
        loss = losses / steps
        if not (math.isfinite(loss) and network.is_finite()):
            raise _diverged(done, fit)
        error = score(Epoch(done, steps, steps, loss))
        if not math.isfinite(error):
            raise _diverged(done, fit)
        if fit.patience is None or error < best:
            best, best_epoch = error, done
            kept = None if fit.patience is None else network.weights()
        elif done - best_epoch >= fit.patience:
            break
    if kept is not None and best_epoch < done:
        network.set_weights(kept)
    network.finish()
    return Trained(done, best_epoch, network.device)


def _rate(first: float, step: int, total: int) -> float:
    return first * 0.5 * (1.0 + math.cos(math.pi * step / total))


def _stepper(network: Any, fit: FitSpec) -> Stepper:
    module = import_module(f".{framework_of(network)}", __package__)
    return cast("Stepper", module.Stepper(network, fit))


def _diverged(epoch: int, fit: FitSpec) -> ModelError:
    return ModelError(
        f"The training diverged: in epoch {epoch} its loss is not a number any more.",
        hint=f"Choose a learning rate below {fit.learning_rate:g}, or scale the data "
        "(scale: standardize).",
        code="diverged",
        field="fit.learning_rate",
    )
