"""Smooth random fields on the sphere and in time whose covariance is known exactly."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


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
        self, days: NDArray[np.float64], lat: NDArray[np.float64], lon: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the field on a grid.

        Parameters
        ----------
        days : ndarray, shape (nt,)
        lat, lon : ndarray, shapes (ny,) and (nx,)
            Degrees.

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
        # instead of a cosine for every cell, time and mode.
        angle = place @ self._space + self._phase
        turn = np.outer(days, self._time)
        field: NDArray[np.float64] = np.cos(turn) @ np.cos(angle).T - np.sin(turn) @ np.sin(angle).T
        return (self._scale * field).reshape(days.size, lat.size, lon.size)
