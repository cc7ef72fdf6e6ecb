"""A datacube as an MLflow dataset: what `mlflow.log_input` and MLflow's own UI understand.

Loaded by MLflow through entry points whenever ``mlflow.data`` is imported, also in processes
that never see a cube, so nothing numerical is imported here.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from mlflow.data.dataset import Dataset
from mlflow.data.dataset_source import DatasetSource

from .cube_extent import cube_extent
from .redact import redact

if TYPE_CHECKING:
    import xarray as xr

    from jupyter_mlkit.cubes.splits.base import Split
    from jupyter_mlkit.models import RoleCount

#: MLflow's limit on a digest; a longer one is refused by the store.
DIGEST_LENGTH = 36
#: MLflow's limit in characters.
_NAME_LENGTH = 500
#: Far below MLflow's: both, with their quotes escaped, are one entry of the journal.
_SCHEMA_LENGTH = 500_000
_PROFILE_LENGTH = 100_000

_CUBE_URI = re.compile(r"\.(zarr(\.zip)?|nc4?|cdf|h5|hdf5?)/?$", re.IGNORECASE)


class CubeDatasetSource(DatasetSource):  # type: ignore[misc]
    """Where a cube is: a zarr or netCDF URI, without credentials.

    Parameters
    ----------
    uri : str
        Path or URL; user name, password and signed query are dropped.
    options : dict, optional
        Non-secret storage options (``anon``, ``endpoint_url``, ``region``, ``profile``).
    """

    def __init__(self, uri: str, options: dict[str, Any] | None = None) -> None:
        self.uri = redact(uri)
        self.options = {k: v for k, v in (options or {}).items() if v is not None}

    @staticmethod
    def _get_source_type() -> str:
        return "cube"

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return isinstance(raw_source, str) and _CUBE_URI.search(raw_source) is not None

    @classmethod
    def _resolve(cls, raw_source: Any) -> CubeDatasetSource:
        return cls(str(raw_source))

    def load(self) -> xr.Dataset:
        """Open the cube lazily."""
        from jupyter_mlkit.cubes.sources.open import open_cube
        from jupyter_mlkit.spec import Source, StorageOptions

        return open_cube(Source(uri=self.uri, options=StorageOptions(**self.options)))

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored of the source, as JSON values."""
        return {"uri": self.uri, **({"options": self.options} if self.options else {})}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> CubeDatasetSource:
        """Return the source that `to_dict` described."""
        return cls(source_dict["uri"], source_dict.get("options"))


class CubeDataset(Dataset):  # type: ignore[misc]
    """A cube that a run trained on or was scored on.

    Parameters
    ----------
    ds : xr.Dataset
        The cube, lazy; only its metadata are read.
    source : CubeDatasetSource
        Where it was opened.
    name : str, optional
        Defaults to the last part of the URI.
    digest : str, optional
        Fingerprint of what was used; a longer one is shortened to 36 characters.
        Computed from the cube where it is missing.
    target : str, optional
        Variable that is predicted.
    features : list of str, optional
        Variables that are predicted from.
    roles : list of RoleCount, optional
        Realised cells and blocks of train, validation and test.
    split : Split, optional
        What deals the cells to these roles, resolved: its hash and rule are kept.
    """

    def __init__(
        self,
        ds: xr.Dataset,
        source: CubeDatasetSource,
        *,
        name: str | None = None,
        digest: str | None = None,
        target: str | None = None,
        features: list[str] | None = None,
        roles: list[RoleCount] | None = None,
        split: Split | None = None,
    ) -> None:
        self._ds = ds
        self._target = target
        self._features = list(features or [])
        self._roles = list(roles or [])
        self._split = split
        super().__init__(
            source=source,
            name=(name or _name_of(source.uri))[:_NAME_LENGTH],
            digest=None if digest is None else digest[:DIGEST_LENGTH],
        )

    @property
    def ds(self) -> xr.Dataset:
        """The cube."""
        return self._ds

    def _compute_digest(self) -> str:
        from jupyter_mlkit.cubes.identity.fingerprint import fingerprint

        used = [self._target, *self._features] if self._target else list(self._ds.data_vars)
        names = [str(name) for name in used if name in self._ds.data_vars]
        found = fingerprint(self._ds, names)
        return f"{found.kind}:{found.digest}"[:DIGEST_LENGTH]

    @property
    def schema(self) -> dict[str, Any]:
        """Dims, coords and variables with units and chunks, and where and when the cube is.

        ``mlflow_colspec`` is what MLflow's own UI reads; ``cube`` is the whole of it.
        """
        return {
            "mlflow_colspec": [
                {"name": str(name), "type": _column_type(str(var.dtype)), "required": True}
                for name, var in _data_variables(self._ds)
            ],
            "cube": cube_schema(self._ds, target=self._target, features=self._features),
        }

    @property
    def profile(self) -> dict[str, Any]:
        """Numbers of cells, of each role's cells and blocks, and the split where it is known."""
        profile: dict[str, Any] = {
            "cells": _product(self._ds.sizes.values()),
            "variables": len(self._ds.data_vars),
            "bytes": int(self._ds.nbytes),
        }
        if self._roles:
            profile["roles"] = {
                count.role: {"cells": count.cells, "blocks": count.blocks} for count in self._roles
            }
        if self._split is not None:
            profile["split"] = {"hash": self._split.hash, "rule": self._split.to_dict()}
        return profile

    def to_dict(self) -> dict[str, str]:
        """Return the record that MLflow stores."""
        record: dict[str, str] = super().to_dict()
        schema = json.dumps(self.schema)
        if len(schema) > _SCHEMA_LENGTH:
            # A cube of thousands of variables: the names alone still identify it.
            names = sorted(map(str, self._ds.data_vars))
            schema = json.dumps({"cube": {**cube_extent(self._ds), "variables": names}})
        if len(schema) > _SCHEMA_LENGTH:
            number = {"number_of_variables": len(self._ds.data_vars)}
            schema = json.dumps({"cube": {**cube_extent(self._ds), **number}})
        record["schema"] = schema
        profile = json.dumps(self.profile)
        if len(profile) > _PROFILE_LENGTH:
            # A rule that holds the gaps of many dates: its hash still identifies it.
            rest = {"split": {"hash": self._split.hash}} if self._split is not None else {}
            profile = json.dumps(self.profile | rest)
        record["profile"] = profile
        return record


def from_xarray(
    ds: Any,
    source: Any = None,
    name: str | None = None,
    digest: str | None = None,
    target: str | None = None,
    features: list[str] | None = None,
    roles: list[Any] | None = None,
    split: Any = None,
) -> CubeDataset:
    """Make an MLflow dataset of a cube: also ``mlflow.data.from_xarray``.

    Parameters
    ----------
    ds : xr.Dataset
        The cube.
    source : str or CubeDatasetSource, optional
        Where it was opened; xarray's own ``encoding["source"]`` where missing.
    name, digest, target, features, roles
        As in :class:`CubeDataset`.
    split : Split, optional
        Any of :mod:`jupyter_mlkit.cubes.splits`; it is resolved for the cube.

    Raises
    ------
    SpecError
        The split does not fit the cube.

    Examples
    --------
    >>> split = BlockSplit({"lat": "2.25 deg", "lon": "2.25 deg"})
    >>> mlflow.log_input(mlflow.data.from_xarray(cube, uri, target="lst", split=split), "training")
    """
    if not isinstance(source, CubeDatasetSource):
        uri = source if source is not None else ds.encoding.get("source", "memory")
        source = CubeDatasetSource(str(uri))
    return CubeDataset(
        ds,
        source,
        name=name,
        digest=digest,
        target=target,
        features=features,
        roles=roles,
        split=None if split is None else split.resolve(ds),
    )


# MLflow checks the class of the return annotation, which postponed evaluation leaves a string.
from_xarray.__annotations__["return"] = CubeDataset


def cube_schema(
    ds: xr.Dataset, *, target: str | None = None, features: list[str] | None = None
) -> dict[str, Any]:
    """Return dims, coords, variables and extent of `ds` as JSON values; reads no data variable."""
    used = set(features or [])
    return {
        **cube_extent(ds),
        "dims": {str(dim): int(size) for dim, size in ds.sizes.items()},
        "coords": {
            str(name): {
                "dims": [str(dim) for dim in coord.dims],
                "dtype": str(coord.dtype),
                "units": _text(coord.attrs.get("units")),
            }
            for name, coord in ds.coords.items()
        },
        "variables": {
            str(name): {
                "dims": [str(dim) for dim in var.dims],
                "dtype": str(var.dtype),
                "units": _text(var.attrs.get("units")),
                "chunks": _chunks(var.encoding),
                "role": "target" if name == target else "feature" if name in used else None,
            }
            for name, var in _data_variables(ds)
        },
    }


def _data_variables(ds: xr.Dataset) -> list[tuple[Any, xr.Variable]]:
    # As `data_vars` makes an array with coordinates of each, thousands of them take seconds.
    return [(name, ds.variables[name]) for name in ds.data_vars]


def _chunks(encoding: dict[Any, Any]) -> list[int] | None:
    chunks = encoding.get("preferred_chunks") or encoding.get("chunks")
    if chunks is None:
        return None
    return [int(size) for size in (chunks.values() if isinstance(chunks, dict) else chunks)]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _product(sizes: Any) -> int:
    cells = 1
    for size in sizes:
        cells *= int(size)
    return cells


def _column_type(dtype: str) -> str:
    if dtype.startswith("float"):
        return "double" if dtype == "float64" else "float"
    if dtype.startswith(("int", "uint")):
        return "long" if dtype.endswith("64") else "integer"
    if dtype.startswith("datetime"):
        return "datetime"
    return "boolean" if dtype == "bool" else "string"


def _name_of(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2] or "cube"
