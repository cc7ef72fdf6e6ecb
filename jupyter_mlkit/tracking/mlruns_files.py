"""What lies in a file store of MLflow's, by the folders and files it is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

META = "meta.yaml"
_TRASH = ".trash"
#: Folders of an experiment that are no runs.
_RESERVED = frozenset({"tags", "datasets", "traces", "models", _TRASH})


def experiments_in(folder: Path) -> Iterator[Path]:
    """Yield the folders of experiments, with those in the trash."""
    for place in (folder, folder / _TRASH):
        if place.is_dir():
            yield from (
                one for one in place.iterdir() if one.name.isdecimal() and (one / META).is_file()
            )


def runs_in(experiment: Path) -> Iterator[Path]:
    """Yield the folders of an experiment's runs."""
    for one in experiment.iterdir():
        if one.name not in _RESERVED and (one / META).is_file():
            yield one


def metrics_in(folder: Path) -> Iterator[Path]:
    """Yield the files of metrics of runs."""
    for run in chain.from_iterable(runs_in(one) for one in experiments_in(folder)):
        yield from _files(run / "metrics")


def model_metrics_in(folder: Path) -> Iterator[Path]:
    """Yield the files of metrics of logged models."""
    for experiment in experiments_in(folder):
        for model in _folders(experiment / "models"):
            yield from _files(model / "metrics")


def rows_in(folder: Path) -> Counter[str]:
    """Return how many rows of which table of a database would hold what is there."""
    rows: Counter[str] = Counter()
    for experiment in experiments_in(folder):
        rows["experiments"] += 1
        rows["experiment_tags"] += _count(_files(experiment / "tags"))
        rows["datasets"] += _count(_folders(experiment / "datasets"))
        rows["trace_info"] += _count(
            one for one in _folders(experiment / "traces") if (one / "trace_info.yaml").is_file()
        )
        for run in runs_in(experiment):
            rows["runs"] += 1
            rows["metrics"] += sum(map(_lines, _files(run / "metrics")))
            rows["params"] += _count(_files(run / "params"))
            rows["tags"] += _count(_files(run / "tags"))
        for model in _folders(experiment / "models"):
            rows["logged_models"] += 1
            rows["logged_model_metrics"] += sum(map(_lines, _files(model / "metrics")))
            rows["logged_model_params"] += _count(_files(model / "params"))
            rows["logged_model_tags"] += _count(_files(model / "tags"))
    for model in _folders(folder / "models"):
        rows["registered_models"] += 1
        rows["registered_model_tags"] += _count(_files(model / "tags"))
        for version in _folders(model):
            if version.name.startswith("version-"):
                rows["model_versions"] += 1
                rows["model_version_tags"] += _count(_files(version / "tags"))
    return rows


def _folders(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (one for one in folder.iterdir() if one.is_dir())


def _files(folder: Path) -> Iterator[Path]:
    yield from (one for one in folder.rglob("*") if one.is_file())


def _lines(file: Path) -> int:
    return len(file.read_bytes().splitlines())


def _count(found: Iterator[Path]) -> int:
    return sum(1 for _ in found)
