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
from ..spec import TrainingSpec


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
    """

    samples: dict[Role, Samples]
    baselines: dict[str, Baseline]
    scaler: CubeScaler


def read(data: CubeData) -> Reading:
    """Read the cells of every role; each chunk is decoded once.

    Raises
    ------
    CubeError
        ``all_missing``, ``empty_split``, ``unreadable_chunk``.
    """
    spec = data.spec
    kept = {role: Collector(len(data.features), *_draw_of(spec, role)) for role in ROLES}
    baselines = BaselineFit(data)
    statistics = RowStatistics([*data.features, spec.target])
    for piece in data.pieces(identify=True):
        for role, table in piece.tables.items():
            kept[role].add(table)
        train = piece.tables["train"]
        baselines.add(train)
        statistics.add(train.X, train.y)
    # Judged before anything is fitted: a role without cells has no scale.
    data.warnings()
    samples = {role: collector.samples() for role, collector in kept.items()}
    return Reading(samples, baselines.solve(), statistics.scaler(spec.scale))


def _draw_of(spec: TrainingSpec, role: Role) -> tuple[int | None, int]:
    return (spec.fit.max_samples if role == "train" else None), spec.fit.seed
