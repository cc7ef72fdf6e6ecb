"""Apply entries to a run in the store, so that doing it again changes nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, TypeVar

from jupyter_mlkit.errors import ConflictError, InvalidInputError

from ..client import StoreClient
from ..journal.entries import Entry, Metric, Params, Tags, Updated
from ..journal.used import Aside, Inputs, ModelChanged, ModelCreated, Outputs
from ..tags import END_REASON
from .dead_letters import DeadLetter
from .target import Target

T = TypeVar("T")
#: What MLflow takes in one call.
METRICS, PARAMS, TAGS = 1000, 100, 100


@dataclass
class Chunk:
    """Entries that are applied together, in an order that makes no difference to the outcome.

    Attributes
    ----------
    metrics : list of Metric
    params : dict
        Each with the first value: a later one is refused as the store would, see `changed`.
    tags : dict
        Each with the last value, None where it is deleted.
    changed : list of (str, str)
        Further values of params.
    aside : Inputs, Outputs, ModelCreated, ModelChanged or None
        What comes after all these.
    end : Updated or None
        What becomes of the run after all else.
    """

    metrics: list[Metric] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str | None] = field(default_factory=dict)
    changed: list[tuple[str, str]] = field(default_factory=list)
    aside: Aside | None = None
    end: Updated | None = None

    @property
    def is_full(self) -> bool:
        """Whether nothing more is to be added."""
        counts = (len(self.metrics), METRICS), (len(self.params), PARAMS), (len(self.tags), TAGS)
        last = self.end is not None or self.aside is not None
        return last or any(n >= most for n, most in counts)

    def add(self, entry: Entry) -> None:
        """Add an entry; those that only concern the journal say nothing to the store."""
        if isinstance(entry, Metric):
            self.metrics.append(entry)
        elif isinstance(entry, Params):
            for key, value in entry.values.items():
                if self.params.setdefault(key, value) != value:
                    self.changed.append((key, value))
        elif isinstance(entry, Tags):
            self.tags |= entry.values
        elif isinstance(entry, Updated):
            self.end = entry
        elif isinstance(entry, Inputs | Outputs | ModelCreated | ModelChanged):
            self.aside = entry


def deliver(target: Target, chunk: Chunk) -> list[DeadLetter]:
    """Bring a chunk to a run; return what the store refuses for good.

    Raises
    ------
    NotFoundError
        There is no such run.
    ConflictError
        ``run_deleted``: nothing is taken while it is in the bin.
    MLKitError
        Any other: the store cannot be reached or used now. Parts may be there already; all of
        it may be delivered again.
    """
    from mlflow.entities import Metric as LoggedMetric
    from mlflow.entities import Param, RunTag

    store, run = target.store, target.run
    params = [Param(key, value) for key, value in [*chunk.params.items(), *chunk.changed]]
    told = target.tags(chunk.tags)
    tags = [RunTag(key, value) for key, value in told.items() if value is not None]
    metrics = [
        LoggedMetric(
            one.key,
            one.value,
            one.timestamp,
            one.step,
            target.model(one.model),
            one.dataset,
            one.digest,
        )
        for one in chunk.metrics
    ]
    refused = [
        letter
        for what, items, most in (
            ("params", params, PARAMS),
            ("tags", tags, TAGS),
            ("metrics", metrics, METRICS),
        )
        for some in _parts(items, most)
        for letter in _in_halves(store, run, what, some)
    ]
    for key in (key for key, value in chunk.tags.items() if value is None):
        _delete_tag(store, run, key)
    if chunk.aside is not None:
        refused += target.bring(chunk.aside)
    if chunk.end is not None:
        if chunk.end.is_over:
            target.before_end()
        _update(store, run, chunk.end)
    return refused


def _in_halves(store: StoreClient, run: str, what: str, items: list[Any]) -> list[DeadLetter]:
    """Send items; of those that are refused find the ones that are to blame."""
    try:
        with store.calling(f"Run {run}") as client:
            client.log_batch(run, synchronous=True, **{what: items})
    except InvalidInputError as error:
        _require_active(store, run)
        if len(items) == 1:
            return [_letter(what.removesuffix("s"), items[0], error.message)]
        half = len(items) // 2
        first = _in_halves(store, run, what, items[:half])
        return first + _in_halves(store, run, what, items[half:])
    return []


def _require_active(store: StoreClient, run: str) -> None:
    with store.calling(f"Run {run}") as client:
        stage = client.get_run(run).info.lifecycle_stage
    if stage == "deleted":
        raise ConflictError(
            f"Run {run} was deleted; what was logged since then waits in the journal.",
            hint="Restore the run to have it, or discard its journal.",
            code="run_deleted",
        )


def _delete_tag(store: StoreClient, run: str, key: str) -> None:
    with store.calling(f"Run {run}") as client:
        if key in client.get_run(run).data.tags:
            client.delete_tag(run, key)


def _update(store: StoreClient, run: str, end: Updated) -> None:
    with store.calling(f"Run {run}") as client:
        if end.name is not None:
            client.update_run(run, name=end.name)
        if end.status is not None and end.end_time is not None:
            client.set_terminated(run, status=end.status, end_time=end.end_time)
        elif end.status is not None:
            client.update_run(run, status=end.status)
    if end.status == "RUNNING":  # it is gone on with: why it has ended once holds no more
        _delete_tag(store, run, END_REASON)


def _parts(items: list[T], size: int) -> list[list[T]]:
    return [items[begin : begin + size] for begin in range(0, len(items), size)]


def _letter(what: str, one: Any, why: str) -> DeadLetter:
    if what != "metric":
        return DeadLetter(what, one.key, one.value, why)
    value = one.value if math.isfinite(one.value) else str(one.value)
    return DeadLetter(what, one.key, value, why, {"step": one.step, "timestamp": one.timestamp})
