"""The one door from a spec to the rule that it describes."""

from __future__ import annotations

from ... import spec as specs
from .base import Split
from .blocks import BlockSplit
from .buffer import Buffer
from .combined import CombinedSplit
from .random import RandomSplit
from .regions import RegionSplit
from .times import TimeSplit


def split_from_spec(split: specs.SplitSpec) -> Split:
    """Make the rule that a spec describes.

    Raises
    ------
    SpecError
        A size or a date cannot be read; ``field`` says which.
    """
    match split:
        case specs.BlockSplit():
            return BlockSplit(split.sizes, _shares(split.shares), split.seed, _buffer(split.buffer))
        case specs.TimeSplit():
            return TimeSplit(split.validation_start, split.test_start, split.buffer)
        case specs.CombinedSplit(parts=parts):
            return CombinedSplit([split_from_spec(part) for part in parts])
        case specs.RandomSplit():
            return RandomSplit(_shares(split.shares), split.seed)
        case specs.RegionSplit():
            return RegionSplit(split.test, split.validation, _buffer(split.buffer))
    raise NotImplementedError(f"{type(split).__name__} is not there yet.")


def _shares(shares: specs.Shares) -> tuple[float, float, float]:
    return (shares.train, shares.validation, shares.test)


def _buffer(buffer: specs.BufferSpec | None) -> Buffer | None:
    return None if buffer is None else Buffer(buffer.space, buffer.time)
