"""What a model is given: its features in its own scale, and what becomes of missing values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInputError

#: Arrays by variable name, with size 1 along the dims that a variable lacks.
Arrays: TypeAlias = Mapping[str, NDArray[Any]]
#: Skip what has gaps, pass gaps on as NaN, or put this number in their place.
Gaps: TypeAlias = Literal["skip", "pass"] | float


class HasConstants(Protocol):
    """A fitted scaler with one offset and one scale for each variable."""

    def constants(self) -> dict[str, tuple[float, float]]:
        """Return (offset, scale) by variable: ``scaled = (value - offset) / scale``."""


@dataclass(frozen=True)
class Inputs:
    """The features of a model.

    Attributes
    ----------
    names : tuple of str
        In the order of the model's columns.
    gaps : {"skip", "pass"} or float
        What is done with missing values. A number is on the scale that the model sees.
    offset, scale : ndarray of float64, shape (n_features,), or None
        The model sees ``(value - offset) / scale``.
    target_offset, target_scale : float
        The prediction is ``value * target_scale + target_offset``.
    """

    names: tuple[str, ...]
    gaps: Gaps = "skip"
    offset: NDArray[np.float64] | None = None
    scale: NDArray[np.float64] | None = None
    target_offset: float = 0.0
    target_scale: float = 1.0

    @classmethod
    def of(
        cls, names: Sequence[str], gaps: Gaps, scaler: HasConstants | None, target: str
    ) -> Inputs:
        """Take the constants of `scaler` for the features and, where it has them, the target.

        Raises
        ------
        InvalidInputError
            The scaler lacks a feature, or `gaps` is no policy.
        """
        if not (gaps in ("skip", "pass") or (isinstance(gaps, float | int) and np.isfinite(gaps))):
            raise InvalidInputError(
                f"'{gaps}' is no way to treat missing values.",
                hint="Use 'skip', 'pass' or a number that takes their place.",
                field="nan",
            )
        if scaler is None:
            return cls(tuple(names), gaps)
        constants = scaler.constants()
        missing = [name for name in names if name not in constants]
        if missing:
            raise InvalidInputError(
                f"The scaler was not fitted on {', '.join(missing)}.",
                hint="Fit it on the same features.",
                field="scaler",
            )
        columns = np.array([constants[name] for name in names], dtype=np.float64)
        offset, scale = constants.get(target, (0.0, 1.0))
        return cls(tuple(names), gaps, columns[:, 0], columns[:, 1], offset, scale)

    def to_model(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return features, (n, n_features, ...), as the model sees them."""
        if self.offset is not None and self.scale is not None:
            shape = (1, -1) + (1,) * (x.ndim - 2)
            scaled = (x - self.offset.reshape(shape)) / self.scale.reshape(shape)
            x = scaled.astype(np.float32)
        if not isinstance(self.gaps, str):
            x[~np.isfinite(x)] = self.gaps
        return x

    def to_units(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return predictions in the target's units."""
        if self.target_offset == 0.0 and self.target_scale == 1.0:
            return y
        return np.asarray(y, dtype=np.float64) * self.target_scale + self.target_offset

    def usable(self, finite: NDArray[np.bool_], axis: int | tuple[int, ...]) -> NDArray[np.bool_]:
        """Return which samples are computed; `axis` runs over the values of a sample."""
        found = finite.all(axis=axis) if self.gaps == "skip" else finite.any(axis=axis)
        return np.asarray(found)
