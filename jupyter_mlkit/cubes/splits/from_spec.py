"""The one door from a spec to the rule that it describes."""

from __future__ import annotations

from ... import spec as specs
from .base import Split
from .blocks import BlockSplit
from .buffer import Buffer
from .combined import CombinedSplit
from .gaps import GapSplit
from .random import RandomSplit
from .regions import RegionSplit
from .times import TimeSplit


def split_from_spec(
    split: specs.SplitSpec, *, target: str | None = None, lead: str | None = None
) -> Split:
    """Make the rule that a spec describes.

    Parameters
    ----------
    split : spec of a split
    target : str, optional
        The target of the training, whose gaps a split by gaps holds out.
    lead : str, optional
        Lead time of the training: with a split by time, no train target is later than the start
        of what is held out minus lead.

    Raises
    ------
    SpecError
        A size, a date or a region cannot be read; ``field`` says which.
    """
    match split:
        case specs.BlockSplit():
            shares, buffer = _shares(split.shares), _buffer(split.buffer)
            return BlockSplit(split.sizes, shares, split.seed, buffer)
        case specs.GapSplit():
            return GapSplit(_shares(split.shares), split.seed, target)
        case specs.RegionSplit():
            return RegionSplit(split.test, split.validation, _buffer(split.buffer))
        case specs.TimeSplit():
            return TimeSplit(split.validation_start, split.test_start, split.buffer, lead)
        case specs.RandomSplit():
            return RandomSplit(_shares(split.shares), split.seed)
        case specs.CombinedSplit():
            return CombinedSplit(
                [split_from_spec(part, target=target, lead=lead) for part in split.parts]
            )


def _shares(shares: specs.Shares) -> tuple[float, float, float]:
    return (shares.train, shares.validation, shares.test)


def _buffer(buffer: specs.BufferSpec | None) -> Buffer | None:
    return None if buffer is None else Buffer(buffer.space, buffer.time)
