"""Runs of a store that may be away."""

from __future__ import annotations

from typing import Any

from mlflow.entities import Metric, RunStatus, RunTag
from mlflow.utils.name_utils import _generate_random_name
from mlflow.utils.time import get_current_time_millis

from ..drainer.creation import experiment_in_store
from ..journal.entries import Created, Entry, Tags, Updated
from ..journal.ids import is_local, new_id
from ..provenance.record import at_end, at_resume, at_start, is_noted
from ..tags import PARENT, RUN_KEY
from .errors import unavailable
from .kept import Kept
from .offline import run_in, run_made
from .own import Own
from .reach import UnreachableError

_RUN_NAME = "mlflow.runName"


class Runs(Own):
    """The part of a store that makes, tells of and ends runs."""

    def create_run(
        self, experiment_id: str, user_id: str, start_time: int, tags: Any, run_name: str | None
    ) -> Any:
        """Make a run: in the store, or in the journal while that cannot be asked."""
        key, tags = new_id(), list(tags or [])
        there, later = self._parent_in_store(tags)
        try:
            run = self._reach.ask(
                lambda real: real.create_run(
                    experiment_in_store(real, self._ids, experiment_id),
                    user_id,
                    start_time,
                    # Where the reply is lost the run is found by this, and not made again.
                    [*there, RunTag(RUN_KEY, key)],
                    run_name,
                )
            )
        except UnreachableError:
            run = None
        created = self._created(key, run, experiment_id, user_id, start_time, tags, run_name)
        made = run_made(created, key) if run is None else run
        run_id = made.info.run_id
        kept = self._kept[run_id] = Kept(run_id, made)
        if run is not None:
            self._keep_files_first(kept, made)
        # The run has a journal from its first moment: that tells whether its process is alive.
        self._opened(run_id)[0].record(created, *(later if run is not None else []))
        parent = created.tags.get(PARENT)
        at_start(run_id, parent=parent, into=self._home.find(self.uri, kept.run_id).files)
        return made

    def _parent_in_store(self, tags: list[Any]) -> tuple[list[Any], list[Entry]]:
        """Return tags with the parent's id in the store, or what tells it once there is one."""
        parent = next((one.value for one in tags if one.key == PARENT), None)
        if not isinstance(parent, str) or not is_local(parent):
            return tags, []
        known = self._ids.in_store(parent)
        if known is None:
            return tags, [Tags({PARENT: parent})]
        return [RunTag(PARENT, known) if one.key == PARENT else one for one in tags], []

    def _created(
        self, key: str, run: Any, experiment: str, user: str, begun: int, tags: Any, name: Any
    ) -> Created:
        given = {one.key: str(one.value) for one in tags}
        if run is not None:
            info = run.info
            return Created(
                info.experiment_id,
                info.run_name,
                user,
                begun,
                info.artifact_uri,
                given,
                info.run_id,
            )
        name = name or given.get(_RUN_NAME) or _generate_random_name()
        files = self._home.find(self.uri, key).loose
        return Created(experiment, name, user, begun, files.as_uri(), {**given, _RUN_NAME: name})

    def get_run(self, run_id: str) -> Any:
        """Return a run as it will be."""
        if is_local(run_id) and self._ids.in_store(run_id) is None:
            return self._waiting_run(run_id)
        kept = self._known_here(run_id)
        own = self._waiting_part(kept) if kept is not None and self._waits(kept) else None
        try:
            found = self._reach.ask(lambda real: real.get_run(self.in_store(run_id)))
        except UnreachableError as error:
            if kept is None or kept.run is None:
                raise unavailable(str(error)) from error
            return (own or kept).over(kept.over(kept.run))
        if kept is None:
            self._seen = found
            return found
        if is_local(kept.run_id):
            self._keep_files_first(kept, found)
        # What others have changed since all of it arrived is newer.
        return (own or Kept(kept.run_id, kept.run)).over(found)

    def _waiting_run(self, run_id: str) -> Any:
        kept = self._known_here(run_id)
        if kept is not None and kept.run is not None:
            return self._waiting_part(kept).over(kept.run)
        found = run_in(self._home.find(self.uri, run_id))
        if found is None:
            raise unavailable(f"Run {run_id} is not in the tracking store yet.")
        return found

    def update_run_info(
        self, run_id: str, run_status: Any, end_time: int | None, run_name: str | None
    ) -> Any:
        """Change state, end or name of a run, after all that was logged before."""
        status = None if run_status is None else RunStatus.to_string(run_status)
        updated = Updated(status, end_time, run_name or None)
        if updated.is_over:
            self._note_end(run_id)
        recorder, kept = self._opened(run_id)
        if status == RunStatus.to_string(RunStatus.RUNNING):
            files = self._home.find(self.uri, kept.run_id).files
            at_resume(self._noted_as(run_id, kept), into=files)
        recorder.record(updated)
        kept.note(updated)
        if updated.is_over:
            self._end(kept)
        return (kept.over(kept.run) if kept.run is not None else self.get_run(run_id)).info

    @staticmethod
    def _noted_as(run_id: str, kept: Kept | None) -> str:
        """Return by which of its ids a run was noted, where it was, or is to be."""
        return run_id if kept is None or is_noted(run_id) else kept.run_id

    def _note_end(self, run_id: str) -> None:
        files, metrics, tags = at_end(self._noted_as(run_id, self._kept.get(run_id)))
        if metrics or tags:
            now = get_current_time_millis()
            self.log_batch(
                run_id,
                [Metric(key, value, now, 0) for key, value in metrics.items()],
                [],
                [RunTag(key, value) for key, value in tags.items()],
            )
        if files:
            self._stage(self._opened(run_id)[1], files)
