"""TrainingSpec: the one description of a training, spoken by form, REST, magic, CLI and job.

No numerics are imported here: the server validates specs and must stay light.
"""

from .loading import dump_yaml, json_schema, load_spec, to_dict
from .messages import spec_error
from .sources import Period, Prepare, Region, Source, StorageOptions
from .splits import (
    BlockSplit,
    BufferSpec,
    CombinedSplit,
    GapSplit,
    RandomSplit,
    RegionSplit,
    Shares,
    SplitSpec,
    TimeSplit,
)
from .training import SCHEMA_VERSION, FitSpec, ModelSpec, TrackingSpec, TrainingSpec

__all__ = [
    "SCHEMA_VERSION",
    "BlockSplit",
    "BufferSpec",
    "CombinedSplit",
    "FitSpec",
    "GapSplit",
    "ModelSpec",
    "Period",
    "Prepare",
    "RandomSplit",
    "Region",
    "RegionSplit",
    "Shares",
    "Source",
    "SplitSpec",
    "StorageOptions",
    "TimeSplit",
    "TrackingSpec",
    "TrainingSpec",
    "dump_yaml",
    "json_schema",
    "load_spec",
    "spec_error",
    "to_dict",
]
