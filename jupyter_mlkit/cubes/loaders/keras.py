"""Batches for Keras 3: what ``Model.fit`` takes."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np

from ..sampling.arguments import require_sampler
from ..sampling.sampler import Sampler
from .arrays import Floats, training_arrays


def fit_arguments(train: Sampler, validation: Sampler | None = None) -> dict[str, Any]:
    """Return the data arguments of ``Model.fit``, with the exact number of steps per epoch.

    Each step gives (x, y, sample_weight). Windows have their features last where
    ``keras.config.image_data_format()`` is ``"channels_last"``, and their y has shape
    (n, *window, 1), so that losses leave one value per cell to weigh.

    Parameters
    ----------
    train, validation : Sampler
        Validation is the same in every epoch.

    Examples
    --------
    >>> model.fit(**fit_arguments(train, validation), epochs=10)
    """
    require_sampler("train", train)
    if validation is not None:
        require_sampler("validation", validation)
    found: dict[str, Any] = {"x": _endless(train, same=False), "steps_per_epoch": len(train)}
    if validation is not None:
        found["validation_data"] = _endless(validation, same=True)
        found["validation_steps"] = len(validation)
    return found


def _endless(sampler: Sampler, *, same: bool) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Yield epoch after epoch; Keras counts the steps."""
    keras = import_module("keras")
    last = sampler.layout.window and keras.config.image_data_format() == "channels_last"
    epoch = sampler.epoch
    while True:
        for batch in sampler:
            x, y, weight = training_arrays(batch)
            if last:
                x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
            yield x, y[..., None] if sampler.layout.window else y, weight
        epoch += not same
        sampler.set_epoch(epoch)
