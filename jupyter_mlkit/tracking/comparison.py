"""Runs side by side, and whether their scores may be compared at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from jupyter_mlkit.cubes.scoring.comparable import compare_evaluations
from jupyter_mlkit.errors import InvalidInputError
from jupyter_mlkit.models import Comparison, Difference, Evaluation, Run

from . import tags as names

Verdict = Literal["comparable", "not_comparable", "unknown"]
Group = Literal["data", "params", "metrics", "tags"]

#: Said where the metrics ``test_*`` of the runs do not belong side by side.
TEST_DIFFERS = "test scores were taken on different cells"
#: Most runs in one comparison.
MOST_RUNS = 200
#: Most rows of one group.
MOST_ROWS = 500

#: Params that say which data were used and how, and stand with the data.
_DATA_PARAMS = (
    names.PARAM_CUBE,
    names.PARAM_TARGET,
    names.PARAM_FEATURES,
    names.PARAM_LEAD,
    names.PARAM_PREPARE,
    names.PARAM_USE,
    names.PARAM_SPLIT,
    names.PARAM_SCALE,
)
_DATA_TAGS = {
    "cube address": names.CUBE_URI,
    "cube fingerprint": names.CUBE_FINGERPRINT,
    "first time": names.CUBE_BEGIN,
    "last time": names.CUBE_END,
    "split hash": names.SPLIT_HASH,
    "units": names.UNITS,
}
#: Tags that another line of the table says better.
_TOLD = frozenset(
    {
        *_DATA_TAGS.values(),
        names.CUBE_YEARS,
        names.TARGET,
        names.EVALUATION,
        names.EVALUATION_HASH,
        names.EVALUATION_TEST,
        names.EVALUATION_TEST_HASH,
        names.JOB_ID,
    }
)

#: How a difference of evaluations is told; cells and truth have sentences of their own.
_WORDS: dict[str, tuple[str, Callable[[Evaluation], str]]] = {
    "target": ("different targets", lambda e: e.target),
    "units": ("different target units", lambda e: e.units or "none"),
    "role": ("scored on different roles", lambda e: e.role),
    "lead time": ("different lead times", lambda e: e.lead_time or "none"),
    "weights": ("different weights of the cells", lambda e: e.weights),
    "aggregation": ("scores put together in different ways", lambda e: e.aggregation),
}


def compare(runs: Sequence[Run]) -> Comparison:
    """Return `runs` side by side with a verdict and what differs, in words.

    Two runs are comparable if and only if their evaluation hashes are equal: same target and
    units, same true values, same cells, same weights and aggregation. Features, scaling and
    model differ as they like. Runs that we did not make do not say what they were scored on.

    Raises
    ------
    InvalidInputError
        For fewer than two or more than 200 runs.
    """
    if not 2 <= len(runs) <= MOST_RUNS:
        raise InvalidInputError(
            f"Choose 2 to {MOST_RUNS} runs to compare, not {len(runs)}.", field="run_id"
        )
    verdict, reasons = judge(runs)
    return Comparison(
        runs=list(runs), verdict=verdict, reasons=reasons, differences=differences(runs)
    )


def judge(runs: Sequence[Run]) -> tuple[Verdict, list[str]]:
    """Return whether the scores of `runs` may be compared, and why not.

    The verdict is that of validation, by which runs are chosen. Runs that are comparable may
    have been tested on different cells: then a reason says so.
    """
    verdict, reasons = _judge_validation(runs)
    tested = {run.tags.get(names.EVALUATION_TEST_HASH) for run in runs}
    return verdict, reasons + ([TEST_DIFFERS] if len(tested - {None}) > 1 else [])


def _judge_validation(runs: Sequence[Run]) -> tuple[Verdict, list[str]]:
    known = [run.evaluation for run in runs if run.evaluation is not None]
    reasons = _what_differs(known) if known else []
    silent = [run.run_name for run in runs if run.evaluation is None]
    if silent:
        listed = ", ".join(silent[:5]) + (", …" if len(silent) > 5 else "")
        reasons.append(
            f"not known what {listed} was scored on"
            if len(silent) == 1
            else f"not known what these were scored on: {listed}"
        )
    if len({evaluation.hash for evaluation in known}) > 1:
        return "not_comparable", reasons
    return ("unknown", reasons) if silent else ("comparable", [])


def _what_differs(evaluations: list[Evaluation]) -> list[str]:
    verdicts = [compare_evaluations(evaluations[0], other) for other in evaluations[1:]]
    parts = list(dict.fromkeys(part for verdict in verdicts for part in verdict.differs))
    reasons = [_in_words(part, evaluations) for part in parts]
    if any(verdict.common_cells for verdict in verdicts):
        reasons.append("they can be scored again on the cells that they have in common")
    return reasons


def _in_words(part: str, evaluations: list[Evaluation]) -> str:
    if part == "cells":
        counts = list(dict.fromkeys(f"{e.n_cells:,}" for e in evaluations))
        seen = f": {' / '.join(counts)} cells" if len(counts) > 1 else f" ({counts[0]} each)"
        return f"scored on different cells{seen}"
    if part == "truth":
        return "different true values in the same cells: the target was changed"
    words, value = _WORDS[part]
    values = list(dict.fromkeys(value(e) for e in evaluations))
    return f"{words}: {' / '.join(values)}" if len(values) > 1 else words


def differences(runs: Sequence[Run]) -> list[Difference]:
    """Return every line of the table: data, params, metrics, tags; in each, what differs first."""
    return [
        *_rows("data", [_data(run) for run in runs]),
        *_rows("params", [_params(run) for run in runs]),
        *_rows("metrics", [_metrics(run) for run in runs]),
        *_rows("tags", [_tags(run) for run in runs]),
    ]


def _rows(group: Group, columns: list[dict[str, str]]) -> list[Difference]:
    keys = dict.fromkeys(key for column in columns for key in column)
    rows = []
    for key in keys:
        values = [column.get(key) for column in columns]
        rows.append(Difference(group, key, values, differs=len(set(values)) > 1))
    rows.sort(key=lambda row: (not row.differs, row.key))
    return rows[:MOST_ROWS]


def _data(run: Run) -> dict[str, str]:
    found = {key: run.params[key] for key in _DATA_PARAMS if key in run.params}
    found |= {words: run.tags[tag] for words, tag in _DATA_TAGS.items() if tag in run.tags}
    if run.evaluation is not None:
        found["scored cells"] = str(run.evaluation.n_cells)
    for dataset in run.datasets:
        key = f"dataset ({dataset.context})" if dataset.context else "dataset"
        text = f"{dataset.name} ({dataset.digest})"
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _params(run: Run) -> dict[str, str]:
    return {key: value for key, value in run.params.items() if key not in _DATA_PARAMS}


def _metrics(run: Run) -> dict[str, str]:
    return {metric.key: str(metric.value) for metric in run.metrics}


def _tags(run: Run) -> dict[str, str]:
    return {key: value for key, value in run.tags.items() if key not in _TOLD}
