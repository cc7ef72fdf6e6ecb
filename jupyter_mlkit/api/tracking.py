"""Experiments, runs, their metrics and their comparison."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ..errors import TooLargeError
from ..models import (
    Comparison,
    ExperimentPage,
    MetricHistories,
    RestoredNotebooks,
    Run,
    RunPage,
    RunPatch,
    RunSpec,
    Tag,
)
from .base import MLKitHandler
from .endpoint import Paging, Query, endpoint
from .owned import RUN

#: As MLflow makes them; the address of a request has room for hundreds.
_Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class ExperimentsQuery(Paging):
    """Which experiments."""

    name_contains: Annotated[str, Meta(max_length=500)] | None = None


class RunsQuery(Paging):
    """Which runs, in which order."""

    experiment_id: Annotated[
        list[_Id], Meta(max_length=200, description="Repeatable; all active ones if left out")
    ] = msgspec.field(default_factory=list)
    filter: Annotated[str, Meta(max_length=8192, description="In MLflow's syntax")] = ""
    order_by: Annotated[
        list[Annotated[str, Meta(max_length=600)]],
        Meta(max_length=10, description="Such as `metrics.val_rmse ASC`; repeatable"),
    ] = msgspec.field(default_factory=list)
    view: Literal["active", "deleted", "all"] = "active"
    cube: Annotated[
        str, Meta(max_length=2000, description="Fingerprint or URI of the cube of the runs")
    ] = ""
    period: Annotated[
        str,
        Meta(
            max_length=100,
            description="Runs with data of it: `2011` or `2010-01/2012-06`, both ends included. "
            "A page may be short though another follows",
        ),
    ] = ""


class TagQuery(Query):
    """Which tag."""

    key: Annotated[str, Meta(min_length=1, max_length=250)]


class MetricsQuery(Query):
    """Which curves."""

    run_id: Annotated[list[_Id], Meta(min_length=1, max_length=200, description="Repeatable")]
    key: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=500)]],
        Meta(min_length=1, max_length=50, description="Repeatable"),
    ]
    max_points: Annotated[int, Meta(ge=4, le=20_000, description="Of each curve")] = 500


class CompareQuery(Query):
    """Which runs."""

    run_id: Annotated[list[_Id], Meta(min_length=2, max_length=200, description="Repeatable")]


class ExperimentsHandler(MLKitHandler):
    """Experiments of the store."""

    path = "experiments"

    @endpoint(
        "read",
        "runs",
        "List experiments",
        query=ExperimentsQuery,
        answer=ExperimentPage,
        polled=True,
    )
    async def get(self, query: ExperimentsQuery) -> ExperimentPage:
        """Return a page of experiments."""
        return await self.with_tracking(
            lambda store: store.experiments(
                query.name_contains, query.max_results, query.page_token
            )
        )


class RunsHandler(MLKitHandler):
    """Runs of the store."""

    path = "runs"

    @endpoint("read", "runs", "Search runs", query=RunsQuery, answer=RunPage, polled=True)
    async def get(self, query: RunsQuery) -> RunPage:
        """Return a page of runs."""
        return await self.with_tracking(
            lambda store: store.runs(
                query.experiment_id,
                query.filter,
                query.order_by,
                query.view,
                query.max_results,
                query.page_token,
                cube=query.cube,
                period=query.period,
            )
        )


class RunHandler(MLKitHandler):
    """One run."""

    path = "runs/{run_id}"

    @endpoint("read", "runs", "Get a run", answer=Run, polled=True)
    async def get(self, run_id: str) -> Run:
        """Return the run."""
        return await self.with_tracking(lambda store: store.run(run_id))

    @endpoint("write", "runs", "Rename a run or set its note", on=RUN, body=RunPatch, answer=Run)
    async def patch(self, run_id: str, body: RunPatch) -> Run:
        """Change name or note."""
        return await self.with_tracking(lambda store: store.update_run(run_id, body))

    @endpoint("write", "runs", "Delete a run; it can be restored", on=RUN)
    async def delete(self, run_id: str) -> None:
        """Mark the run as deleted."""
        await self.with_tracking(lambda store: store.delete_run(run_id))


class RestoreHandler(MLKitHandler):
    """A deleted run."""

    path = "runs/{run_id}/restore"

    @endpoint("write", "runs", "Restore a deleted run", on=RUN)
    async def post(self, run_id: str) -> None:
        """Take the mark of deletion away."""
        await self.with_tracking(lambda store: store.restore_run(run_id))


class SpecHandler(MLKitHandler):
    """What a run was trained from."""

    path = "runs/{run_id}/spec"

    @endpoint("read", "runs", "Get the spec of a run, to launch it again", answer=RunSpec)
    async def get(self, run_id: str) -> RunSpec:
        """Return the spec that the run has logged."""
        return await self.with_tracking(lambda store: store.spec(run_id))


class NotebooksHandler(MLKitHandler):
    """The notebooks that a run was started in and resumed from."""

    path = "runs/{run_id}/notebooks"

    @endpoint("read", "runs", "Get the notebooks as they were for a run", answer=RestoredNotebooks)
    async def get(self, run_id: str) -> RestoredNotebooks:
        """Return what was executed for the run, as notebooks without outputs."""
        return await self.with_tracking(lambda store: store.notebooks(run_id))


class TagsHandler(MLKitHandler):
    """Tags of one run."""

    path = "runs/{run_id}/tags"

    @endpoint("write", "runs", "Set a tag of a run", on=RUN, body=Tag)
    async def put(self, run_id: str, body: Tag) -> None:
        """Set one tag."""
        await self.with_tracking(lambda store: store.set_tag(run_id, body.key, body.value))

    @endpoint("write", "runs", "Delete a tag of a run", on=RUN, query=TagQuery)
    async def delete(self, run_id: str, query: TagQuery) -> None:
        """Delete one tag."""
        await self.with_tracking(lambda store: store.delete_tag(run_id, query.key))


class MetricsHandler(MLKitHandler):
    """Curves."""

    path = "metrics"

    @endpoint(
        "read",
        "runs",
        "Metric histories of runs",
        query=MetricsQuery,
        answer=MetricHistories,
        polled=True,
    )
    async def get(self, query: MetricsQuery) -> MetricHistories:
        """Return the curves of every run and key."""
        limits = self.services.limits
        alone = len(query.run_id) * len(query.key) == 1
        most = limits.curve_points if alone else limits.curves_points
        if query.max_points > most:
            raise TooLargeError(
                f"A curve has at most {most} points here.",
                field="max_points",
                hint=f"Ask for one curve alone: that may have {limits.curve_points}.",
            )
        return await self.with_tracking(
            lambda store: store.histories(query.run_id, query.key, query.max_points)
        )


class CompareHandler(MLKitHandler):
    """Runs side by side."""

    path = "compare"

    @endpoint(
        "read",
        "runs",
        "Compare runs",
        query=CompareQuery,
        answer=Comparison,
        polled=True,
    )
    async def get(self, query: CompareQuery) -> Comparison:
        """Return what differs and whether the scores may be compared."""
        most = self.services.limits.runs_compared
        if len(query.run_id) > most:
            raise TooLargeError(f"At most {most} runs are compared.", field="run_id")
        return await self.with_tracking(lambda store: store.compare(query.run_id))


HANDLERS = [
    ExperimentsHandler,
    RunsHandler,
    RunHandler,
    RestoreHandler,
    SpecHandler,
    NotebooksHandler,
    TagsHandler,
    MetricsHandler,
    CompareHandler,
]
