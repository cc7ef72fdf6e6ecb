"""Entries about what a run was trained on and what it has made, beside numbers and texts."""

from __future__ import annotations

import msgspec


class Dataset(msgspec.Struct, frozen=True, omit_defaults=True):
    """A dataset as MLflow describes it, with the tags of its use."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None
    tags: dict[str, str] = {}


class Inputs(msgspec.Struct, frozen=True, tag=True):
    """What the run was trained on: datasets, and models by their ids."""

    datasets: list[Dataset]
    models: list[str]


class Outputs(msgspec.Struct, frozen=True, tag=True):
    """Models that the run has made: ids and steps."""

    models: list[tuple[str, int]]


class ModelCreated(msgspec.Struct, frozen=True, tag=True):
    """A model that the store could not be asked to make.

    Attributes
    ----------
    model : str
        See :mod:`.ids`; its files wait in the folder of this name.
    name, kind : str
    tags, params : dict
    """

    model: str
    name: str
    kind: str | None
    tags: dict[str, str]
    params: dict[str, str]


class ModelChanged(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Params, tags (None deletes one) or the final state of a model."""

    model: str
    params: dict[str, str] = {}
    tags: dict[str, str | None] = {}
    status: str | None = None


Aside = Inputs | Outputs | ModelCreated | ModelChanged
