"""Scalers of cubes, fitted on the train role only."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np
import xarray as xr

from ...errors import InvalidInputError
from .affine import Affine
from .constants import affine_from_dict, affine_to_dict
from .statistics import Dims, Statistics, statistics

if TYPE_CHECKING:
    from ..splits.base import Split

Data = TypeVar("Data", xr.Dataset, xr.DataArray)


class CubeScaler(ABC):
    """An affine map of each variable of a cube: ``(value - offset) / scale``.

    Attributes
    ----------
    dim : tuple of str or None
        Dims that the constants do not depend on; None for all.
    fitted : dict
        Offset and scale of each variable; empty before :meth:`fit`.
    """

    kind: ClassVar[str]

    def __init__(self, dim: Dims = None) -> None:
        self.dim = None if dim is None else ((dim,) if isinstance(dim, str) else tuple(dim))
        self.fitted: dict[str, Affine] = {}

    def fit(
        self,
        ds: xr.Dataset,
        split: Split | None = None,
        variables: Iterable[str] | None = None,
        *,
        mask: str | None = None,
    ) -> Self:
        """Take the constants from the train cells, see :func:`.statistics`.

        Where a cell of its own (with `dim`) has no train value, or only equal ones, the
        constants of all cells stand in, so that nothing is divided by zero and no cell is lost.

        Parameters
        ----------
        ds : xarray.Dataset
            Lazy or in memory; every chunk is read once.
        split : Split, optional
            Its train role counts; every cell where not given.
        variables : iterable of str, optional
            All data variables that are real numbers, where not given.
        mask : str, optional
            Variable that is zero or missing where cells do not count.

        Returns
        -------
        CubeScaler
            This one.

        Raises
        ------
        CubeError
            ``all_missing`` where a variable has no train value, ``unknown_variable``,
            ``not_numeric``, ``unreadable_chunk``.
        """
        found = self._statistics(ds, split, variables, mask)
        # A variable that lacks the dims to reduce would be scaled to nothing, cell by cell.
        return self.of(
            {
                name: _collapsed(known) if known.mean.dims == ds[name].dims else known
                for name, known in found.items()
            }
        )

    def of(self, known: Mapping[str, Statistics]) -> Self:
        """Take the constants from statistics that are at hand.

        Returns
        -------
        CubeScaler
            This one.
        """
        self.fitted = {name: self._affine(one) for name, one in known.items()}
        return self

    def transform(self, ds: Data) -> Data:
        """Return `ds` with each fitted variable scaled; coordinates and attributes are kept.

        What is lazy stays lazy, with and without dask. Variables that were not fitted are
        passed on as they are.
        """
        return self._apply(ds, inverse=False)

    def inverse_transform(self, ds: Data) -> Data:
        """Return `ds` with each fitted variable scaled back to its units."""
        return self._apply(ds, inverse=True)

    def constants(self, names: Sequence[str] | None = None) -> dict[str, tuple[float, float]]:
        """Return (offset, scale) of each variable.

        Raises
        ------
        InvalidInputError
            They differ from cell to cell, or a name was not fitted.
        """
        chosen = list(self.fitted) if names is None else list(names)
        for name in chosen:
            if name not in self.fitted:
                raise _not_fitted(name)
            if not self.fitted[name].constant:
                raise InvalidInputError(
                    f"The constants of '{name}' differ from cell to cell.",
                    hint="Fit with dim=None for one offset and one scale.",
                )
        known = {name: self.fitted[name] for name in chosen}
        return {name: (float(one.offset), float(one.scale)) for name, one in known.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return kind, dims and constants as JSON-ready builtins."""
        return {
            "kind": self.kind,
            "dim": None if self.dim is None else list(self.dim),
            "fitted_on": "train",
            "variables": {name: affine_to_dict(one) for name, one in sorted(self.fitted.items())},
        }

    def to_json(self) -> str:
        """Return the scaler as JSON; :func:`scaler_from_json` reads it."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @staticmethod
    def from_json(text: str) -> CubeScaler:
        """Read what :meth:`to_json` gave, of any kind of scaler."""
        return scaler_from_dict(json.loads(text))

    @property
    def hash(self) -> str:
        """Digest of kind, dims and constants, 16 hex digits."""
        return hashlib.blake2b(self.to_json().encode(), digest_size=8).hexdigest()

    def _statistics(
        self,
        ds: xr.Dataset,
        split: Split | None,
        variables: Iterable[str] | None,
        mask: str | None,
    ) -> dict[str, Statistics]:
        return statistics(ds, variables, split=split, mask=mask, dim=self.dim)

    @abstractmethod
    def _affine(self, known: Statistics) -> Affine:
        """Return offset and scale for what is known of a variable."""

    def _apply(self, ds: Data, *, inverse: bool) -> Data:
        if not self.fitted:
            raise InvalidInputError("The scaler was not fitted.", hint="Call fit first.")
        if isinstance(ds, xr.DataArray):
            if ds.name not in self.fitted:
                raise _not_fitted(ds.name)
            return self.fitted[str(ds.name)].apply(ds, inverse=inverse)
        names = [name for name in self.fitted if name in ds.data_vars]
        if not names:
            raise _not_fitted(", ".join(map(str, ds.data_vars)))
        return ds.assign(
            {name: self.fitted[name].apply(ds[name], inverse=inverse) for name in names}
        )


class StandardScaler(CubeScaler):
    """Scale to mean 0 and standard deviation 1 of the train cells.

    Parameters
    ----------
    dim : str or sequence of str, optional
        Dims to take mean and deviation over: all where not given, which gives one offset and one
        scale per variable; ``"time"`` gives those of each cell.

    Examples
    --------
    >>> scaler = StandardScaler().fit(ds, split)  # doctest: +SKIP
    >>> scaled = scaler.transform(ds)  # doctest: +SKIP
    """

    kind = "standard"

    def _affine(self, known: Statistics) -> Affine:
        whole = _collapsed(known)
        return Affine(known.mean.fillna(float(whole.mean)), _positive(known.std, float(whole.std)))


class MinMaxScaler(CubeScaler):
    """Scale the range of the train cells to 0 ... 1; other cells may lie outside.

    Parameters
    ----------
    dim : str or sequence of str, optional
        As of :class:`StandardScaler`.
    """

    kind = "minmax"

    def _affine(self, known: Statistics) -> Affine:
        low, high = float(known.minimum.min()), float(known.maximum.max())
        span = _positive(known.maximum - known.minimum, high - low)
        return Affine(known.minimum.fillna(low), span)


class NoScaler(CubeScaler):
    """Leave values in their own units: offset 0 and scale 1."""

    kind = "none"

    def _affine(self, known: Statistics) -> Affine:
        return Affine(xr.zeros_like(known.mean), xr.ones_like(known.mean))


class ClimatologyScaler(CubeScaler):
    """Scale to anomalies from the monthly climatology of each cell.

    The offset is the mean of the cell's train values in that month of the year, the scale one
    number per variable: the standard deviation of all train anomalies. Where a cell has no
    train value in a month, as under a split in space, the mean of that month over the cells
    that have one stands in.
    """

    kind = "climatology"

    def __init__(self) -> None:
        super().__init__()

    def _statistics(
        self,
        ds: xr.Dataset,
        split: Split | None,
        variables: Iterable[str] | None,
        mask: str | None,
    ) -> dict[str, Statistics]:
        from ..grids.grid import grid_of

        time = grid_of(ds).time
        return statistics(
            ds, variables, split=split, mask=mask, dim=[time] if time else [], monthly=True
        )

    def _affine(self, known: Statistics) -> Affine:
        if "month" not in known.mean.dims:
            return Affine(known.mean, _positive(known.std, 1.0))
        others = [dim for dim in known.mean.dims if dim != "month"]
        month = (known.mean * known.n).sum(others) / known.n.sum(others)
        offset = known.mean.fillna(month).fillna(float(_collapsed(known).mean))
        scale = known.deviation if known.deviation > 0 else 1.0
        return Affine(offset, xr.DataArray(scale))


_KINDS: dict[str, type[CubeScaler]] = {
    one.kind: one for one in (StandardScaler, MinMaxScaler, NoScaler, ClimatologyScaler)
}


def scaler_from_dict(stored: Mapping[str, Any]) -> CubeScaler:
    """Read what :meth:`CubeScaler.to_dict` gave."""
    kind = _KINDS[stored["kind"]]
    scaler = kind() if kind is ClimatologyScaler else kind(stored["dim"])
    scaler.fitted = {name: affine_from_dict(one) for name, one in stored["variables"].items()}
    return scaler


def _collapsed(known: Statistics) -> Statistics:
    """Return the statistics of all cells together."""
    counts, means = known.n.values, known.mean.fillna(0).values
    total = float(counts.sum())
    centre = float((counts * means).sum() / total)
    between = float((counts * (means - centre) ** 2).sum() / total)
    std = float(np.sqrt(known.deviation**2 + between))
    low, high = float(known.minimum.min()), float(known.maximum.max())
    n, mean, deviation, least, greatest = map(xr.DataArray, (total, centre, std, low, high))
    return Statistics(n, mean, deviation, least, greatest, std)


def _positive(values: xr.DataArray, otherwise: float) -> xr.DataArray:
    """Return `values` where they can divide, else one number that can."""
    fallback = otherwise if np.isfinite(otherwise) and otherwise > 0 else 1.0
    return values.where(np.isfinite(values) & (values > 0), fallback)


def _not_fitted(name: object) -> InvalidInputError:
    return InvalidInputError(
        f"The scaler was not fitted on '{name}'.",
        hint="Name it in fit(variables=...), or take another variable.",
        code="not_fitted",
    )
