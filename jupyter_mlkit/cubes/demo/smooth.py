"""Smooth random fields on the sphere and in time whose covariance is known exactly."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

#: Places that are evaluated at once, which bounds the memory whatever the chunk.
_PIECE = 1024


class SmoothField:
    """A zero-mean, unit-variance random field that can be evaluated anywhere alone.

    A sum of `modes` random cosines of the place on the unit sphere and of time (random Fourier
    features, Rahimi & Recht 2007). Its covariance over all seeds is
    ``exp(-chord**2 / (2 L**2)) * exp(-dt**2 / (2 T**2))``, isotropic on the sphere, without a
    seam, so that its range (where the variogram reaches 95 % of the sill) is
    ``sqrt(2 ln 20)`` times L or T.

    Parameters
    ----------
    seed : int or sequence of int
    range_deg : float
        Range in space, degrees of great circle.
    range_days : float
        Range in time, days.
    modes : int
    """

    def __init__(
        self, seed: list[int], *, range_deg: float, range_days: float, modes: int = 256
    ) -> None:
        rng = np.random.default_rng(seed)
        ratio = math.sqrt(2 * math.log(20))
        length = 2 * math.sin(math.radians(range_deg) / 2) / ratio
        self._space = rng.standard_normal((3, modes)) / length
        self._time = rng.standard_normal(modes) * (ratio / range_days)
        self._phase = rng.uniform(0, 2 * math.pi, modes)
        self._scale = math.sqrt(2 / modes)

    def at(
        self,
        days: NDArray[np.float64],
        lat: NDArray[np.float64],
        lon: NDArray[np.float64],
        where: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.float64]:
        """Return the field on a grid.

        Parameters
        ----------
        days : ndarray, shape (nt,)
        lat, lon : ndarray, shapes (ny,) and (nx,)
            Degrees.
        where : ndarray of bool, shape (ny, nx), optional
            Places where the field is wanted; it is 0 elsewhere, which costs nothing.

        Returns
        -------
        ndarray of float64, shape (nt, ny, nx)
        """
        theta, phi = np.radians(lat)[:, None], np.radians(lon)[None, :]
        place = np.stack(
            np.broadcast_arrays(
                np.cos(theta) * np.cos(phi), np.cos(theta) * np.sin(phi), np.sin(theta)
            ),
            axis=-1,
        ).reshape(-1, 3)
        # cos(a + b) = cos a cos b - sin a sin b keeps space and time apart: two matrix products
        # instead of a cosine for every cell, time and mode. Angles are reduced in float64;
        # float32 then costs 1e-6 of a standard deviation and a tenth of the time. einsum, as
        # the threads of a BLAS cost more than they bring on products of this size.
        turn = _reduced(np.outer(days, self._time))
        cosine, sine = np.cos(turn), np.sin(turn)
        field = np.zeros((days.size, len(place)))
        wanted = np.arange(len(place)) if where is None else np.flatnonzero(where)
        for start in range(0, wanted.size, _PIECE):
            piece = wanted[start : start + _PIECE]
            angle = _reduced(place[piece] @ self._space + self._phase)
            values = np.einsum("tm,cm->tc", cosine, np.cos(angle))
            field[:, piece] = values - np.einsum("tm,cm->tc", sine, np.sin(angle))
        return (self._scale * field).reshape(days.size, lat.size, lon.size)


def _reduced(angle: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return angles modulo a turn, in [-pi, pi]."""
    turns: NDArray[np.float64] = np.rint(angle / (2 * math.pi))
    return (angle - turns * (2 * math.pi)).astype(np.float32)
