"""Cubes, specs, previews, estimators and kernels."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from .base import Body, ErrorBody, Model, Role


class Dimension(Model):
    """One dim of a cube."""

    name: str
    size: int
    chunk: int | None
    role: Annotated[
        Literal["time", "y", "x", "cell", "vertical", "member", "other"],
        Meta(description="y and x, or cell, are the horizontal dims"),
    ]
    first: str | None
    last: str | None
    step: Annotated[str | None, Meta(description="Median spacing with its unit")]
    units: str | None


class Variable(Model):
    """One data variable of a cube."""

    name: str
    dims: list[str]
    dtype: str
    units: str | None
    long_name: str | None
    valid_share: Annotated[float | None, Meta(description="Share of finite cells, sampled")]
    valid_share_error: Annotated[float | None, Meta(description="Standard error of that share")]
    minimum: float | None
    maximum: float | None
    mean: float | None


class CubeDescription(Model):
    """What a cube holds and what in it will trouble a training."""

    uri: str
    format: str
    title: str | None
    grid: Annotated[
        Literal["rectilinear", "curvilinear", "unstructured", "none"],
        Meta(description="How cells lie"),
    ]
    crs: Annotated[str | None, Meta(description="Name of the coordinate reference system")]
    dims: list[Dimension]
    coords: list[str]
    variables: list[Variable]
    decoded_bytes: int
    stored_bytes: int | None
    bbox: Annotated[list[float] | None, Meta(description="west, south, east, north")]
    period: Annotated[list[str] | None, Meta(description="first and last time")]
    fingerprint: str
    fingerprint_kind: Literal["stored", "snapshot", "value", "metadata"]
    suggestion: Annotated[
        dict[str, Any], Meta(description="Parts of a TrainingSpec: target, features, splits by use")
    ]
    problems: list[ErrorBody]


class DescribeRequest(Body):
    """Which cube to describe, and the kernel whose environment opens it."""

    uri: Annotated[str, Meta(min_length=1)]
    options: dict[str, Any] = field(default_factory=dict)
    kernelspec: str = "python3"


class EstimatorsRequest(Body):
    """The kernel whose estimators are asked for."""

    kernelspec: Annotated[str, Meta(min_length=1, max_length=250)] = "python3"


class SpecRequest(Body):
    """A training spec as the form has it; it is validated field by field."""

    spec: dict[str, Any]


class RoleCount(Model):
    """How many blocks and valid cells a role gets; ``buffer`` counts what goes unused."""

    role: Role | Literal["buffer"]
    cells: int
    blocks: int


class Distances(Model):
    """How far cells lie from train: quantiles at 5, 25, 50, 75 and 95 %.

    In space to the nearest train cell of the same date, in time of the same place.
    """

    axis: Literal["space", "time"]
    unit: str
    test: Annotated[list[float], Meta(description="Empty where no test cell has one")]
    prediction: Annotated[
        list[float], Meta(description="Of the cells that shall be predicted; empty if unknown")
    ]
    test_without: Annotated[float, Meta(description="Share of test cells that have none")]
    prediction_without: float


class Autocorrelation(Model):
    """Practical range of a variogram: where it reaches 95 % of its sill."""

    axis: Literal["space", "time"]
    of: Literal["target", "residual"]
    status: Literal["reached", "not reached", "too few pairs"]
    unit: str
    length: float | None
    low: float | None
    high: float | None
    pairs: int


class LeakageReport(Model):
    """Whether the test cells are as hard as what the model shall predict."""

    verdict: Literal["too easy", "fits", "too hard", "unknown"]
    sentence: str
    distances: list[Distances]
    straddling: Annotated[float, Meta(description="Share of samples with targets of several roles")]
    duplicates: Annotated[int, Meta(description="Sampled test rows that equal a train row")]
    duplicates_among: int
    autocorrelation: list[Autocorrelation]
    recommended: Annotated[
        dict[str, str], Meta(description="Size of blocks by dim, twice the range")
    ]


class Preview(Model):
    """What a spec would train on: realised shares, cost, and a map of the split as PNG."""

    roles: list[RoleCount]
    valid_share: float
    decoded_bytes: int
    memory_bytes: int
    warnings: list[ErrorBody]
    leakage: LeakageReport | None
    map_png: Annotated[str | None, Meta(description="base64")]


class Validation(Model):
    """Whether a spec can be submitted; each error names its field."""

    ok: bool
    errors: list[ErrorBody]


class Estimator(Model):
    """A model class of the chosen kernel, with the JSON Schema of its parameters.

    ``fit`` names the fields of the spec's ``fit`` that it heeds; ``problem`` is null where the
    kernel has its framework.
    """

    class_: str = field(name="class")
    name: str
    kind: Literal["regressor", "classifier"]
    summary: str
    params_schema: dict[str, Any]
    fit: list[str]
    problem: ErrorBody | None = None


class EstimatorList(Model):
    """The estimators that the chosen kernel offers."""

    items: list[Estimator]


class Kernel(Model):
    """A kernelspec; ``problem`` is null where our jobs can run in it."""

    name: str
    display_name: str
    language: str
    problem: ErrorBody | None


class KernelList(Model):
    """Kernelspecs of this server."""

    items: list[Kernel]
    default: str | None


class FormSchema(Model):
    """JSON Schema and ui schema of the launch form."""

    schema: dict[str, Any]
    ui_schema: dict[str, Any]


class RunSpec(Model):
    """The spec that a run was trained from."""

    spec: dict[str, Any]


class SpecText(Model):
    """A spec in the texts that the launch form offers for copying."""

    yaml: str
    python: str
