"""All that a training reads of its cube, in one pass over the chunks."""

from __future__ import annotations

from dataclasses import dataclass

from ..cubes.scaling.rows import RowStatistics
from ..cubes.scaling.scalers import CubeScaler
from ..cubes.scoring.baseline import Baseline
from ..cubes.scoring.baseline_fit import BaselineFit
from ..cubes.splits.roles import ROLES
from ..cubes.view.data import CubeData
from ..cubes.view.samples import Collector, Samples
from ..models import Role

#: Cells of a role that are scored after every stage of an ensemble and every epoch of a network.
WATCHED_CELLS = 50_000


@dataclass(frozen=True)
class Total:
    """How many cells there are, and the sum of their area weights."""

    cells: int
    weight: float

    def __add__(self, other: Total) -> Total:
        """Return the total of both."""
        return Total(self.cells + other.cells, self.weight + other.weight)

    @property
    def mean_weight(self) -> float:
        """Mean area weight of a cell."""
        return self.weight / self.cells


@dataclass(frozen=True)
class Reading:
    """What was read.

    Attributes
    ----------
    samples : dict
        Samples of each role, ordered by cell; of train at most as many as the spec allows.
    baselines : dict
        Baselines by name, fitted on all train cells.
    scaler : CubeScaler
        Of features and target, fitted on all train cells.
    train : Total
        Of all train cells, however many of them were kept.
    """

    samples: dict[Role, Samples]
    baselines: dict[str, Baseline]
    scaler: CubeScaler
    train: Total


def read(data: CubeData, *, train_at_most: int | None = None) -> Reading:
    """Read the cells of every role; each chunk is decoded once.

    Parameters
    ----------
    data : CubeData
    train_at_most : int, optional
        Keep so many train cells, drawn by the spec's seed; all where not given.

    Raises
    ------
    CubeError
        ``all_missing``, ``empty_split``, ``unreadable_chunk``.
    """
    spec = data.spec
    most: dict[Role, int | None] = {"train": train_at_most}
    kept = {role: Collector(len(data.features), most.get(role), spec.fit.seed) for role in ROLES}
    baselines = BaselineFit(data)
    statistics = RowStatistics([*data.features, spec.target])
    total = Total(0, 0.0)
    for piece in data.pieces(identify=True):
        for role, table in piece.tables.items():
            kept[role].add(table)
        train = piece.tables["train"]
        baselines.add(train)
        statistics.add(train.X, train.y)
        total += Total(len(train), float(train.weight.sum()))
    # Judged before anything is fitted: a role without cells has no scale.
    data.warnings()
    samples = {role: collector.samples() for role, collector in kept.items()}
    return Reading(samples, baselines.solve(), statistics.scaler(spec.scale), total)
