"""Cubes: open, identify, split, sample, scale, score and predict datacubes.

Knows xarray, zarr and numpy; knows no MLflow, no Jupyter and no ML framework.
Names are loaded when first used, so importing the package costs nothing. A function that is
called like its module (``describe``, ``select``, ``evaluation``) is imported from there.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "CubeData": "sample",
    "Samples": "sample",
    "Scaler": "scale",
    "baselines": "score",
    "demo_truth": "demo",
    "fingerprint": "identity",
    "grid_of": "grid",
    "make_demo_cube": "demo",
    "open_cube": "source",
    "predict_to_zarr": "predict",
    "score_samples": "score",
    "split_from_spec": "split",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first used."""
    if name in _PUBLIC:
        return getattr(import_module(f".{_PUBLIC[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
