"""The wire vocabulary: every request and answer of the API, and what the rooms hand each other.

``openapi.yaml`` and the TypeScript types are generated from these classes. Times are
milliseconds since 1970-01-01 UTC, as MLflow has them.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field


class Model(Struct):
    """Base of what the server answers: every field is always there, null where unknown."""


class Body(Struct, forbid_unknown_fields=True):
    """Base of what a client sends: a misspelt field is refused, not ignored."""


#: A float on the wire. JSON has no NaN or infinity, so these travel as words.
WireFloat = float | Literal["NaN", "Infinity", "-Infinity"]

RunStatus = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
JobState = Literal["QUEUED", "STARTING", "RUNNING", "DONE", "FAILED", "STOPPED", "LOST"]
Role = Literal["train", "validation", "test"]


def wire_float(value: float) -> WireFloat:
    """Return `value` as it travels in JSON."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return float(value)


# ------------------------------------------------------------------------- status and errors


class ErrorBody(Model):
    """Body of every answer that is not 2xx."""

    message: str
    code: str
    hint: str | None
    field: str | None


class Status(Model):
    """What the server part is, what it talks to and what is wrong."""

    version: str
    mlflow_version: str
    tracking_uri: Annotated[str, Meta(description="Without user name and password")]
    store: Annotated[Literal["local", "remote"], Meta(description="SQL file or server")]
    artifact_root: str | None
    root_dir: str
    problems: list[ErrorBody]


# ----------------------------------------------------------------------- experiments and runs


class Experiment(Model):
    """An MLflow experiment."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: Literal["active", "deleted"]
    creation_time: int | None
    last_update_time: int | None
    tags: dict[str, str]


class ExperimentPage(Model):
    """One page of experiments."""

    items: list[Experiment]
    next_page_token: str | None


class Metric(Model):
    """The latest value of a metric."""

    key: str
    value: WireFloat
    step: int
    timestamp: int


class DatasetInput(Model):
    """A dataset that a run has logged as its input."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None
    profile: str | None
    context: str | None


class Evaluation(Model):
    """What a run was scored on; two runs are comparable iff the hashes are equal."""

    hash: str
    target: str
    units: str
    role: Role
    n_cells: int
    truth_digest: str
    cells_digest: str
    weights: str
    aggregation: str
    lead_time: str | None


class Run(Model):
    """An MLflow run with what we know of its data and its score."""

    run_id: str
    run_name: str
    experiment_id: str
    status: RunStatus
    lifecycle_stage: Literal["active", "deleted"]
    start_time: int | None
    end_time: int | None
    owner: str | None
    artifact_uri: str
    metrics: list[Metric]
    params: dict[str, str]
    tags: Annotated[dict[str, str], Meta(description="Without those that MLflow hides")]
    note: str
    primary_metric: Annotated[
        str | None, Meta(description="Key of the metric that leads lists, a validation score")
    ]
    units: Annotated[str | None, Meta(description="Unit of the target and its errors")]
    gain: Annotated[
        float | None, Meta(description="1 - error / error of the best baseline, on validation")
    ]
    evaluation: Evaluation | None
    job_id: str | None
    datasets: list[DatasetInput]
    models: Annotated[list[str], Meta(description="URIs of models that the run logged")]


class RunPage(Model):
    """One page of runs."""

    items: list[Run]
    next_page_token: str | None


class RunPatch(Body):
    """Changes to a run; what is left out stays."""

    run_name: Annotated[str, Meta(min_length=1, max_length=250)] | None = None
    note: Annotated[str, Meta(max_length=8000)] | None = None


class Tag(Body):
    """A tag to set."""

    key: Annotated[str, Meta(min_length=1, max_length=250)]
    value: Annotated[str, Meta(max_length=8000)]


class MetricHistory(Model):
    """One curve, thinned so that every peak stays: each bucket keeps its extremes."""

    run_id: str
    key: str
    steps: list[int]
    timestamps: list[int]
    values: list[WireFloat]
    total: Annotated[int, Meta(description="Number of points logged")]


class MetricHistories(Model):
    """Curves of several runs."""

    items: list[MetricHistory]


class Artifact(Model):
    """A file or folder that a run has logged."""

    path: str
    is_dir: bool
    size: int | None


class ArtifactPage(Model):
    """One page of a folder of artifacts."""

    items: list[Artifact]
    next_page_token: str | None
    served: Annotated[bool, Meta(description="Whether this server hands out the files")]
    hint: str | None


class Difference(Model):
    """One line of a comparison: the values of the runs in their order, null where missing."""

    group: Literal["data", "params", "metrics", "tags"]
    key: str
    values: list[str | None]
    differs: bool


class Comparison(Model):
    """Two or more runs side by side and whether their scores may be compared."""

    runs: list[Run]
    verdict: Literal["comparable", "not_comparable", "unknown"]
    reasons: Annotated[list[str], Meta(description="What differs, in words")]
    differences: list[Difference]


# ----------------------------------------------------------------------------- cubes and specs


class Dimension(Model):
    """One dim of a cube."""

    name: str
    size: int
    chunk: int | None
    role: Annotated[
        Literal["time", "y", "x", "other"], Meta(description="y and x are the horizontal dims")
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
    minimum: float | None
    maximum: float | None
    mean: float | None


class CubeDescription(Model):
    """What a cube holds and what in it will trouble a training."""

    uri: str
    format: str
    title: str | None
    dims: list[Dimension]
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


class SpecRequest(Body):
    """A training spec as the form has it; it is validated field by field."""

    spec: dict[str, Any]


class RoleCount(Model):
    """How many blocks and valid cells a role gets."""

    role: Role
    cells: int
    blocks: int


class Preview(Model):
    """What a spec would train on: realised shares, cost, and a map of the split as PNG."""

    roles: list[RoleCount]
    valid_share: float
    decoded_bytes: int
    memory_bytes: int
    warnings: list[ErrorBody]
    map_png: Annotated[str | None, Meta(description="base64")]


class Validation(Model):
    """Whether a spec can be submitted; each error names its field."""

    ok: bool
    errors: list[ErrorBody]


class Estimator(Model):
    """A model class of the chosen kernel, with the JSON Schema of its parameters."""

    class_: str = field(name="class")
    name: str
    kind: Literal["regressor", "classifier"]
    summary: str
    params_schema: dict[str, Any]


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


# ---------------------------------------------------------------------------------------- jobs


class JobRequest(Body):
    """A training to start."""

    spec: dict[str, Any]


class Job(Model):
    """A training process of this server."""

    job_id: str
    name: str
    state: JobState
    kernelspec: str
    created: int
    started: int | None
    ended: int | None
    phase: Annotated[str | None, Meta(description="What it is doing, in words")]
    progress: Annotated[float | None, Meta(description="0 to 1")]
    queue_position: int | None
    experiment: str
    run_id: str | None
    exit_code: int | None
    error: ErrorBody | None
    spec: dict[str, Any]


class JobPage(Model):
    """One page of jobs, the newest first."""

    items: list[Job]
    next_page_token: str | None


class LogChunk(Model):
    """A piece of a job's output; ask again from ``next_offset``."""

    text: str
    offset: int
    next_offset: int
    size: int
    complete: Annotated[bool, Meta(description="The job has ended and this is its last piece")]


# ------------------------------------------------------------------------------------ registry


class ModelVersion(Model):
    """A version of a registered model."""

    name: str
    version: str
    run_id: str | None
    run_name: str | None
    source: str
    description: str
    creation_time: int
    status: str
    aliases: list[str]
    tags: dict[str, str]


class RegisteredModel(Model):
    """A registered model with its aliases and its newest version."""

    name: str
    description: str
    creation_time: int
    last_updated_time: int
    aliases: dict[str, str]
    latest_version: str | None
    tags: dict[str, str]


class RegisteredModelPage(Model):
    """One page of registered models."""

    items: list[RegisteredModel]
    next_page_token: str | None


class ModelVersionPage(Model):
    """One page of a model's versions, the newest first."""

    items: list[ModelVersion]
    next_page_token: str | None


class VersionRequest(Body):
    """Register the model of a run; the registered model is made where it is missing."""

    run_id: Annotated[str, Meta(min_length=1)]
    model: Annotated[
        str | None, Meta(description="URI among the run's models; the last if null")
    ] = None
    description: str = ""


class AliasRequest(Body):
    """The version that an alias points to."""

    version: Annotated[str, Meta(pattern=r"^[0-9]+$")]


class DescriptionPatch(Body):
    """A new description."""

    description: Annotated[str, Meta(max_length=5000)]


# -------------------------------------------------------------------------------------- events


class Watch(Model):
    """A lease on live changes: the server watches the store while somebody holds one."""

    expires_in: Annotated[int, Meta(description="Seconds; renew before")]
    schema_id: str


class Change(Model):
    """Data of an event: that something changed, never what it is now."""

    capability: Literal["experiments", "runs", "jobs", "registry"]
    kind: Literal["created", "changed", "deleted"]
    ids: Annotated[list[str], Meta(description="Empty: too many to name, fetch again")]
