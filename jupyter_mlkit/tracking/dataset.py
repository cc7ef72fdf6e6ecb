"""The door to cubes as MLflow datasets, for whoever imports them by name.

MLflow loads :mod:`.cube_dataset` through entry points while it imports ``mlflow.data``, and that
module needs ``mlflow.data``: imported first by us, it would be asked for its names before it has
them. So ``mlflow.data`` goes first here.
"""

from __future__ import annotations

import mlflow.data  # noqa: F401 - loads the entry points

from .cube_dataset import CubeDataset, CubeDatasetSource, cube_schema, from_xarray

__all__ = ["CubeDataset", "CubeDatasetSource", "cube_schema", "from_xarray"]
