"""Runs: searched with MLflow's own filter syntax, changed, deleted and brought back."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from jupyter_mlkit.errors import InvalidInputError, NotFoundError
from jupyter_mlkit.models import Run, RunPage, RunPatch

from . import convert
from .client import StoreClient
from .cube_search import CubeSearch
from .experiments import experiment_ids as ids_of_experiments
from .filters import check_filter, check_order
from .pages import check_page, token_at
from .tags import END_REASON, JOB_ID, LOST, OWNER

View = Literal["active", "deleted", "all"]

_NOTE = "mlflow.note.content"
#: As MLflow has it.
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,255}")
#: Runs that are asked for at once, and looked at for one page, where the store cannot tell all.
_AT_ONCE = 500
_MOST_LOOKED_AT = 5000


def search_runs(
    store: StoreClient,
    experiment_ids: Sequence[str] = (),
    filter: str | None = None,  # noqa: A002 - the word of the API
    order_by: Sequence[str] = (),
    view: View = "active",
    max_results: int = 100,
    page_token: str | None = None,
    *,
    cube: str | None = None,
    period: str | None = None,
) -> RunPage:
    """Return one page of runs.

    Parameters
    ----------
    store : StoreClient
        The store.
    experiment_ids : sequence of str
        Experiments to look in; all active ones where empty.
    filter : str, optional
        MLflow's filter syntax: ``metrics.val_rmse < 2 AND params.target = 'lst'``.
    order_by : sequence of str
        MLflow's order syntax: ``metrics.val_rmse ASC``; the newest first where empty.
    view : {"active", "deleted", "all"}
        Whether deleted runs are shown.
    max_results : int
        Size of the page.
    page_token : str, optional
        From the page before.
    cube : str, optional
        Fingerprint or URI of a cube that the runs were logged with.
    period : str, optional
        ISO 8601, ``2010-01/2012-06`` or one date: runs with data of any part of it. Of these a
        page may hold fewer than `max_results` though others follow.

    Raises
    ------
    InvalidInputError
        ``invalid_filter`` (field ``filter``), ``invalid_order_by`` (field ``order_by``),
        ``invalid_period`` (field ``period``).
    """
    check_page(max_results, page_token)
    wanted = CubeSearch.of(cube, period)
    bad = [i for i in experiment_ids if not (i.isascii() and i.isdigit() and len(i) < 19)]
    if bad and store.path is not None:
        raise NotFoundError(f"Experiment {bad[0][:50]!r} does not exist.", field="experiment_id")
    with store.calling("The search for runs", field="filter") as client:
        from mlflow.entities import ViewType

        check_filter(filter)
        check_order(order_by)
        views = {
            "active": ViewType.ACTIVE_ONLY,
            "deleted": ViewType.DELETED_ONLY,
            "all": ViewType.ALL,
        }
        if view not in views:
            raise InvalidInputError(
                f"view must be active, deleted or all, not {view!r}.", field="view"
            )
        ids = list(dict.fromkeys(experiment_ids)) or ids_of_experiments(client)
        # What a person has written comes last: MLflow takes one that ends in AND.
        conditions = [*(wanted.conditions if wanted else []), *([filter] if filter else [])]

        def ask(size: int, token: str | None) -> Any:
            return client.search_runs(
                ids,
                filter_string=" AND ".join(conditions),
                run_view_type=views[view],
                max_results=size,
                order_by=list(order_by) or None,
                page_token=token,
            )

        if wanted is None:
            page = ask(max_results, page_token or None)
            found, token = list(page), page.token
        else:
            found, token = _look_through(ask, wanted.finds, max_results, page_token)
        items = [convert.run(entity, convert.LIST_BOUNDS) for entity in found]
        return RunPage(items=items, next_page_token=token or None)


def _look_through(
    ask: Callable[[int, str | None], Any],
    finds: Callable[[Any], bool],
    max_results: int,
    page_token: str | None,
) -> tuple[list[Any], str | None]:
    """Return those of a search that are looked for, and where the next page begins.

    Tokens count what the store has told, not what was taken of it: no run is in two pages, and
    none in neither.
    """
    begin = offset = check_page(max_results, page_token)
    found: list[Any] = []
    while True:
        page = ask(max(max_results, _AT_ONCE), token_at(offset) if offset else None)
        for here, run in enumerate(page, 1):
            if finds(run):
                found.append(run)
                if len(found) == max_results:
                    is_last = here == len(page) and not page.token
                    return found, None if is_last else token_at(offset + here)
        offset += len(page)
        if not page.token:
            return found, None
        if offset - begin >= _MOST_LOOKED_AT:
            return found, token_at(offset)


def get_run(store: StoreClient, run_id: str) -> Run:
    """Return one run with all its params and tags."""
    check_run_id(run_id)
    with store.calling(f"Run {run_id}", field="run_id") as client:
        return convert.run(client.get_run(run_id))


def stamps(store: StoreClient, run_id: str) -> tuple[str | None, str | None]:
    """Return whom a run belongs to and which job has made it, as its tags have it."""
    check_run_id(run_id)
    with store.calling(f"Run {run_id}", field="run_id") as client:
        tags = client.get_run(run_id).data.tags
        return tags.get(OWNER), tags.get(JOB_ID)


def stamp_run(store: StoreClient, run_id: str, owner: str, job_id: str) -> None:
    """Write down that the run of a job belongs to `owner`; whose word the run carried is lost.

    A job tells by itself which run is its own, so only a run that says the same of the job is
    stamped: a job cannot take somebody else's.
    """
    check_run_id(run_id)
    with store.calling(f"Run {run_id}", field="run_id") as client:
        tags = client.get_run(run_id).data.tags
        if tags.get(JOB_ID) == job_id and tags.get(OWNER) != owner:
            client.set_tag(run_id, OWNER, owner)


def update_run(store: StoreClient, run_id: str, patch: RunPatch) -> Run:
    """Change name and note of a run and return it."""
    check_run_id(run_id)
    with store.calling(f"Run {run_id}") as client:
        if patch.run_name is not None:
            client.update_run(run_id, name=patch.run_name)
        if patch.note is not None:
            client.set_tag(run_id, _NOTE, patch.note)
        return convert.run(client.get_run(run_id))


def delete_run(store: StoreClient, run_id: str) -> None:
    """Mark a run deleted; its data stay until ``mlflow gc``."""
    check_run_id(run_id)
    with store.calling(f"Run {run_id}", field="run_id") as client:
        client.delete_run(run_id)


def restore_run(store: StoreClient, run_id: str) -> Run:
    """Bring a deleted run back and return it."""
    check_run_id(run_id)
    with store.calling(f"Run {run_id}", field="run_id") as client:
        client.restore_run(run_id)
        return convert.run(client.get_run(run_id))


def set_tag(store: StoreClient, run_id: str, key: str, value: str) -> None:
    """Set a tag of a person's own; those of MLflow and ours are not for editing."""
    check_run_id(run_id)
    _check_own_tag(key)
    with store.calling(f"Run {run_id}", field="key") as client:
        client.set_tag(run_id, key, value)


def delete_tag(store: StoreClient, run_id: str, key: str) -> None:
    """Remove a tag of a person's own."""
    check_run_id(run_id)
    _check_own_tag(key)
    with store.calling(f"Tag {key!r} of run {run_id}", field="key") as client:
        client.delete_tag(run_id, key)


def end_run(
    store: StoreClient, run_id: str, status: Literal["FAILED", "KILLED"], reason: str
) -> None:
    """Close a run whose process is gone; one that has ended itself stays as it is.

    One that was found lost meanwhile gets the true reason: who asks knows more.

    Parameters
    ----------
    store : StoreClient
        The store.
    run_id : str
        The run.
    status : {"FAILED", "KILLED"}
        What it becomes.
    reason : str
        Why, for the tag ``mlkit.end_reason``: ``lost``, ``stopped``.
    """
    check_run_id(run_id)
    with store.calling(f"Run {run_id}", field="run_id") as client:
        run = client.get_run(run_id)
        lost = run.info.status == "FAILED" and run.data.tags.get(END_REASON) == LOST
        if lost or run.info.status in ("RUNNING", "SCHEDULED"):
            client.set_tag(run_id, END_REASON, reason)
            client.set_terminated(run_id, status, run.info.end_time if lost else None)


def check_run_id(run_id: str) -> None:
    """Refuse what cannot be a run's id before it becomes part of a path or a query."""
    if _RUN_ID.fullmatch(run_id) is None:
        raise NotFoundError(f"Run {run_id[:64]!r} does not exist.", field="run_id")


def _check_own_tag(key: str) -> None:
    if key.startswith(("mlflow.", "mlkit.")):
        raise InvalidInputError(
            f"The tag {key!r} says how the run was made; it cannot be edited.",
            field="key",
            hint="Use a key that begins neither with 'mlflow.' nor with 'mlkit.'.",
        )
