"""Where the cells of a frame are, as the horizontal rules of splits see them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import SpecError
from ..grids.grid import Grid
from .axes import axis_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Places:
    """Horizontal positions of cells.

    Attributes
    ----------
    dims : tuple of str
        The horizontal dims.
    shape : tuple of int
        Their sizes.
    y, x : ndarray of float64
        Degrees (x modulo 360) or metres; 1-D each along its own dim on a rectilinear grid, else
        over all of `dims`.
    angle : bool
        Whether y and x are degrees.
    scattered : bool
        Whether y and x are given for every cell.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    y: Floats
    x: Floats
    angle: bool
    scattered: bool

    @classmethod
    def of(cls, frame: xr.Dataset, grid: Grid, *, field: str) -> Places:
        """Return the positions of the cells of `frame`.

        Raises
        ------
        SpecError
            The cube has no horizontal dims; `field` says whose need that is.
        """
        if not grid.horizontal:
            raise SpecError(
                "The cube has no horizontal dims, so its cells have no places.",
                hint="Use a split by time or blocks.",
                field=field,
            )
        if (grid.y is None) != (grid.x is None):
            raise SpecError(
                f"The cube has only one horizontal dim, '{grid.horizontal[0]}'.",
                hint="Use blocks.",
                field=field,
            )
        y, x = (axis_of(frame, grid, name, field=field) for name in ("lat", "lon"))
        scattered = y.dims == x.dims
        return cls(
            dims=y.dims if scattered else (*y.dims, *x.dims),
            shape=y.values.shape if scattered else (y.values.size, x.values.size),
            y=y.values,
            x=np.mod(x.values, 360.0) if y.kind == "angle" else x.values,
            angle=y.kind == "angle",
            scattered=scattered,
        )

    def every(self) -> tuple[Floats, Floats]:
        """Return y and x of every cell, over all of `dims`."""
        if self.scattered:
            return self.y, self.x
        y, x = np.broadcast_arrays(self.y[:, None], self.x[None, :])
        return y, x


def in_space(y: Floats, x: Floats, *, angle: bool) -> Floats:
    """Return points whose straight distances order like those on the ground, shape (n, 2 or 3).

    On the sphere these are unit vectors, see :func:`chord`.
    """
    y, x = np.ravel(y), np.ravel(x)
    if not angle:
        return np.stack([y, x], axis=1)
    phi, theta = np.radians(y), np.radians(x)
    cosine = np.cos(phi)
    return np.stack([cosine * np.cos(theta), cosine * np.sin(theta), np.sin(phi)], axis=1)


def chord(degrees: float) -> float:
    """Return the straight distance on the unit sphere between points `degrees` of arc apart."""
    return 2.0 * float(np.sin(np.radians(min(degrees, 180.0)) / 2))
