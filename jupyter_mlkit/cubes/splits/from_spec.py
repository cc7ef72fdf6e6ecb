"""The one door from a spec to the rule that it describes."""

from __future__ import annotations

from ... import spec as specs
from .base import Split
from .blocks import BlockSplit
from .combined import CombinedSplit
from .times import TimeSplit


def split_from_spec(split: specs.SplitSpec) -> Split:
    """Make the rule that a spec describes.

    Raises
    ------
    SpecError
        A size or a date cannot be read; ``field`` says which.
    """
    match split:
        case specs.BlockSplit(sizes=sizes, shares=shares, seed=seed):
            return BlockSplit(sizes, _shares(shares), seed)
        case specs.TimeSplit():
            return TimeSplit(split.validation_start, split.test_start, split.buffer)
        case specs.CombinedSplit(parts=parts):
            return CombinedSplit([split_from_spec(part) for part in parts])
    raise NotImplementedError(f"{type(split).__name__} is not there yet.")


def _shares(shares: specs.Shares) -> tuple[float, float, float]:
    return (shares.train, shares.validation, shares.test)
