"""Parts of a spec that say which cells train, validate and test."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .part import Part
from .sources import Region

#: Above 2**53 a browser rounds.
Seed = Annotated[int, Meta(title="Seed", ge=0, le=2**53 - 1)]
#: A length of space or time as text.
Size = Annotated[str, Meta(min_length=1, max_length=40)]


class Shares(Part):
    """Shares of the blocks (not of the cells) that each role gets; they add up to one."""

    train: Annotated[float, Meta(title="Train", gt=0, lt=1)] = 0.7
    validation: Annotated[float, Meta(title="Validation", gt=0, lt=1)] = 0.1
    test: Annotated[float, Meta(title="Test", gt=0, lt=1)] = 0.2


class BufferSpec(Part):
    """Distance that is kept free around what is held out: cells within both go unused."""

    space: Annotated[
        Size | None, Meta(title="Buffer in space", description="'500 km', '2 deg'")
    ] = None
    time: Annotated[Size | None, Meta(title="Buffer in time", description="'16D'")] = None


class BlockSplit(Part, tag="block", tag_field="kind"):
    """Whole blocks go to one role; neighbours in space and time stay together.

    ``sizes`` maps a dim to a physical size (``"2.25 deg"``, ``"20 km"``, ``"80D"``)
    or to a number of cells.
    """

    sizes: Annotated[
        dict[str, str | int],
        Meta(title="Block sizes", description="dim: '2.25 deg', '20 km', '80D' or cells"),
    ]
    shares: Annotated[Shares, Meta(title="Shares of blocks")] = msgspec.field(
        default_factory=Shares
    )
    seed: Seed = 42
    buffer: Annotated[BufferSpec | None, Meta(title="Buffer")] = None


class GapSplit(Part, tag="gap", tag_field="kind"):
    """Hold out cells in the shape of real gaps: those that the target has at other dates."""

    shares: Annotated[Shares, Meta(title="Shares of valid cells")] = msgspec.field(
        default_factory=Shares
    )
    seed: Seed = 42


class RegionSplit(Part, tag="region", tag_field="kind"):
    """Hold out named regions or boxes; the rest trains.

    An area is a box, or a region of regionmask by its name (``"srex:AMZ"``).
    """

    test: Annotated[list[Region | str], Meta(title="Test areas", min_length=1)]
    validation: Annotated[list[Region | str], Meta(title="Validation areas", min_length=1)]
    buffer: Annotated[BufferSpec | None, Meta(title="Buffer")] = None


class TimeSplit(Part, tag="time", tag_field="kind"):
    """Train on the past, validate and test on later times."""

    validation_start: Annotated[str, Meta(title="Validation starts", description="ISO date")]
    test_start: Annotated[str, Meta(title="Test starts", description="ISO date")]
    buffer: Annotated[Size | None, Meta(title="Buffer in time", description="'16D'")] = None


class RandomSplit(Part, tag="random", tag_field="kind"):
    """Draw single cells. Neighbours fall to different roles, so the scores flatter."""

    shares: Annotated[Shares, Meta(title="Shares of cells")] = msgspec.field(default_factory=Shares)
    seed: Seed = 42


class CombinedSplit(Part, tag="all", tag_field="kind"):
    """Several splits at once: a cell has a role where all parts agree, else it goes unused."""

    parts: Annotated[
        list[BlockSplit | GapSplit | RegionSplit | TimeSplit | RandomSplit],
        Meta(title="Parts", min_length=2, max_length=3),
    ]


#: Every split that a spec can hold.
SplitSpec = BlockSplit | GapSplit | RegionSplit | TimeSplit | RandomSplit | CombinedSplit
