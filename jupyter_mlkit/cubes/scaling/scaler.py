"""Scaling constants, taken from train samples alone and stored with the model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInputError
from ..view.samples import Samples

ScaleKind = Literal["standardize", "normalize", "none"]


@dataclass(frozen=True)
class Scaler:
    """An affine map of each feature and of the target: ``(value - offset) / scale``.

    Attributes
    ----------
    kind : {"standardize", "normalize", "none"}
        Mean and standard deviation, minimum and range, or nothing.
    names : tuple of str
        Features, in the order of the columns.
    x_offset, x_scale : ndarray of float64, shape (n_features,)
    y_offset, y_scale : float
    target : str or None
        Name of the target, where it was given.
    """

    kind: ScaleKind
    names: tuple[str, ...]
    x_offset: NDArray[np.float64]
    x_scale: NDArray[np.float64]
    y_offset: float
    y_scale: float
    target: str | None = None

    @classmethod
    def fit(
        cls, kind: ScaleKind, samples: Samples | Iterable[Samples], names: Sequence[str]
    ) -> Scaler:
        """Take the constants from train samples, in float64 and in one pass.

        Parameters
        ----------
        kind : {"standardize", "normalize", "none"}
        samples : Samples or iterable of Samples
            Of the train role; pieces are merged exactly (Chan, Golub & LeVeque 1983).
        names : sequence of str
            Features, in the order of the columns of X; the target may follow them.

        Returns
        -------
        Scaler
            A column that does not vary gets scale 1.
        """
        pieces = [samples] if isinstance(samples, Samples) else samples
        statistics = _Statistics()
        for piece in pieces:
            statistics.add(np.column_stack([piece.X, piece.y]).astype(np.float64))
        width = statistics.width
        if width not in (len(names), len(names) + 1):
            raise InvalidInputError(f"{len(names)} names for {width - 1} features.")
        offset, scale = np.zeros(width), np.ones(width)
        if kind == "standardize":
            offset, scale = statistics.mean, statistics.std
        elif kind == "normalize":
            offset, scale = statistics.low, statistics.high - statistics.low
        scale = np.where(np.isfinite(scale) & (scale > 0), scale, 1.0)
        return cls(
            kind,
            tuple(names[: width - 1]),
            offset[:-1].copy(),
            scale[:-1].copy(),
            float(offset[-1]),
            float(scale[-1]),
            names[-1] if len(names) == width else None,
        )

    def constants(self) -> dict[str, tuple[float, float]]:
        """Return (offset, scale) by name, of the target too where its name is known."""
        columns = zip(self.x_offset.tolist(), self.x_scale.tolist(), strict=True)
        found: dict[str, tuple[float, float]] = dict(zip(self.names, columns, strict=True))
        if self.target is not None:
            found[self.target] = (self.y_offset, self.y_scale)
        return found

    def transform_y(self, y: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Return the scaled target, float32."""
        scaled: NDArray[np.float64] = (y.astype(np.float64) - self.y_offset) / self.y_scale
        return scaled.astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Return the constants as JSON-ready builtins."""
        columns = zip(self.names, self.x_offset.tolist(), self.x_scale.tolist(), strict=True)
        return {
            "kind": self.kind,
            "fitted_on": "train",
            "features": {name: {"offset": a, "scale": b} for name, a, b in columns},
            "target": {"name": self.target, "offset": self.y_offset, "scale": self.y_scale},
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Scaler:
        """Read what :meth:`to_dict` gave; the order of the features is that of the dict."""
        features: dict[str, dict[str, float]] = stored["features"]
        return cls(
            stored["kind"],
            tuple(features),
            np.array([constants["offset"] for constants in features.values()], np.float64),
            np.array([constants["scale"] for constants in features.values()], np.float64),
            float(stored["target"]["offset"]),
            float(stored["target"]["scale"]),
            stored["target"].get("name"),
        )


class _Statistics:
    """Mean, variance and range of columns, merged piece by piece."""

    def __init__(self) -> None:
        self._n = 0
        self.width = 0

    def add(self, values: NDArray[np.float64]) -> None:
        """Merge rows."""
        n = len(values)
        if self.width == 0:
            self.width = values.shape[1]
            self.mean = np.zeros(self.width)
            self._squares = np.zeros(self.width)
            self.low = np.full(self.width, np.inf)
            self.high = np.full(self.width, -np.inf)
        if n == 0:
            return
        mean = values.mean(axis=0)
        squares = ((values - mean) ** 2).sum(axis=0)
        shift = mean - self.mean
        total = self._n + n
        self._squares += squares + shift**2 * (self._n * n / total)
        self.mean += shift * (n / total)
        self._n = total
        self.low = np.minimum(self.low, values.min(axis=0))
        self.high = np.maximum(self.high, values.max(axis=0))

    @property
    def std(self) -> NDArray[np.float64]:
        """Population standard deviation."""
        deviation: NDArray[np.float64] = np.sqrt(self._squares / max(1, self._n))
        return deviation
