"""Draw training samples from a cube: cells, patches or windows, every chunk decoded once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from ...errors import CubeError
from ...models import Role
from ..splits.base import Split
from ..splits.roles import ROLES
from .arguments import flag, whole, wrong
from .balance import Balance
from .batch import Batch, Layout
from .checks import Inputs, checked, empty_role
from .cutting import Cutter
from .engine import kernels
from .exchange import Exchange
from .missing import Filler
from .mixing import USUAL, Piece, pieces
from .order import Plan
from .parts import Part
from .places import Places
from .recipe import DropNan, FillNan, OverGaps, Straddle
from .sample_boxes import SampleBoxes
from .stacks import Stacked, Stacking, StackStream, boxes_after
from .steps import TimeGaps
from .stream import Cuts, Stream, counts_by_role, find_start, places_from
from .survey import Survey, look_at, summed
from .workspace import Ingredient

T = TypeVar("T")
#: Decoded bytes of samples that are open for mixing, by default.
BUFFER_BYTES = 256 * 2**20
#: Share of it up to which boxes are read further ahead, with two more that are worked on.
_SHARE_HELD, _WORKED_ON = 0.6, 2


@dataclass(frozen=True)
class Position:
    """Where in the training a sampler is.

    Attributes
    ----------
    epoch, batch : int
        Batches of that epoch that were given.
    """

    epoch: int
    batch: int


class Sampler:
    """Samples of a cube in batches, shuffled near the speed of decoding.

    Iterating gives the :class:`~.batch.Batch` es of one epoch: every sample of the wanted
    roles exactly once, each chunk decoded once, in an order that follows from `seed` and the
    epoch alone. The target is tiled completely: windows at the far edges reach past the cube,
    and ``Batch.valid`` says which of their cells count. The role of a sample is that of its
    target cells; where they are mixed it is a sample of each of these roles, in which only
    that role's cells count.

    Parameters
    ----------
    ds : xarray.Dataset
    features : sequence of str
        Variables or coordinates; they may lack some dims of the target.
    target : str, optional
        Without one there is no ``y``, and samples lie on the dims of the widest feature.
    split : Split, optional
        Which cell has which role; without one all train.
    roles : sequence of {"train", "validation", "test"}
        Several are given in one epoch, each batch of one role.
    mask : str or xarray.DataArray, optional
        Targets count where it is neither zero nor missing.
    input_dims : mapping, optional
        Cells of a window by dim, as X has them. Without it samples are single cells.
    input_overlap : mapping, optional
        Cells by dim that neighbouring windows share; none where not given.
    stride : mapping, optional
        Cells by dim from one window to the next, instead of `input_overlap`.
    lags : sequence of int or mapping, optional
        Steps back in time at which features are taken, ``[0, 1, 2]``, or for each feature;
        columns are named ``"a"``, ``"a[t-1]"``, as ``Sampler.names`` says.
    lead : int, optional
        Steps in time from features without lag to the target.
    time_gaps : {"skip", "join"}
        What becomes of samples that reach across a gap in time, in which the steps that lags,
        a lead and windows count are missing: they are left out, ``Sampler.gaps`` says how
        many; or steps are counted whatever lies between them.
    batch_size : int, optional
        Samples per batch, 1024 where not given; the last of each role may be smaller.
    batch_dims : mapping, optional
        Cells of a batch by dim, instead of `batch_size`: a batch then is all samples that lie
        in one box of the cube, in the order of their cells. As in xbatcher it has one window
        along dims of the window that are not named, and the whole of all other dims.
    shuffle : bool
        If not, samples come box by box in the order of the cube.
    seed : int
    buffer_bytes : int
        Memory for samples that are mixed. Four chunks are open even where they need more.
    straddle : {"mask", "drop"}
        Windows whose target cells have several roles: count each role's own cells, or leave
        them out.
    strict : bool
        Leave out samples that touch a cell of another role, inputs included.
    drop_nan : {"auto", "if_all_nan", "masked"}, optional
        Which samples with missing inputs are left out: any, those that miss all, windows that
        miss some inside the mask. Windows of validation and test are left out only where they
        miss all: what is scored does not depend on this.
    fill_nan : {"mean", "sample_mean", "noise", "constant"}, optional
        What missing inputs that are not left out become: the mean of the train samples, that
        of the sample, uniform noise between the extremes of the train samples, `constant`.
        Without it they stay NaN, and inputs past the far edge are 0.
    constant : float
    min_valid : float
        Share of a window's target cells that count, below which it is not trained on.
    balance : bool or mapping
        Leave out train samples of frequent classes of the target: as many as the rarest class
        has, or the share to keep by class.

    Raises
    ------
    CubeError
        ``unknown_variable``, ``not_numeric``, ``unsupported_grid``, ``other_grid`` (of a mask);
        while iterating ``unreadable_chunk`` and ``empty_role``.
        ``time_gaps`` and ``unsorted_coordinates``, where no sample has regular steps in time.
    InvalidInputError
        ``wrong_type``, ``negative_lag``, ``negative_lead``.
    SpecError
        ``window_too_large``, ``invalid_window``, and what :meth:`Split.resolve` raises.

    Notes
    -----
    Boxes of chunks are read in a drawn order by threads, which cut and deal the samples;
    several boxes, at least 8 where the buffer has room, are open at once, and each batch takes
    from all of them. Windows that reach across chunks are cut where their last cell comes in;
    what they need of earlier chunks is kept until then.

    Examples
    --------
    >>> for batch in Sampler(ds, ["t2m"], "lst", split=split, batch_size=4096):
    ...     model.partial_fit(batch.X, batch.y)
    """

    def __init__(
        self,
        ds: xr.Dataset,
        features: Sequence[str],
        target: str | None = None,
        *,
        split: Split | None = None,
        roles: Sequence[Role] = ("train",),
        mask: str | xr.DataArray | None = None,
        input_dims: Mapping[str, int] | None = None,
        input_overlap: Mapping[str, int] | None = None,
        stride: Mapping[str, int] | None = None,
        lags: Sequence[int] | Mapping[str, int | Sequence[int]] | None = None,
        lead: int | None = None,
        time_gaps: OverGaps = "skip",
        batch_size: int | None = None,
        batch_dims: Mapping[str, int] | None = None,
        shuffle: bool = True,
        seed: int = 0,
        buffer_bytes: int = BUFFER_BYTES,
        straddle: Straddle = "mask",
        strict: bool = False,
        drop_nan: DropNan | None = "auto",
        fill_nan: FillNan | None = None,
        constant: float = 0.0,
        min_valid: float = 0.0,
        balance: bool | Mapping[float, float] = False,
    ) -> None:
        found = checked(
            Inputs(
                ds, features, target, split, roles, mask, input_dims, input_overlap, stride, lags,
                lead, time_gaps, batch_dims, batch_size, shuffle, buffer_bytes, straddle, strict,
                drop_nan, fill_nan, constant, min_valid, balance, seed,
            )
        )  # fmt: skip
        self.ds, self.recipe = found.ds, found.recipe
        #: What is left out because it would reach across a gap in time; None where nothing is.
        self.gaps: TimeGaps | None = found.gaps
        self.batch_size = found.batch_size
        self.shuffle = shuffle
        self.seed = int(seed)
        self.buffer_bytes = buffer_bytes
        self.epoch = 0
        self.split = None if split is None else split.resolve(self.ds)
        self._fill: FillNan | None = fill_nan
        self._constant = constant
        self._balanced = balance
        self._rank, self._world = 0, 1
        self._even = False
        self._start = self._position = Position(0, 0)
        self._survey: Survey | None = None
        self._batch_counts: dict[int, tuple[int, ...]] | None = None
        self.layout = Layout(
            ds=self.ds,
            dims=self.recipe.dims,
            sizes=tuple(int(self.ds.sizes[dim]) for dim in self.recipe.dims),
            window=self.recipe.window,
            names=found.names,
            places=Places(self.ds, self.recipe.dims, self.split),
        )
        self._boxes = SampleBoxes(found, self.layout.places, buffer_bytes=buffer_bytes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of X."""
        return self.layout.names

    @property
    def dims(self) -> tuple[str, ...]:
        """Dims of the cube, in the order of ``Batch.origin``."""
        return self.recipe.dims

    @property
    def roles(self) -> tuple[Role, ...]:
        """Roles whose samples are given."""
        return tuple(ROLES[code] for code in self.recipe.roles)

    def __repr__(self) -> str:
        """Tell what samples are, and what gaps in time leave out."""
        window = ", ".join(f"{dim}: {size}" for dim, size in self.recipe.window.items())
        what = f"windows ({window})" if window else "cells"
        gaps = f"; {self.gaps}" if self.gaps is not None else ""
        return f"<Sampler of {what}, {', '.join(self.roles)}: {', '.join(self.names)}{gaps}>"

    @property
    def position(self) -> Position:
        """How far the latest iteration came."""
        return self._position

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration: each has an order of its own."""
        self.epoch = whole("epoch", epoch, 0)
        self._start = Position(self.epoch, 0)

    def resume(self, position: Position) -> Sampler:
        """Return a sampler whose next iteration gives what is left after `position`."""
        if not isinstance(position, Position):
            raise wrong("position", position, "a Position", "Give what sampler.position was.")
        found = copy.copy(self)
        found.epoch, found._start, found._position = position.epoch, position, position
        return found

    def shard(self, rank: int, world: int, *, even: bool = False) -> Sampler:
        """Return a sampler of one part of the samples; together the parts hold each once.

        Parameters
        ----------
        rank, world : int
            Which part, of how many. Of a part, parts can be made again.
        even : bool
            Give as many batches in every part, as synchronous training needs: where a part
            has fewer samples its batches are smaller.
        """
        flag("even", even)
        if not 0 <= whole("rank", rank) < whole("world", world, 1):
            raise CubeError(
                f"There is no part {rank} of {world}.", code="invalid_shard", field="rank"
            )
        found = copy.copy(self)
        found._rank, found._world = self._rank + rank * self._world, self._world * world
        found._even = even or self._even
        return found

    def n_samples(self, role: Role | None = None) -> int:
        """Return the number of samples of this (part of an) epoch, of one role or of all."""
        if role is not None and role not in ROLES:
            hint = f"Roles are {', '.join(ROLES)}."
            raise wrong("role", role, "a role", hint)
        found = dict(zip(self.roles, self._totals().tolist(), strict=True))
        return sum(found.values()) if role is None else found.get(role, 0)

    def __len__(self) -> int:
        """Return the number of batches of the present epoch."""
        if self.recipe.spans:
            return self._stack_steps()
        if self._even:
            return sum(self._even_steps())
        return sum(-(-int(n) // self.batch_size) for n in self._totals())

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of the present epoch."""
        start, self._start = self._start, Position(self.epoch, 0)
        skipped = start.batch if start.epoch == self.epoch else 0
        self._position = Position(self.epoch, skipped)
        seen: set[str] = set()
        for number, batch in enumerate(self._batches(skipped), start=skipped + 1):
            self._position = Position(self.epoch, number)
            seen.add(batch.role)
            yield batch
        if self._world == 1 and not skipped:
            for role in self.roles:
                if role not in seen:
                    raise empty_role(role, self.recipe, self.split, self.gaps)

    def _batches(self, skipped: int) -> Iterator[Batch]:
        if self.recipe.spans:
            yield from self._stacks(skipped)
            return
        plan, start, cuts = self._plan(), None, self._cuts()
        counts = None
        if skipped:
            counts = self.survey().counts
            start = find_start(self._dry(plan), cuts, len(self.recipe.roles), skipped)
            order = [box for box in plan.read if box in plan.cuts]
            needed = places_from(self._dry(plan), start)
            plan = plan.only(frozenset(order[place] for place in needed))
        filler = self._filler() if self._fill else None
        cutter = self._cutter(self._balance(), plan)
        stream = Stream(
            self.recipe, self.layout, self._kernels, cuts, filler,
            (self.seed, self.epoch, self._rank), shuffle=self.shuffle,
        )  # fmt: skip
        wanted = plan.cuts

        unit = self._unit if self.shuffle else 0

        def work(box: int, ingredients: list[Ingredient]) -> list[Part]:
            return cutter.parts(box, ingredients, unit=unit, key=(self.seed, self.epoch, box))

        def boxes() -> Iterator[tuple[int, tuple[int, ...], list[Part]]]:
            full = self._plan() if skipped else plan
            box = 4 * self.recipe.record * self._boxes.samples
            most = _SHARE_HELD * self.buffer_bytes - _WORKED_ON * box
            exchange = iter(self._exchange(plan, cutter, work, lambda: cutter.arena.held < most))
            for place, box in enumerate(box for box in full.read if box in full.cuts):
                if box in wanted:
                    found, parts = next(exchange)
                    assert found == box
                    if any(len(part) for part in parts):
                        yield place, tuple(len(part) for part in parts), parts
                elif counts is not None and any(counts.get(box, ())):
                    yield place, counts[box], []

        yield from stream.batches(
            boxes(), unit=self._unit, room=self._boxes.room(plan), start=start
        )

    def _stacks(self, skipped: int) -> Iterator[Batch]:
        """Yield batches of whole places; they are mixed as samples are otherwise."""
        if self._even:
            self._stack_steps()
        plan, stacking = self._plan(), self._stacking
        order = [box for box in plan.read if box in plan.cuts]
        room, kept = self._stack_room(plan), plan
        if skipped:
            after = boxes_after(self._dry_stacks(plan), skipped)
            kept = plan.only(frozenset(order[place] for place in after))
        cutter = self._cutter(self._balance(), plan)

        def work(box: int, ingredients: list[Ingredient]) -> list[Stacked]:
            return [stacking.stacked(part) for part in cutter.parts(box, ingredients)]

        def boxes() -> Iterator[tuple[int, tuple[int, ...], list[Stacked]]]:
            exchange = iter(self._exchange(kept, cutter, work))
            for place, box in enumerate(order):
                counts = self._stack_counts()[box] if skipped else ()
                held: list[Stacked] = []
                if box in kept.cuts:
                    _, held = next(exchange)
                    counts = tuple(map(len, held))
                if any(counts):
                    yield place, counts, held

        filler = self._filler() if self._fill else None
        stream = StackStream(
            stacking, self.layout, filler, (self.seed, self.epoch, self._rank), self.shuffle
        )
        yield from stream.batches(boxes(), room, skipped)

    def _stack_counts(self) -> dict[int, tuple[int, ...]]:
        """Count the batches of each role in each box, in one pass over the cube that is kept."""
        if self._batch_counts is None:
            plan, stacking = self._boxes.plan(None), self._stacking
            cutter = self._cutter(self._balance(), plan)

            def work(box: int, ingredients: list[Ingredient]) -> tuple[int, ...]:
                parts = cutter.parts(box, ingredients)
                return tuple(len(stacking.stacked(part)) for part in parts)

            self._batch_counts = dict(self._exchange(plan, cutter, work))
        return self._batch_counts

    def _stack_steps(self) -> int:
        """Return the number of batches of this part."""
        counts = self._stack_counts()
        ranks = range(self._world) if self._even else [self._rank]
        steps = [sum(sum(counts[box]) for box in self._plan(rank).cuts) for rank in ranks]
        if len(set(steps)) > 1:
            raise CubeError(
                f"The batches cannot be shared evenly by {self._world} parts: they would have "
                f"{min(steps)} to {max(steps)}, and batches of batch_dims are never cut.",
                hint="Give a batch_size instead of batch_dims, or train in one process.",
                code="uneven_batches",
            )
        return steps[0]

    def _stack_room(self, plan: Plan) -> Callable[[Sequence[int]], bool]:
        room, most = self._boxes.room(plan), self._stacking.most
        return lambda counts: room([count * most for count in counts])

    def _dry_stacks(self, plan: Plan) -> Iterator[Piece[None]]:
        counts = self._stack_counts()
        boxes = (
            (place, counts[box], None)
            for place, box in enumerate(box for box in plan.read if box in plan.cuts)
            if any(counts[box])
        )
        return pieces(boxes, unit=1, room=self._stack_room(plan), shuffle=self.shuffle)

    @property
    def _stacking(self) -> Stacking:
        return Stacking(self.recipe, self.layout.sizes)

    def survey(self) -> Survey:
        """Count the samples of each box, in one pass over the cube that is kept."""
        if self._survey is None:
            self._survey = self._surveyed(self._balance())
        return self._survey

    def _surveyed(self, balance: Balance | None, *, classes: bool = False) -> Survey:
        recipe, columns = self.recipe, len(self.recipe.columns)
        values = classes or self._fill in ("mean", "noise")
        plan = self._boxes.plan(None)
        cutter = self._cutter(balance, plan)
        train = recipe.roles.index(0) if 0 in recipe.roles else None

        def work(box: int, ingredients: list[Ingredient]) -> Any:
            parts = cutter.parts(box, ingredients, values=values)
            return look_at(parts, train, recipe, classes=classes)

        return summed(self._exchange(plan, cutter, work), columns)

    def _balance(self) -> Balance | None:
        if not self._balanced:
            return None
        if isinstance(self._balanced, Mapping):
            return Balance(self._balanced, self.seed)
        return self._evened

    @cached_property
    def _evened(self) -> Balance:
        return Balance.even(self._surveyed(None, classes=True).classes, self.seed)

    def _filler(self) -> Filler:
        assert self._fill is not None
        nothing = np.zeros(len(self.recipe.columns), np.float32)
        if self._fill in ("constant", "sample_mean"):
            return Filler(self._fill, self._constant, nothing, nothing, nothing, self.seed)
        found = self.survey()
        return Filler(self._fill, self._constant, found.mean, found.low, found.high, self.seed)

    @cached_property
    def _kernels(self) -> ModuleType:
        return kernels()

    def _cutter(self, balance: Balance | None, plan: Plan) -> Cutter:
        grid, places = self._boxes.grid, self.layout.places
        return Cutter(self.recipe, grid, places, self._kernels, balance, front=plan.front)

    def _exchange(
        self,
        plan: Plan,
        cutter: Cutter,
        work: Callable[[int, list[Ingredient]], T],
        may_hold: Callable[[], bool] = lambda: True,
    ) -> Exchange[T]:
        boxes = self._boxes
        return Exchange(boxes.reader, boxes.grid, plan, work, arena=cutter.arena, may_hold=may_hold)

    def _plan(self, rank: int | None = None) -> Plan:
        return self._boxes.plan(
            (self.seed, self.epoch) if self.shuffle else None,
            rank=self._rank if rank is None else rank,
            world=self._world,
        )

    def _totals(self, rank: int | None = None) -> np.ndarray[Any, np.dtype[np.int64]]:
        cuts = self._plan(rank).cuts
        return counts_by_role(self.survey().counts, cuts, len(self.recipe.roles))

    def _even_steps(self) -> tuple[int, ...]:
        totals = np.array([self._totals(rank) for rank in range(self._world)])
        steps = -(-totals.max(axis=0) // self.batch_size)
        if (totals.min(axis=0) < steps).any():
            raise CubeError(
                f"The samples cannot be shared evenly by {self._world} parts: one would have "
                f"{totals.min()} for {steps.max()} batches.",
                hint="Store the cube in smaller chunks, or train with fewer workers and ranks.",
                code="too_few_chunks",
            )
        return tuple(int(n) for n in steps)

    def _cuts(self) -> Cuts:
        if not self._even:
            return Cuts(self.batch_size)
        totals = tuple(int(n) for n in self._totals())
        return Cuts(self.batch_size, totals, self._even_steps())

    @cached_property
    def _unit(self) -> int:
        # A box lasts for more pieces than there are open boxes, as one is opened each time.
        lasting = self._boxes.samples // (2 * USUAL)
        return max(1, min(self.recipe.unit(self.batch_size, USUAL), lasting))

    def _dry(self, plan: Plan) -> Iterator[Piece[None]]:
        counts = self.survey().counts
        boxes = (
            (place, counts[box], None)
            for place, box in enumerate(box for box in plan.read if box in plan.cuts)
            if any(counts[box])
        )
        return pieces(
            boxes, unit=self._unit, room=self._boxes.room(plan), shuffle=self.shuffle,
            dropped=self.recipe.shared,
        )  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the module of inner loops, which is loaded again where it is needed."""
        return {name: value for name, value in self.__dict__.items() if name != "_kernels"}
