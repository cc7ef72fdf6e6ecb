"""Experiments: listed by name, newest first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jupyter_mlkit.models import ExperimentPage

from . import convert
from .client import StoreClient
from .pages import check_page

if TYPE_CHECKING:
    from mlflow import MlflowClient


def list_experiments(
    store: StoreClient,
    name_contains: str | None = None,
    max_results: int = 100,
    page_token: str | None = None,
) -> ExperimentPage:
    """Return one page of active experiments.

    Parameters
    ----------
    store : StoreClient
        The store.
    name_contains : str, optional
        Part of the name, any case; taken literally.
    max_results : int
        Size of the page.
    page_token : str, optional
        From the page before.
    """
    check_page(max_results, page_token)
    with store.calling("The list of experiments", field="page_token") as client:
        while True:
            page = client.search_experiments(
                max_results=max_results,
                page_token=page_token,
                filter_string=name_filter(name_contains),
            )
            items = [
                convert.experiment(entity)
                for entity in page
                if contains(entity.name, name_contains)
            ]
            page_token = page.token or None
            # The filter is a superset; an empty page with more behind it would look like the end.
            if items or page_token is None:
                return ExperimentPage(items=items, next_page_token=page_token)


def experiment_ids(client: MlflowClient, *, deleted: bool = False) -> list[str]:
    """Return the ids of all experiments, with the deleted ones where asked for."""
    from mlflow.entities import ViewType

    view = ViewType.ALL if deleted else ViewType.ACTIVE_ONLY
    ids: list[str] = []
    token: str | None = None
    while True:
        page = client.search_experiments(view_type=view, max_results=1000, page_token=token)
        ids += [str(entity.experiment_id) for entity in page]
        token = page.token or None
        if token is None:
            return ids


def name_filter(part: str | None) -> str | None:
    """Return a filter of MLflow's that lets at least every name with `part` in it through.

    MLflow's filters have no escapes, so whatever could be syntax becomes the wildcard for one
    character, and `contains` decides. Databases know upper and lower case of ASCII only.
    """
    if not part or not part.isascii():
        return None
    pattern = re.sub(r"[^A-Za-z0-9 .:-]", "_", part)
    return f"name ILIKE '%{pattern}%'"


def contains(name: str, part: str | None) -> bool:
    """Return whether `part` stands in `name`, any case."""
    return not part or part.casefold() in name.casefold()
