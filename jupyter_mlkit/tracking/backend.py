"""The one door to a tracking store: every answer is one of our models, every failure our error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Literal

from jupyter_mlkit import models
from jupyter_mlkit.errors import BackendError
from jupyter_mlkit.paths import journal_dir

from . import comparison, experiments, histories, notebooks, runs, specs
from .artifacts import ArtifactReader
from .client import StoreClient
from .journal.home import Home
from .journal.ids import is_local
from .locations import Beneath
from .runs import View
from .unsent import Unsent


class TrackingBackend:
    """Runs, experiments, curves and artifacts of one tracking URI.

    All methods block and may be called from several threads; mlflow is imported by the first.
    Each raises an :class:`~jupyter_mlkit.errors.MLKitError`: `NotFoundError`, `InvalidInputError`
    with its field, `ConflictError`, or `BackendError` (``store_locked``, ``store_gone``,
    ``store_schema``, ``store_unavailable``) where the store itself fails.

    Parameters
    ----------
    uri : str
        Tracking URI: an SQLite file, another SQL database or a tracking server.
    artifact_root : Path or str, optional
        Where the store's artifacts lie, if they are local.
    allowed_roots : sequence of Path or str
        Further local folders that may be served, such as the Lab's root directory.
    """

    def __init__(
        self,
        uri: str,
        artifact_root: Path | str | None = None,
        allowed_roots: Sequence[Path | str] = (),
    ) -> None:
        self.uri = uri
        self.store = StoreClient(uri, artifact_root)
        self._unsent = Unsent(Home(journal_dir()), self.store.uri)
        self._artifacts = ArtifactReader(
            self.store,
            Path(artifact_root) if artifact_root is not None else None,
            tuple(Path(root) for root in allowed_roots),
        )

    def prepare(self) -> None:
        """Make the store ready, once; the first call of any other method does it too.

        Takes seconds where the tables have to be made.
        """
        self.store.prepare()

    def experiments(
        self,
        name_contains: str | None = None,
        max_results: int = 100,
        page_token: str | None = None,
    ) -> models.ExperimentPage:
        """Return one page of active experiments, those whose name holds `name_contains`."""
        unsent = [
            one
            for one in ([] if page_token else self._unsent.experiments())
            if experiments.contains(one.name, name_contains)
        ]
        try:
            page = experiments.list_experiments(self.store, name_contains, max_results, page_token)
        except BackendError:
            if not unsent:
                raise
            return models.ExperimentPage(items=unsent, next_page_token=None)
        there = {one.name for one in page.items}
        page.items += [one for one in unsent if one.name not in there]
        return page

    def runs(
        self,
        experiment_ids: Sequence[str] = (),
        filter: str | None = None,  # noqa: A002 - the word of the API
        order_by: Sequence[str] = (),
        view: View = "active",
        max_results: int = 100,
        page_token: str | None = None,
        *,
        cube: str | None = None,
        period: str | None = None,
    ) -> models.RunPage:
        """Return one page of runs; see :func:`jupyter_mlkit.tracking.runs.search_runs`.

        Those that wait for the store come first, on the first page. Only the store can filter:
        where it is asked to, they are left out.
        """
        is_narrowed = filter or cube or period
        shows_unsent = view != "deleted" and not is_narrowed and not page_token
        unsent = self._unsent.runs(experiment_ids) if shows_unsent else []
        there = [one for one in map(self._unsent.in_store, experiment_ids) if not is_local(one)]
        if experiment_ids and not there:  # nothing of them is in the store yet
            return models.RunPage(items=unsent, next_page_token=None)
        try:
            page = runs.search_runs(
                *(self.store, there, filter, order_by, view, max_results, page_token),
                cube=cube,
                period=period,
            )
        except BackendError:
            if not unsent:
                raise
            return models.RunPage(items=unsent, next_page_token=None)
        page.items = unsent + page.items
        return page

    def run(self, run_id: str) -> models.Run:
        """Return one run, also one that waits for its store."""
        unsent = self._unsent.run(run_id)
        return unsent or runs.get_run(self.store, self._known(run_id))

    def stamps(self, run_id: str) -> tuple[str | None, str | None]:
        """Return owner and job of a run, None where there is none."""
        return runs.stamps(self.store, self._known(run_id))

    def stamp(self, run_id: str, owner: str, job_id: str) -> None:
        """Let the run of a job belong to `owner`; see :func:`.runs.stamp_run`."""
        runs.stamp_run(self.store, self._known(run_id), owner, job_id)

    def update_run(self, run_id: str, patch: models.RunPatch) -> models.Run:
        """Change name and note of a run and return it."""
        return runs.update_run(self.store, self._known(run_id), patch)

    def delete_run(self, run_id: str) -> None:
        """Mark a run deleted."""
        runs.delete_run(self.store, self._known(run_id))

    def restore_run(self, run_id: str) -> models.Run:
        """Bring a deleted run back and return it."""
        return runs.restore_run(self.store, self._known(run_id))

    def end_run(self, run_id: str, status: Literal["FAILED", "KILLED"], reason: str) -> None:
        """Close a run whose process is gone; see :func:`jupyter_mlkit.tracking.runs.end_run`."""
        runs.end_run(self.store, self._known(run_id), status, reason)

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        """Set a tag that is neither MLflow's nor ours."""
        runs.set_tag(self.store, self._known(run_id), key, value)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag that is neither MLflow's nor ours."""
        runs.delete_tag(self.store, self._known(run_id), key)

    def histories(
        self, run_ids: Sequence[str], keys: Sequence[str] = (), max_points: int = 1000
    ) -> models.MetricHistories:
        """Return curves; see :func:`jupyter_mlkit.tracking.histories.histories`."""
        unsent = [one for one in dict.fromkeys(run_ids) if self._unsent.run(one) is not None]
        there = [self._known(one) for one in run_ids if one not in unsent]
        if not unsent:
            return histories.histories(self.store, there, keys, max_points)
        curves = [one for run in unsent for one in self._unsent.curves(run, keys, max_points)]
        if there:
            curves += histories.histories(self.store, there, keys, max_points).items
        return models.MetricHistories(items=curves)

    def artifacts(
        self, run_id: str, path: str = "", max_results: int = 100, page_token: str | None = None
    ) -> models.ArtifactPage:
        """Return one page of a folder of artifacts.

        Parameters
        ----------
        run_id : str
            The run.
        path : str
            Folder, decoded once, relative to the run's artifacts; empty for all of them.
        max_results : int
            Size of the page.
        page_token : str, optional
            From the page before.
        """
        return self._artifacts.page(self._known(run_id), path, max_results, page_token)

    def open_artifact(self, run_id: str, path: str) -> tuple[BinaryIO, int, str]:
        """Open a file and return it with its size in bytes and its name; the caller closes it.

        Parameters
        ----------
        run_id : str
            The run.
        path : str
            File, decoded once, relative to the run's artifacts.

        Raises
        ------
        NotFoundError
            Where there is no such file, or a link on the way.
        ForbiddenError
            ``artifact_not_served`` where the files lie outside the served roots.
        """
        return self._artifacts.open(self._known(run_id), path)

    def preview_artifact(self, run_id: str, path: str) -> models.ArtifactPreview:
        """Return what can be shown of a file, or of a folder that is a cube.

        Raises
        ------
        NotFoundError, ForbiddenError
            As :meth:`open_artifact`.
        """
        return self._artifacts.preview(self._known(run_id), path)

    def artifact_place(self, run_id: str, path: str) -> Beneath:
        """Return the root and the names beneath it by which another process opens an artifact.

        Raises
        ------
        ForbiddenError
            ``artifact_not_served`` where it is not a local one.
        """
        return self._artifacts.beneath(self._known(run_id), path)

    def spec(self, run_id: str) -> models.RunSpec:
        """Return the spec of a run; see :func:`jupyter_mlkit.tracking.specs.run_spec`."""
        return specs.run_spec(self._artifacts, self._known(run_id))

    def notebooks(self, run_id: str) -> models.RestoredNotebooks:
        """Return the notebooks of a run as they were; see :func:`.notebooks.run_notebooks`."""
        return notebooks.run_notebooks(self._artifacts, self._known(run_id))

    def compare(self, run_ids: Sequence[str]) -> models.Comparison:
        """Return runs side by side; see :func:`jupyter_mlkit.tracking.comparison.compare`."""
        wanted = list(dict.fromkeys(run_ids))[: comparison.MOST_RUNS + 1]
        return comparison.compare([self.run(run_id) for run_id in wanted])

    def _known(self, run_id: str) -> str:
        """Return the id of a run in the store: one that was given without it is known for ever."""
        runs.check_run_id(run_id)
        return self._unsent.in_store(run_id)
