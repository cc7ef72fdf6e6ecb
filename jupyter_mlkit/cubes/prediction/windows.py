"""Predict by windows: patches, series or both, put together again on the cube."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInputError
from .boxes import Box, pieces, shape_of, within
from .cells import as_numbers
from .inputs import Arrays, Inputs
from .models import Model
from .tiling import Blend, Tiling

#: Bytes of the features of one call of the model, and of one piece of the cube around it.
_CALL_BYTES = 8 * 2**20
_PIECE_BYTES = 32 * 2**20


@dataclass(frozen=True)
class WindowPredictor:
    """Applies a model to windows of all its input dims, at every index of the other dims.

    Attributes
    ----------
    model : Model
        Takes (n, n_features, *window), window dims in the order of `tilings`; returns one value
        for each cell of the window, or one along dims whose tiling has ``answers_at``.
    inputs : Inputs
    dtype : numpy.dtype
    dims : tuple of str
        Of the cube, in its order.
    tilings : tuple of Tiling
        One for each input dim.
    blend : {"linear", "cosine"} or None
    everywhere : bool
        Whether it answers for cells of which no feature is known.
    """

    local: ClassVar[bool] = False

    model: Model
    inputs: Inputs
    dtype: np.dtype[Any]
    dims: tuple[str, ...]
    tilings: tuple[Tiling, ...]
    blend: Blend | None = None
    everywhere: bool = False

    def footprint(self, box: Box) -> Box | None:
        """Return the cells that are read for `box`, None where no window answers for any."""
        sides = list(box)
        for axis, tiling in zip(self._window_axes, self.tilings, strict=True):
            found = tiling.touching(box[axis].start, box[axis].stop, self.blend)
            if not found.size:
                return None
            starts = tiling.starts
            sides[axis] = slice(int(starts[found[0]]), int(starts[found[-1]]) + tiling.window)
        return tuple(sides)

    def values(self, box: Box, arrays: Arrays) -> NDArray[Any]:
        """Return the prediction within `box`, NaN where nothing is computed.

        Parameters
        ----------
        box : Box
        arrays : mapping
            Features within the footprint of `box`.
        """
        result = np.full(shape_of(box), np.nan, self.dtype)
        footprint = self.footprint(box)
        if footprint is None:
            return result
        for piece in pieces(box, self._piece_steps(footprint)):
            # The piece is cut along sample dims only, where the footprint is the box itself.
            wide = tuple(
                outer if axis in self._window_axes else side
                for axis, (outer, side) in enumerate(zip(footprint, piece, strict=True))
            )
            data = self._stack(arrays, within(wide, footprint), shape_of(footprint))
            result[within(piece, box)] = self._piece(piece, wide, data)
        return result

    @property
    def _window_axes(self) -> tuple[int, ...]:
        return tuple(self.dims.index(tiling.dim) for tiling in self.tilings)

    @property
    def _in_place(self) -> bool:
        """Whether an answer for a cell without any feature rests on its neighbours alone."""
        return self.inputs.gaps != "skip" and all(t.answers_at is None for t in self.tilings)

    @property
    def _sample_axes(self) -> tuple[int, ...]:
        return tuple(axis for axis in range(len(self.dims)) if axis not in self._window_axes)

    def _piece_steps(self, footprint: Box) -> list[int]:
        """Return cells by dim that keep a piece small; windows are never cut."""
        steps = [max(1, side.stop) for side in footprint]
        shape = shape_of(footprint)
        room = _PIECE_BYTES // (4 * len(self.inputs.names))
        room //= max(1, math.prod(shape[axis] for axis in self._window_axes))
        for axis in reversed(self._sample_axes):
            steps[axis] = max(1, min(shape[axis], room))
            room //= max(1, shape[axis])
        return steps

    def _stack(self, arrays: Arrays, box: Box, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return features, (n_features, *box), float32."""
        data = np.empty((len(self.inputs.names), *shape_of(box)), np.float32)
        for k, name in enumerate(self.inputs.names):
            data[k] = np.broadcast_to(arrays[name], shape)[box]
        return data

    def _piece(self, piece: Box, wide: Box, data: NDArray[np.float32]) -> NDArray[Any]:
        """Predict `piece` from the features of `wide`, its footprint."""
        order = (*self._sample_axes, *self._window_axes)
        n_axes, w_axes = len(self._sample_axes), len(self._window_axes)
        finite = np.isfinite(data)
        known: NDArray[np.bool_] = np.asarray(finite.any(axis=0))
        # (samples..., n_features, window...); a window over all dims is one sample.
        samples = data.transpose(
            *(1 + axis for axis in self._sample_axes), 0, *(1 + axis for axis in self._window_axes)
        )
        complete: NDArray[np.bool_] = np.asarray(finite.all(axis=0))
        usable = (complete if self.inputs.gaps == "skip" else known).transpose(order)
        canvas = _Canvas.of([shape_of(piece)[axis] for axis in order], n_axes, self)
        batch = _Batch(self, canvas)
        for place in self._places(piece, wide):
            window: tuple[Any, ...] = (..., *place.source)
            cut, axes = usable[window], tuple(range(n_axes, n_axes + w_axes))
            chosen = cut.all(axis=axes) if self.inputs.gaps == "skip" else cut.any(axis=axes)
            batch.add(place, samples[window], np.flatnonzero(chosen))
        batch.flush()
        result = canvas.result(self.dtype)
        if not self.everywhere and self._in_place:
            result[~known[within(piece, wide)].transpose(*order)] = np.nan
        return result.transpose(*np.argsort(order))

    def _places(self, piece: Box, wide: Box) -> Iterator[_Place]:
        """Yield where windows read from and write to, relative to `wide` and `piece`."""
        along: list[list[tuple[slice, slice, slice, NDArray[np.int64]]]] = []
        for axis, tiling in zip(self._window_axes, self.tilings, strict=True):
            first, last = piece[axis].start, piece[axis].stop
            starts, reach = tiling.starts, tiling.reach(self.blend)
            weights = tiling.weights(self.blend)
            options = []
            for k in tiling.touching(first, last, self.blend):
                start = int(starts[k])
                lo, hi = max(first, int(reach[k, 0])), min(last, int(reach[k, 1]))
                # Where a model answers for one cell, its answer has one cell.
                base = lo if tiling.answers_at is not None else start
                given = slice(lo - base, hi - base)
                source = slice(start - wide[axis].start, start + tiling.window - wide[axis].start)
                options.append((source, slice(lo - first, hi - first), given, weights[given]))
            along.append(options)
        for combination in itertools.product(*along):
            sources, targets, given, weights = zip(*combination, strict=True)
            yield _Place(sources, targets, given, weights)


@dataclass(frozen=True)
class _Place:
    """A window: its cells in the features, in the result, and which part of the answer counts."""

    source: tuple[slice, ...]
    target: tuple[slice, ...]
    given: tuple[slice, ...]
    weights: tuple[NDArray[np.int64], ...]

    def weight(self) -> NDArray[np.float64]:
        """Return the product of the weights along the dims: whole numbers, hence exact."""
        total = np.ones((), np.float64)
        for one in self.weights:
            total = total[..., None] * one
        return total


@dataclass
class _Canvas:
    """Where answers are put: (samples, *window dims); sums and weights where they are blended."""

    total: NDArray[Any]
    weight: NDArray[np.float64] | None
    shape: tuple[int, ...]

    @classmethod
    def of(cls, shape: list[int], n_sample_axes: int, owner: WindowPredictor) -> _Canvas:
        flat = (math.prod(shape[:n_sample_axes]), *shape[n_sample_axes:])
        if owner.blend is None:
            return cls(np.full(flat, np.nan, owner.dtype), None, tuple(shape))
        return cls(np.zeros(flat, np.float64), np.zeros(flat, np.float64), tuple(shape))

    def put(self, place: _Place, rows: NDArray[np.intp], answers: NDArray[Any]) -> None:
        """Add the answers (len(rows), *given) of one window."""
        where: Any = (rows, *place.target)
        if self.weight is None:
            self.total[where] = answers
            return
        counts = np.isfinite(answers)
        weight = place.weight()
        # Float32 times a small whole number, and sums of such, are exact in float64: what all
        # windows agree on comes out as it went in.
        self.total[where] += np.where(counts, answers, 0.0) * weight
        self.weight[where] += counts * weight

    def result(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return sum of w x over sum of w, NaN where no window answered."""
        if self.weight is None:
            return self.total.reshape(self.shape)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (self.total / self.weight).astype(dtype).reshape(self.shape)


class _Batch:
    """Collects windows until there are enough for a call of the model."""

    def __init__(self, owner: WindowPredictor, canvas: _Canvas) -> None:
        self._owner = owner
        self._canvas = canvas
        window = [tiling.window for tiling in owner.tilings]
        shape = (len(owner.inputs.names), *window)
        self._x = np.empty((max(1, _CALL_BYTES // (4 * math.prod(shape))), *shape), np.float32)
        self._held: list[tuple[_Place, NDArray[np.intp]]] = []
        self._n = 0
        self._answer = tuple(1 if t.answers_at is not None else t.window for t in owner.tilings)

    def add(self, place: _Place, samples: NDArray[np.float32], rows: NDArray[np.intp]) -> None:
        """Take `rows` of the window at `place`; samples is (samples..., n_features, *window)."""
        lead = samples.shape[: samples.ndim - self._x.ndim + 1]
        while rows.size:
            some = rows[: len(self._x) - self._n]
            index = np.unravel_index(some, lead) if lead else ()
            self._x[self._n : self._n + some.size] = samples[index]
            self._held.append((place, some))
            self._n += some.size
            rows = rows[some.size :]
            if self._n == len(self._x):
                self.flush()

    def flush(self) -> None:
        """Call the model with what is held and put its answers down."""
        if not self._n:
            return
        inputs = self._owner.inputs
        answers = as_numbers(self._owner.model(inputs.to_model(self._x[: self._n])))
        if answers.size != self._n * math.prod(self._answer):
            raise InvalidInputError(
                f"The model returned {answers.size} values for {self._n} windows of "
                f"{' x '.join(map(str, self._answer))} cells.",
                hint="It returns a value for each cell of a window; say with 'answers_at' along "
                "which dims it answers for one cell.",
                field="model",
            )
        answers = inputs.to_units(answers.reshape(self._n, *self._answer))
        start = 0
        for place, rows in self._held:
            part = answers[start : start + rows.size]
            self._canvas.put(place, rows, part[(slice(None), *place.given)])
            start += rows.size
        # The model may have kept the array that it was given.
        self._x = np.empty_like(self._x)
        self._held.clear()
        self._n = 0
