"""Experiments, runs, their metrics, artifacts and comparison."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from .base import Body, Model, Role, RunStatus, WireFloat


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
    lost: Annotated[bool, Meta(description="Running, but no sign of life for ten minutes")]
    waiting: Annotated[
        bool, Meta(description="Only in the journal: its store could not be asked yet")
    ]
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


class RestoredNotebook(Model):
    """A notebook as it was for a run."""

    name: Annotated[str, Meta(description="For a new file")]
    content: Annotated[dict[str, Any], Meta(description="As nbformat 4.5, without outputs")]


class RestoredNotebooks(Model):
    """The notebook as it was for a run, and those from which the run was resumed."""

    items: list[RestoredNotebook]


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
