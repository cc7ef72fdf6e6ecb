"""What this process has logged to a run, so that its own reads see it before the store does."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..journal.entries import Entry, Metric, Params, Tags, Updated
from ..journal.recorder import Recorder

if TYPE_CHECKING:
    from .direct import DirectRecorder
    from .overflow import Room

#: Step, time, value: the latest of a metric is the greatest, as MLflow has it.
Latest = tuple[int, int, float]


@dataclass
class Kept:
    """The own part of a run.

    Attributes
    ----------
    run_id : str
        By which its journal is named.
    run : Run or None
        As it was made, for where the store cannot be asked.
    has_others : bool
        Whether more is logged to its journal than what is noted here.
    latest : dict
        The latest point of each metric.
    params, tags : dict
        Tags that were deleted are None.
    recorder : Recorder or None
        That is open.
    room : Room or None
        For params, once there are any.
    status, end_time, name
        What was set, else None.
    """

    run_id: str
    run: Any = None
    has_others: bool = False
    recorder: Recorder | DirectRecorder | None = None
    room: Room | None = None
    latest: dict[str, Latest] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str | None] = field(default_factory=dict)
    status: str | None = None
    end_time: int | None = None
    name: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def point(self, key: str, value: float, timestamp: int, step: int) -> None:
        """Note a point of a metric."""
        # NaN counts as 0 where the latest is looked for.
        rank = (step, timestamp, value if value == value else 0.0)
        held = self.latest.get(key)
        if held is None or rank >= (held[0], held[1], held[2] if held[2] == held[2] else 0.0):
            self.latest[key] = (step, timestamp, value)

    def note(self, entry: Entry) -> None:
        """Note an entry of the journal."""
        if isinstance(entry, Metric):
            self.point(entry.key, entry.value, entry.timestamp, entry.step)
        elif isinstance(entry, Params):
            for key, value in entry.values.items():
                self.params.setdefault(key, value)
        elif isinstance(entry, Tags):
            self.tags |= entry.values
        elif isinstance(entry, Updated):
            self.status = entry.status or self.status
            self.end_time = entry.end_time or self.end_time
            if entry.name:
                self.name = self.tags["mlflow.runName"] = entry.name

    def over(self, run: Any) -> Any:
        """Return a run of the store with the own part over it, by the ids that it was made with."""
        from mlflow.entities import Metric as Logged
        from mlflow.entities import Param, Run, RunData, RunInfo, RunTag

        metrics = {one.key: one for one in run.data._metric_objs}
        for key, (step, timestamp, value) in list(self.latest.items()):
            there = metrics.get(key)
            if there is None or (there.step, there.timestamp) <= (step, timestamp):
                metrics[key] = Logged(key, value, timestamp, step)
        params = {**run.data.params, **self.params}
        tags = {**run.data.tags, **self.tags}
        info, made = run.info, (self.run or run).info
        shown = RunInfo(
            run_id=made.run_id,
            experiment_id=made.experiment_id,
            user_id=info.user_id,
            status=self.status or info.status,
            start_time=info.start_time,
            end_time=self.end_time or info.end_time,
            lifecycle_stage=info.lifecycle_stage,
            artifact_uri=info.artifact_uri,
            run_name=self.name or info.run_name,
        )
        data = RunData(
            metrics=list(metrics.values()),
            params=[Param(key, value) for key, value in params.items()],
            tags=[RunTag(key, value) for key, value in tags.items() if value is not None],
        )
        return Run(shown, data, run.inputs, run.outputs)
