"""Which metric leads a list, and whether more of it is better."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .tags import PRIMARY_METRIC

#: Prefixes of validation scores, as frameworks and people write them, the clearest first.
_VALIDATION = ("val_", "validation_", "valid_", "eval_", "val/", "validation/", "valid/", "eval/")
_OTHER_ROLES = ("train", "training", "test", "baseline/", "gain/", "system/")

#: Scores from the most to the least telling.
_SCORES = (
    "rmse",
    "root_mean_squared_error",
    "balanced_accuracy",
    "accuracy",
    "accuracy_score",
    "mae",
    "mean_absolute_error",
    "mse",
    "mean_squared_error",
    "loss",
    "f1_macro",
    "f1",
    "f1_score",
    "r2",
    "r2_score",
    "auc",
    "roc_auc",
    "score",
)

#: Words of metrics of which more is better; everything else is an error.
_RISING = ("accuracy", "f1", "r2", "auc", "score", "precision", "recall", "iou", "gain", "skill")


def primary_metric(tags: Mapping[str, str], keys: Iterable[str]) -> str | None:
    """Return the key of the metric that leads: the tag's, else a well-known validation score.

    A score on test or train data is never guessed.

    Parameters
    ----------
    tags : mapping of str to str
        Tags of the run.
    keys : iterable of str
        Metrics that the run has logged.
    """
    tagged = tags.get(PRIMARY_METRIC)
    if tagged:
        return tagged
    by_name = {key.lower(): key for key in sorted(keys, reverse=True)}
    for prefix in (*_VALIDATION, ""):
        for score in _SCORES:
            found = by_name.get(prefix + score)
            if found is not None:
                return found
    for prefix in _VALIDATION:
        for name in sorted(by_name):
            if name.startswith(prefix):
                return by_name[name]
    candidates = [name for name in sorted(by_name) if not name.startswith(_OTHER_ROLES)]
    for score in _SCORES:
        for name in candidates:
            if name.endswith(("_" + score, "/" + score)):
                return by_name[name]
    return None


def rises(key: str) -> bool:
    """Return whether more of the metric `key` is better."""
    name = key.lower()
    return any(word in name for word in _RISING) and "error" not in name
