"""A split in a line, as a param of the run shows it."""

from __future__ import annotations

from ..spec import (
    BlockSplit,
    BufferSpec,
    CombinedSplit,
    GapSplit,
    RandomSplit,
    Region,
    RegionSplit,
    Shares,
    SplitSpec,
    TimeSplit,
)


def split_text(split: SplitSpec) -> str:
    """Return the split in a line: ``block lat=20 deg lon=20 deg shares=0.7/0.1/0.2 seed=42``."""
    match split:
        case BlockSplit():
            sizes = " ".join(f"{dim}={size}" for dim, size in split.sizes.items())
            drawn = f"shares={_shares(split.shares)} seed={split.seed}"
            return f"block {sizes} {drawn}{_buffer(split.buffer)}"
        case GapSplit():
            return f"gap shares={_shares(split.shares)} seed={split.seed}"
        case RandomSplit():
            return f"random shares={_shares(split.shares)} seed={split.seed}"
        case RegionSplit():
            return (
                f"region validation={_areas(split.validation)} test={_areas(split.test)}"
                f"{_buffer(split.buffer)}"
            )
        case TimeSplit():
            free = f" buffer={split.buffer}" if split.buffer else ""
            return f"time validation={split.validation_start} test={split.test_start}{free}"
        case CombinedSplit():
            return " & ".join(split_text(part) for part in split.parts)


def _shares(shares: Shares) -> str:
    return f"{shares.train:g}/{shares.validation:g}/{shares.test:g}"


def _buffer(buffer: BufferSpec | None) -> str:
    if buffer is None:
        return ""
    return " buffer=" + "+".join(size for size in (buffer.space, buffer.time) if size)


def _areas(areas: list[Region | str]) -> str:
    return ",".join(area if isinstance(area, str) else _box(area) for area in areas)


def _box(box: Region) -> str:
    return f"{box.west:g}/{box.south:g}/{box.east:g}/{box.north:g}"
