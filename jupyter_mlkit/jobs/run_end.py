"""Closes the run of a job that is gone: nobody else would, and it would look alive for ever."""

from __future__ import annotations

from typing import Literal

from ..tracking.client import StoreClient
from ..tracking.tags import END_REASON


def end_run(
    store: StoreClient, run_id: str, status: Literal["FAILED", "KILLED"], reason: str
) -> None:
    """Set the end of a run that is still marked as running, and why in ``mlkit.end_reason``.

    A run that has ended in the meantime stays as it is.
    """
    with store.calling(f"Run {run_id}") as client:
        if client.get_run(run_id).info.status not in ("RUNNING", "SCHEDULED"):
            return
        client.set_tag(run_id, END_REASON, reason)
        client.set_terminated(run_id, status=status)
