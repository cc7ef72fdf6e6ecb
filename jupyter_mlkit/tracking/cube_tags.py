"""Tags by which the runs on a cube and a period are found, from what is logged of its datasets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .tags import CUBE_BEGIN, CUBE_END, CUBE_URI, CUBE_YEARS

#: The latest; a tag has room for 8,000 characters.
_MOST_YEARS = 1500
_MOMENT = re.compile(r"(-?\d{1,9})((?:-\d\d){0,2}(?:T[\d:.]+)?)Z?", re.ASCII)
_FULL = "-01-01T00:00:00"


def moment(text: str) -> tuple[int, str] | None:
    """Return a date or time as something that can be ordered; None where it is neither.

    A calendar's own: 30 February is one where all months have 30 days.
    """
    found = _MOMENT.fullmatch(text)
    return None if found is None else (int(found[1]), found[2] + _FULL[len(found[2]) :])


def period_tags(begin: str, end: str, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the tags that say which period a run has data of.

    Parameters
    ----------
    begin, end : str
        First and last time, as :func:`.cube_extent.cube_extent` tells them.
    known : mapping, optional
        Tags of the run; of several cubes the tags tell the first begin, the last end and the
        years of each.
    """
    known = known or {}
    first, last = moment(begin), moment(end)
    if first is None or last is None:
        return {}
    years = {*known.get(CUBE_YEARS, "").split()}
    # The years of MLflow's filters have four digits.
    low, high = max(first[0], 0), min(last[0], 9999)
    years |= {f"{year:04d}" for year in range(max(low, high - _MOST_YEARS + 1), high + 1)}
    begun, ended = moment(known.get(CUBE_BEGIN, "")), moment(known.get(CUBE_END, ""))
    return {
        CUBE_BEGIN: known[CUBE_BEGIN] if begun is not None and begun < first else begin,
        CUBE_END: known[CUBE_END] if ended is not None and ended > last else end,
        CUBE_YEARS: f" {' '.join(sorted(years)[-_MOST_YEARS:])} ",
    }


def cube_tags(datasets: Iterable[Any], known: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that a run gets with its cubes.

    Parameters
    ----------
    datasets : iterable of mlflow.entities.Dataset
        Those that are no cubes say nothing.
    known : mapping
        Tags of the run; the address of its first cube stays.
    """
    found: dict[str, str] = {}
    for one in datasets:
        if one.source_type != "cube":
            continue
        uri = _parsed(one.source).get("uri")
        if isinstance(uri, str) and CUBE_URI not in {**known, **found}:
            found[CUBE_URI] = uri
        cube = _parsed(one.schema).get("cube")
        period = cube.get("period") if isinstance(cube, dict) else None
        if isinstance(period, list) and [type(end) for end in period] == [str, str]:
            found |= period_tags(period[0], period[1], {**known, **found})
    return found


def split_of(datasets: Iterable[Any]) -> dict[str, Any] | None:
    """Return hash and rule of the split that the first dataset with one tells."""
    for one in datasets:
        split = _parsed(one.profile).get("split") if one.source_type == "cube" else None
        if isinstance(split, dict) and isinstance(split.get("hash"), str):
            return split
    return None


def _parsed(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
