"""Predict cell by cell: every cell is a sample of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInputError
from .boxes import Box, shape_of
from .inputs import Arrays, Inputs
from .models import Model

#: Rows per call of a model: what a hidden layer makes of them should stay in the cache.
ROWS = 2**16


@dataclass(frozen=True)
class CellPredictor:
    """Applies a model to cells.

    Attributes
    ----------
    model : Model
    inputs : Inputs
    dtype : numpy.dtype
        Of the prediction.
    """

    local: ClassVar[bool] = True

    model: Model
    inputs: Inputs
    dtype: np.dtype[Any]

    def footprint(self, box: Box) -> Box:
        """Return the cells that are read for `box`: the same."""
        return box

    def values(self, box: Box, arrays: Arrays) -> NDArray[Any]:
        """Return the prediction within `box`, NaN where nothing is computed.

        Parameters
        ----------
        box : Box
        arrays : mapping
            Features within `box`; they are not changed and not kept.
        """
        shape = shape_of(box)
        columns = [_column(arrays[name], shape) for name in self.inputs.names]
        linear = self.model.linear() if self.inputs.gaps == "skip" else None
        if linear is not None and self.inputs.offset is None:
            return _weighted_sum(columns, *linear).astype(self.dtype, copy=False).reshape(shape)
        rows = np.flatnonzero(self._usable(columns))
        result = np.full(columns[0].shape, np.nan, self.dtype)
        for start in range(0, len(rows), ROWS):
            some = rows[start : start + ROWS]
            result[some] = self._predict(columns, some)
        return result.reshape(shape)

    def _usable(self, columns: list[NDArray[np.float32]]) -> NDArray[np.bool_]:
        found = np.isfinite(columns[0])
        combine = np.logical_and if self.inputs.gaps == "skip" else np.logical_or
        for column in columns[1:]:
            combine(found, np.isfinite(column), out=found)
        return found

    def _predict(self, columns: list[NDArray[np.float32]], rows: NDArray[np.intp]) -> NDArray[Any]:
        x = np.empty((len(rows), len(columns)), np.float32)
        for k, column in enumerate(columns):
            x[:, k] = column[rows]
        predicted = as_numbers(self.model(self.inputs.to_model(x)))
        if predicted.size != len(rows):
            raise InvalidInputError(
                f"The model returned {predicted.size} values for {len(rows)} cells.",
                hint="A model returns one number per row.",
                field="model",
            )
        return self.inputs.to_units(predicted.reshape(-1))


def as_numbers(predicted: NDArray[Any]) -> NDArray[Any]:
    """Check that a model returned numbers.

    Raises
    ------
    InvalidInputError
        It returned text or objects.
    """
    if not np.issubdtype(predicted.dtype, np.number) and predicted.dtype != np.bool_:
        raise InvalidInputError(
            f"The model returned {predicted.dtype}, not numbers.",
            hint="Encode classes as numbers, as flag_values do.",
            field="model",
        )
    return predicted


def _column(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return one feature as a flat float32 array, without a copy where it is one already."""
    full = np.broadcast_to(array, shape)
    return full.astype(np.float32, copy=False).reshape(-1)


def _weighted_sum(
    columns: list[NDArray[np.float32]], coefficients: NDArray[np.float64], intercept: float
) -> NDArray[np.float32]:
    """Return the linear model, NaN where a feature is missing or infinite.

    Missing values make the sum missing by themselves, so that no row is gathered.
    """
    result = np.empty(columns[0].shape, np.float32)
    for start in range(0, result.size, ROWS):
        part = slice(start, start + ROWS)
        total = columns[0][part] * coefficients[0]
        for column, coefficient in zip(columns[1:], coefficients[1:], strict=True):
            total += column[part] * coefficient
        total += intercept
        total[~np.isfinite(total)] = np.nan
        result[part] = total
    return result
