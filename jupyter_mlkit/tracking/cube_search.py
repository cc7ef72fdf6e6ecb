"""Runs on one cube and of one period: what the store can tell of it, and what is seen then."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_mlkit.errors import InvalidInputError

from .cube_tags import moment
from .redact import redact
from .tags import CUBE_BEGIN, CUBE_END, CUBE_URI, CUBE_YEARS

#: MLflow's limit on a digest; see `cube_dataset`.
_DIGEST_LENGTH = 36
_IS_DIGEST = re.compile(r"((stored|snapshot|value|metadata|unknown):)?[0-9a-f]{16,}")
#: These may mean something in MLflow's filters, or in the patterns of one of the databases.
_UNSAFE = re.compile(r"[^A-Za-z0-9/:.-]")
#: Digits of a fingerprint that tell it from others.
_LEAST = 16
_DATE = re.compile(
    r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3])(:[0-5]\d){0,2})?)?)?",
    re.ASCII,
)
_PERIOD_EXAMPLE = "For example: 2011, 2010-01/2012-06 or 2010-01-15/2010-02-01; both ends count."


@dataclass(frozen=True)
class CubeSearch:
    """Which cube, which period.

    Attributes
    ----------
    conditions : list of str
        In MLflow's filter syntax: true for every run that is looked for, and for few others.
    uri : str or None
        Address of the cube.
    digest : str or None
        Its fingerprint, without its kind.
    period : tuple of str or None
        Begin and end.
    """

    conditions: list[str]
    uri: str | None = None
    digest: str | None = None
    period: tuple[str, str] | None = None

    @classmethod
    def of(cls, cube: str | None, period: str | None) -> CubeSearch | None:
        """Return the search for what was asked; None where nothing was.

        Parameters
        ----------
        cube : str, optional
            Fingerprint (with or without its kind, also shortened as MLflow has it) or URI.
        period : str, optional
            ``2010-01/2012-06``; one date alone is begin and end.

        Raises
        ------
        InvalidInputError
            ``invalid_period``.
        """
        if not cube and not period:
            return None
        conditions: list[str] = []
        uri = digest = span = None
        if cube and _IS_DIGEST.fullmatch(cube):
            digest = cube.rpartition(":")[2]
            conditions.append(_digest_condition(cube))
        elif cube:
            uri = redact(cube)
            conditions.append(f"tags.`{CUBE_URI}` LIKE '{_UNSAFE.sub('_', uri)}'")
        if period:
            span = _span(period)
            conditions.append(_years_condition(span[0][:4], span[1][:4]))
        return cls(conditions, uri, digest, span)

    def finds(self, run: Any) -> bool:
        """Return whether a run that meets the conditions is one that is looked for.

        Parameters
        ----------
        run : mlflow.entities.Run
        """
        tags: Mapping[str, str] = run.data.tags
        if self.uri is not None and tags.get(CUBE_URI) != self.uri:
            return False
        if self.digest is not None and not self._has_digest(run):
            return False
        return self.period is None or overlap(
            (tags.get(CUBE_BEGIN, ""), tags.get(CUBE_END, "")), self.period
        )

    def _has_digest(self, run: Any) -> bool:
        inputs = run.inputs.dataset_inputs if run.inputs is not None else []
        known = [one.dataset.digest.rpartition(":")[2] for one in inputs]
        wanted = str(self.digest)
        return any(
            # MLflow keeps the beginning.
            len(one) >= _LEAST and (wanted.startswith(one) or one.startswith(wanted))
            for one in known
        )


def overlap(data: tuple[str, str], wanted: tuple[str, str]) -> bool:
    """Return whether data from a first to a last time have a part in a period.

    Parameters
    ----------
    data : tuple of str
        First and last time.
    wanted : tuple of str
        Begin and end, to any unit: ``2012-06`` ends with June.
    """
    first, last, begin = moment(data[0]), moment(data[1]), moment(wanted[0])
    if first is None or last is None or begin is None or last < begin:
        return False
    if first[0] < 0:
        return True
    return f"{first[0]:04d}{first[1]}"[: len(wanted[1])] <= wanted[1] and first[0] <= 9999


def _digest_condition(cube: str) -> str:
    kind, _, digits = cube.rpartition(":")
    if kind and len(cube) >= _DIGEST_LENGTH:
        return f"datasets.digest = '{cube[:_DIGEST_LENGTH]}'"
    return f"datasets.digest LIKE '{kind or '%'}:{digits[:_LEAST]}%'"


def _years_condition(first: str, last: str) -> str:
    # MLflow's filters know no OR: what all years from the first to the last begin with.
    alike = next(first[:n] for n in range(4, -1, -1) if last.startswith(first[:n]))
    end = " %" if alike == last else "%"
    return f"tags.`{CUBE_YEARS}` LIKE '% {alike}{end}'"


def _span(period: str) -> tuple[str, str]:
    begin, slash, end = period.strip().partition("/")
    begin, end = begin.strip(), end.strip() if slash else begin.strip()
    for one in (begin, end):
        if _DATE.fullmatch(one) is None:
            raise _invalid(f"{one[:40]!r} is no date.")
    if end < begin[: len(end)]:
        raise _invalid(f"The period ends ({end}) before it begins ({begin}).")
    return begin, end


def _invalid(message: str) -> InvalidInputError:
    return InvalidInputError(message, code="invalid_period", field="period", hint=_PERIOD_EXAMPLE)
