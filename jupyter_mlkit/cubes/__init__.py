"""Cubes: open, identify, split, sample, scale, score and predict datacubes.

Knows xarray, zarr and numpy; knows no MLflow, no Jupyter and no ML framework.
Names are loaded when first used, so importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "CubeData": "view.data",
    "Samples": "view.samples",
    "Scaler": "scaling.scaler",
    "baselines": "scoring.baseline",
    "demo_truth": "demo.cube",
    "describe": "description.describe",
    "evaluation": "scoring.evaluation",
    "fingerprint": "identity.fingerprint",
    "grid_of": "grids.grid",
    "make_demo_cube": "demo.cube",
    "open_cube": "sources.open",
    "predict": "prediction.predict",
    "score_samples": "scoring.samples",
    "select": "grids.select",
    "split_from_spec": "splits.from_spec",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first used."""
    if name in _PUBLIC:
        return getattr(import_module(f".{_PUBLIC[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
