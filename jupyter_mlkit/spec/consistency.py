"""What the fields of a spec must be to each other."""

from __future__ import annotations

from datetime import UTC, datetime

from ..errors import SpecError
from .sources import Region
from .splits import (
    BlockSplit,
    CombinedSplit,
    GapSplit,
    RandomSplit,
    RegionSplit,
    Shares,
    SplitSpec,
    TimeSplit,
)
from .training import TrackingSpec, TrainingSpec

#: Prefixes of tags that mean something to MLflow and to us.
_RESERVED_TAGS = ("mlflow.", "mlkit.")


def check_consistency(spec: TrainingSpec) -> None:
    """Check what types cannot say.

    Raises
    ------
    SpecError
        ``field`` names the part that is wrong.
    """
    if spec.target in spec.features:
        raise SpecError(
            f"'{spec.target}' is the target and a feature: the model would copy it.",
            hint="Take it out of the features.",
            field="features",
        )
    if len(set(spec.features)) != len(spec.features):
        raise SpecError("A feature is named twice.", hint="Name it once.", field="features")
    _check_split(spec.split, "split")
    if spec.period:
        _check_order(("period.start", spec.period.start), ("period.end", spec.period.end))
    if spec.region:
        _check_region(spec.region, "region")
    _check_tracking(spec.tracking)


def _check_split(split: SplitSpec, field: str) -> None:
    if isinstance(split, CombinedSplit):
        for i, part in enumerate(split.parts):
            _check_split(part, f"{field}.parts.{i}")
        return
    if isinstance(split, BlockSplit | GapSplit | RandomSplit):
        _check_shares(split.shares, f"{field}.shares")
    if isinstance(split, BlockSplit) and not split.sizes:
        raise SpecError(
            "A block split needs the size of at least one dim.",
            hint="For example lat: 10 deg, lon: 10 deg.",
            field=f"{field}.sizes",
        )
    if isinstance(split, TimeSplit):
        _check_order(
            (f"{field}.validation_start", split.validation_start),
            (f"{field}.test_start", split.test_start),
        )
    if isinstance(split, RegionSplit):
        for role in ("test", "validation"):
            for i, area in enumerate(getattr(split, role)):
                if isinstance(area, Region):
                    _check_region(area, f"{field}.{role}.{i}")


def _check_shares(shares: Shares, field: str) -> None:
    total = shares.train + shares.validation + shares.test
    if abs(total - 1) > 1e-9:
        raise SpecError(
            f"The shares add up to {total:g}, not to 1.",
            hint="Usual shares are 0.7, 0.1 and 0.2.",
            field=field,
        )


def _check_region(region: Region, field: str) -> None:
    if region.south >= region.north:
        raise SpecError(
            "The region's south is not south of its north.",
            hint="Exchange the two.",
            field=f"{field}.south",
        )


def _check_order(first: tuple[str, str], second: tuple[str, str]) -> None:
    """Check two dates and that the second is later."""
    (first_field, first_text), (second_field, second_text) = first, second
    if _date(second_text, second_field) <= _date(first_text, first_field):
        raise SpecError(
            f"{second_text} is not after {first_text}.",
            hint=f"Put {second_field} after {first_field}.",
            field=second_field,
        )


def _date(text: str, field: str) -> datetime:
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise SpecError(
            f"'{text}' is not a date.",
            hint="Write it as 2002-05-21, or 2002-05-21T12:00.",
            field=field,
        ) from None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _check_tracking(tracking: TrackingSpec) -> None:
    if not tracking.experiment.strip():
        raise SpecError(
            "The experiment has no name.",
            hint="Name it, or leave it out for 'Default'.",
            field="tracking.experiment",
        )
    for key in tracking.tags:
        if not key.strip() or len(key) > 250:
            raise SpecError(
                "A tag needs a name of at most 250 characters.",
                hint="Name it or remove it.",
                field="tracking.tags",
            )
        if key.startswith(_RESERVED_TAGS):
            raise SpecError(
                f"The tag '{key}' is set by the kit itself.",
                hint="Choose a name that begins with neither 'mlflow.' nor 'mlkit.'.",
                field="tracking.tags",
            )
