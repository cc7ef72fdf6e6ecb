"""Cubes: open, identify, split, sample, scale, score and predict datacubes.

Knows xarray, zarr and numpy; knows no MLflow, no Jupyter and no ML framework.
Names are loaded when first used, so importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "BaselineFit": "scoring.baseline_fit",
    "BlockKFold": "splits.folds",
    "BlockSplit": "splits.blocks",
    "BlockStats": "scoring.blocks",
    "Buffer": "splits.buffer",
    "CombinedSplit": "splits.combined",
    "CubeData": "view.data",
    "Fingerprint": "identity.fingerprint",
    "FingerprintBuilder": "identity.builder",
    "GapSplit": "splits.gaps",
    "Interval": "scoring.intervals",
    "RandomSplit": "splits.random",
    "RegionSplit": "splits.regions",
    "Samples": "view.samples",
    "Scaler": "scaling.scaler",
    "TimeSplit": "splits.times",
    "Verdict": "scoring.comparable",
    "autocorrelation_length": "splits.autocorrelation",
    "baselines": "scoring.baseline_fit",
    "block_statistics": "scoring.blocks",
    "calibration": "scoring.calibration",
    "cell_area_weights": "grids.area",
    "class_scores": "scoring.classes",
    "cluster_scores": "scoring.clusters",
    "common_cells": "scoring.common",
    "compare_evaluations": "scoring.comparable",
    "demo_truth": "demo.cube",
    "derive": "features.derive",
    "describe": "description.describe",
    "ensemble_scores": "scoring.ensemble",
    "evaluation": "scoring.evaluation",
    "fingerprint": "identity.fingerprint",
    "fingerprint_prepared": "identity.prepared",
    "fold_difference": "scoring.folds",
    "fold_interval": "scoring.folds",
    "forecast_scores": "scoring.forecast",
    "grid_of": "grids.grid",
    "interval": "scoring.intervals",
    "leakage_report": "splits.leakage",
    "make_demo_cube": "demo.cube",
    "match_points": "points.match",
    "monthly_climatology": "scoring.monthly",
    "open_cube": "sources.open",
    "open_cubes": "sources.open",
    "open_prepared": "sources.prepare",
    "paired_difference": "scoring.intervals",
    "positions": "grids.positions",
    "predict": "prediction.predict",
    "region_mask": "grids.select",
    "score": "scoring.score",
    "score_samples": "scoring.samples",
    "select": "grids.select",
    "skill_score": "scoring.score",
    "split_from_spec": "splits.from_spec",
    "stage": "sources.stage",
    "training_spread": "scoring.folds",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first used."""
    if name in _PUBLIC:
        # Whoever takes a name from here has cubes in hand: ds.mlkit shall be there.
        import_module(".accessor", __name__)
        return getattr(import_module(f".{_PUBLIC[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
