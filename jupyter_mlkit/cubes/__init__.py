"""Cubes: open, identify, split, sample, scale, score and predict datacubes.

Knows xarray, zarr and numpy; knows no MLflow, no Jupyter and no ML framework.
Names are loaded when first used, so importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "Autocorrelation": "splits.autocorrelation",
    "BaselineFit": "scoring.baseline_fit",
    "Batch": "sampling.batch",
    "BatchGenerator": "compat.xbatcher",
    "BlockKFold": "splits.folds",
    "BlockSplit": "splits.blocks",
    "BlockStats": "scoring.blocks",
    "Buffer": "splits.buffer",
    "ClimatologyScaler": "scaling.scalers",
    "CombinedSplit": "splits.combined",
    "CubeData": "view.data",
    "Fingerprint": "identity.fingerprint",
    "FingerprintBuilder": "identity.builder",
    "GapSplit": "splits.gaps",
    "Interval": "scoring.intervals",
    "LeakageReport": "splits.leakage",
    "MinMaxScaler": "scaling.scalers",
    "Position": "sampling.sampler",
    "RandomSplit": "splits.random",
    "RegionSplit": "splits.regions",
    "Sampler": "sampling.sampler",
    "Samples": "view.samples",
    "SlabReader": "reading.slabs",
    "StandardScaler": "scaling.scalers",
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
    "fill_gaps": "filling.fill",
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
    "open_mask": "splits.mask",
    "open_prepared": "sources.prepare",
    "paired_difference": "scoring.intervals",
    "partial_fit": "loaders.sklearn",
    "positions": "grids.positions",
    "predict": "prediction.predict",
    "region_mask": "grids.select",
    "save_mask": "splits.mask",
    "scaler_from_dict": "scaling.scalers",
    "score": "scoring.score",
    "score_filling": "filling.score",
    "score_samples": "scoring.samples",
    "select": "grids.select",
    "skill_score": "scoring.score",
    "split_arrays": "reading.arrays",
    "split_from_dict": "splits.stored",
    "split_from_json": "splits.stored",
    "split_from_spec": "splits.from_spec",
    "stage": "sources.stage",
    "statistics": "scaling.statistics",
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
