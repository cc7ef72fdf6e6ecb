"""Stream a cube through scikit-learn's ``partial_fit``."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from ...errors import SpecError
from ..sampling.arguments import require_sampler, whole, wrong
from ..sampling.sampler import Sampler
from .numpy import epochs as batches_of

Model = TypeVar("Model")


def partial_fit(
    model: Model, sampler: Sampler, epochs: int = 1, *, classes: Sequence[Any] | None = None
) -> Model:
    """Train an estimator batch by batch; the cube is never in memory as a whole.

    Cells weigh by their area where the estimator takes ``sample_weight``.

    Parameters
    ----------
    model : estimator
        With ``partial_fit``.
    sampler : Sampler
        Of single cells, or of windows whose features are flattened and that have no target.
    epochs : int
    classes : sequence, optional
        All classes of the target, which classifiers need to know before the first batch.

    Returns
    -------
    estimator
        `model`.

    Raises
    ------
    SpecError
        ``no_partial_fit``, or ``invalid_window`` where each sample has a window of targets.
    """
    require_sampler("sampler", sampler)
    whole("epochs", epochs, 0)
    if classes is not None and (isinstance(classes, str) or not isinstance(classes, Iterable)):
        raise wrong("classes", classes, "a list of all classes", "Name them: classes=[0, 1, 2].")
    step: Any = getattr(model, "partial_fit", None)
    if step is None:
        raise SpecError(
            f"{type(model).__name__} cannot be trained batch by batch.",
            hint="Choose an estimator with partial_fit, such as SGDRegressor.",
            code="no_partial_fit",
            field="model",
        )
    if sampler.layout.window and sampler.recipe.target is not None:
        raise SpecError(
            "scikit-learn predicts one number per sample, not a window of them.",
            hint="Use lags instead of input_dims.",
            code="invalid_window",
            field="window",
        )
    weighs = "sample_weight" in inspect.signature(step).parameters
    first: dict[str, Any] = {} if classes is None else {"classes": list(classes)}
    for batch in batches_of(sampler, epochs):
        x = batch.X.reshape(len(batch), -1)
        if batch.y is None:
            step(x)
            continue
        step(x, batch.y, **({"sample_weight": batch.weight} if weighs else {}), **first)
        first = {}
    return model
