"""MLflow's entities as entries of the journal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..journal.used import Dataset, Inputs, Outputs


def inputs_entry(datasets: Iterable[Any], models: Iterable[Any]) -> Inputs:
    """Return what a run was trained on.

    Parameters
    ----------
    datasets : iterable of DatasetInput
    models : iterable of LoggedModelInput
    """
    return Inputs(
        [
            Dataset(
                used.dataset.name,
                used.dataset.digest,
                used.dataset.source_type,
                used.dataset.source,
                used.dataset.schema,
                used.dataset.profile,
                {tag.key: str(tag.value) for tag in used.tags},
            )
            for used in datasets
        ],
        [one.model_id for one in models],
    )


def outputs_entry(models: Iterable[Any]) -> Outputs:
    """Return the models that a run has made.

    Parameters
    ----------
    models : iterable of LoggedModelOutput
    """
    return Outputs([(one.model_id, int(one.step)) for one in models])
