"""TrainingSpec: the one description of a training."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from .part import Part
from .sources import Period, Prepare, Region, Source
from .splits import SplitSpec

SCHEMA_VERSION = 3


class ModelSpec(Part):
    """What is fitted: a class or function by import path, and its parameters."""

    class_: Annotated[str, Meta(title="Estimator")] = msgspec.field(
        name="class", default="sklearn.linear_model.LinearRegression"
    )
    params: Annotated[dict[str, Any], Meta(title="Parameters")] = msgspec.field(
        default_factory=dict
    )


class FitSpec(Part):
    """How it is fitted: networks in epochs, all other estimators at once."""

    # What numpy's legacy generators, and so scikit-learn's random_state, take.
    seed: Annotated[int, Meta(title="Seed", ge=0, le=2**32 - 1)] = 0
    max_samples: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(
            title="Train samples at most",
            description="A seeded draw of the train cells, for cubes larger than memory",
        ),
    ] = None
    epochs: Annotated[
        int, Meta(title="Epochs", description="Passes over the train cells", ge=1, le=100_000)
    ] = 20
    batch_size: Annotated[
        int, Meta(title="Batch size", description="Cells of one step", ge=1, le=2**24)
    ] = 4096
    optimizer: Annotated[Literal["adam", "adamw", "sgd"], Meta(title="Optimizer")] = "adam"
    learning_rate: Annotated[
        float,
        Meta(
            title="Learning rate",
            description="Of the first step; it falls to zero over all epochs",
            gt=0,
            le=1000,
        ),
    ] = 0.01
    loss: Annotated[Literal["mse", "mae", "huber"], Meta(title="Loss")] = "mse"
    patience: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(
            title="Patience",
            description="Epochs without a better validation score after which it ends",
        ),
    ] = None


class TrackingSpec(Part):
    """Where the run goes and what it is called."""

    experiment: Annotated[str, Meta(title="Experiment", min_length=1, max_length=250)] = "Default"
    run_name: Annotated[Annotated[str, Meta(max_length=250)] | None, Meta(title="Run name")] = None
    tags: Annotated[dict[str, str], Meta(title="Tags")] = msgspec.field(default_factory=dict)


class TrainingSpec(Part):
    """One training on a datacube, complete: any run can be launched again from its spec."""

    sources: Annotated[list[Source], Meta(title="Cube", min_length=1, max_length=16)]
    target: Annotated[str, Meta(title="Target", min_length=1)]
    features: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=500)]],
        Meta(
            title="Features",
            description="Variables, expressions such as sqrt(u10**2 + v10**2), lag(name, '8D')",
            min_length=1,
        ),
    ]
    split: Annotated[SplitSpec, Meta(title="Split")]
    use: Annotated[
        Literal["gaps", "places", "times", "both"],
        Meta(
            title="What must it predict?",
            description="gaps in this region and period, new places, later times, or both",
        ),
    ] = "places"
    lead: Annotated[
        Annotated[str, Meta(min_length=1, max_length=40)] | None,
        Meta(title="Lead time", description="How far ahead the target lies: '8D'"),
    ] = None
    prepare: Annotated[Prepare | None, Meta(title="Prepare")] = None
    region: Annotated[Region | None, Meta(title="Region")] = None
    period: Annotated[Period | None, Meta(title="Period")] = None
    mask: Annotated[
        str | None,
        Meta(title="Mask", description="Variable that is non-zero where cells count"),
    ] = None
    scale: Annotated[Literal["standardize", "normalize", "none"], Meta(title="Scaling")] = (
        "standardize"
    )
    model: Annotated[ModelSpec, Meta(title="Model")] = msgspec.field(default_factory=ModelSpec)
    fit: Annotated[FitSpec, Meta(title="Fit")] = msgspec.field(default_factory=FitSpec)
    tracking: Annotated[TrackingSpec, Meta(title="Track")] = msgspec.field(
        default_factory=TrackingSpec
    )
    executor: Annotated[Literal["local"], Meta(title="Run on")] = "local"
    kernelspec: Annotated[str, Meta(title="Kernel", min_length=1)] = "python3"
    schema_version: Annotated[int, Meta(ge=1, le=SCHEMA_VERSION)] = SCHEMA_VERSION
