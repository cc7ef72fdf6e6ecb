"""Read back a rule that was stored as JSON, with a run or with a mask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...errors import SpecError
from .base import Split
from .blocks import BlockSplit
from .combined import CombinedSplit
from .folds import BlockFold
from .gaps import GapSplit
from .random import RandomSplit
from .regions import RegionSplit
from .times import TimeSplit

_KINDS: dict[str, Any] = {
    "block": BlockSplit,
    "fold": BlockFold,
    "gap": GapSplit,
    "region": RegionSplit,
    "time": TimeSplit,
    "random": RandomSplit,
    "all": CombinedSplit,
}


def split_from_dict(rule: Mapping[str, Any]) -> Split:
    """Return the split that ``to_dict`` described.

    Raises
    ------
    SpecError
        ``invalid_rule`` where it is not such a description.
    """
    kind = _KINDS.get(str(rule.get("kind")))
    if kind is None:
        raise SpecError(
            f"'{rule.get('kind')}' is no kind of split.",
            hint=f"Known are {', '.join(_KINDS)}.",
            code="invalid_rule",
            field="split.kind",
        )
    try:
        found: Split = kind.from_dict(rule)
    except (KeyError, TypeError, AttributeError) as error:
        raise SpecError(
            f"This is no stored {rule['kind']} split: {type(error).__name__} {error}.",
            hint="Store it with to_json().",
            code="invalid_rule",
            field="split",
        ) from error
    return found


def split_from_json(text: str) -> Split:
    """Return the split that ``to_json`` described.

    Raises
    ------
    SpecError
        ``invalid_rule``.
    """
    try:
        rule = json.loads(text)
    except ValueError:
        rule = None
    if not isinstance(rule, dict):
        raise SpecError("This is no stored split.", code="invalid_rule", field="split")
    return split_from_dict(rule)
