"""``BatchGenerator`` as xbatcher's users know it, which decodes each chunk once.

Batches, their order, names of dims and coordinates are those of xbatcher 0.4; unlike there,
batches are not listed in advance, and the parts of chunks that several batches share are kept.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, MutableMapping
from typing import Any

import xarray as xr

from ...errors import SpecError
from ..sampling.arguments import whole, wrong
from .chunk_cache import ChunkCache

_SUFFIX = "_input"
Selector = dict[Hashable, slice]


class BatchGenerator:
    """Iterate over a cube in batches; call-compatible with ``xbatcher.BatchGenerator``.

    Parameters
    ----------
    ds : xarray.Dataset or xarray.DataArray
    input_dims : mapping
        Cells by dim of what the model sees; all other dims are stacked into ``sample``.
    input_overlap : mapping, optional
        Cells by dim that neighbours share.
    batch_dims : mapping, optional
        Cells by dim of a batch.
    concat_input_dims : bool
        Join the inputs of a batch along ``sample``; their dims get the suffix ``_input``.
    preload_batch : bool
        Whether batches are in memory; else they are lazy.
    cache : mutable mapping, optional
        A zarr store to keep batches in.
    cache_preprocess : callable, optional
        Applied to a batch before it is kept.
    edges : bool
        Also give what is left at the far edges, as smaller inputs; xbatcher drops it.

    Raises
    ------
    SpecError
        ``window_too_large``, ``invalid_window``.
    """

    def __init__(
        self,
        ds: xr.Dataset | xr.DataArray,
        input_dims: Mapping[Hashable, int],
        input_overlap: Mapping[Hashable, int] | None = None,
        batch_dims: Mapping[Hashable, int] | None = None,
        concat_input_dims: bool = False,
        preload_batch: bool = True,
        cache: MutableMapping[str, Any] | None = None,
        cache_preprocess: Callable[[Any], Any] | None = None,
        *,
        edges: bool = False,
    ) -> None:
        self.ds = ds
        if not isinstance(ds, (xr.Dataset, xr.DataArray)):
            raise wrong("ds", ds, "an xarray.Dataset or DataArray")
        self.input_dims = _cells(ds, "input_dims", input_dims, 1)
        self.input_overlap = _cells(ds, "input_overlap", input_overlap or {}, 0)
        self.batch_dims = _cells(ds, "batch_dims", batch_dims or {}, 1)
        self.concat_input_dims = concat_input_dims
        self.preload_batch = preload_batch
        self.cache = cache
        self.cache_preprocess = cache_preprocess
        own = {dim: size for dim, size in self.batch_dims.items() if dim not in self.input_dims}
        self._slices = {
            dim: _slices(dim, ds.sizes[dim], size, self.input_overlap.get(dim, 0), edges)
            for dim, size in {**own, **self.input_dims}.items()
        }
        whole = ds if isinstance(ds, xr.Dataset) else ds.to_dataset(name="values")
        self._chunks = ChunkCache(whole)
        self._groups = self._grouped() if concat_input_dims else None

    def __len__(self) -> int:
        """Return the number of batches."""
        if self._groups is not None:
            return len(self._groups)
        return math.prod(len(found) for found in self._slices.values())

    def __iter__(self) -> Iterator[Any]:
        """Yield all batches."""
        return (self[number] for number in range(len(self)))

    def __getitem__(self, idx: int) -> Any:
        """Return one batch."""
        if not isinstance(idx, int):
            raise NotImplementedError("Batches are indexed by single integers.")
        number = idx + len(self) if idx < 0 else idx
        if not 0 <= number < len(self):
            raise IndexError("list index out of range")
        if self.cache is not None and f"{number}/.zgroup" in self.cache:
            kept = xr.open_zarr(self.cache, group=str(number))
            return kept.load() if self.preload_batch else kept
        batch = self._joined(number) if self._groups is not None else self._single(number)
        if self.cache is not None:
            if self.cache_preprocess is not None:
                batch = self.cache_preprocess(batch)
            batch.to_zarr(self.cache, group=str(number), mode="a")
        return batch

    def _single(self, number: int) -> Any:
        return _stacked(self._box(self._selector(number)), list(self.input_dims))

    def _joined(self, number: int) -> Any:
        assert self._groups is not None
        inputs = []
        for place in self._groups[number]:
            box = self._box(self._selector(place))
            renamed = box.rename({dim: f"{dim}{_SUFFIX}" for dim in self.input_dims})
            for dim in self.input_dims:
                new = f"{dim}{_SUFFIX}"
                if new in renamed.coords:
                    renamed = renamed.drop_vars(new)
                    renamed = renamed.assign_coords({dim: (new, box[dim].data, box[dim].attrs)})
            inputs.append(renamed)
        joined = xr.concat(inputs, dim="input_batch")
        return _stacked(joined, [f"{dim}{_SUFFIX}" for dim in self.input_dims])

    def _box(self, selector: Selector) -> Any:
        if not self.preload_batch:
            return self.ds.isel(selector)
        found = self._chunks.box(selector)
        return found if isinstance(self.ds, xr.Dataset) else found["values"].rename(self.ds.name)

    def _selector(self, number: int) -> Selector:
        """Return the box of input `number`, the last dim fastest."""
        found: list[tuple[Hashable, slice]] = []
        for dim, slices in reversed(self._slices.items()):
            number, place = divmod(number, len(slices))
            found.append((dim, slices[place]))
        return dict(reversed(found))

    def _grouped(self) -> list[list[int]]:
        """Return which inputs make up each batch that joins several."""
        total = math.prod(len(found) for found in self._slices.values())
        if not self.batch_dims:
            return [list(range(total))]
        shared = [dim for dim in self.batch_dims if dim in self.input_dims]
        groups: dict[tuple[int, ...], list[int]] = {}
        if not shared:
            for number in range(total):
                selector = self._selector(number)
                key = tuple(selector[dim].start for dim in self.batch_dims)
                groups.setdefault(key, []).append(number)
            return list(groups.values())
        # Whole batches only along dims that are both: what is left over belongs to none.
        n_batches = {
            dim: self.ds.sizes[dim] // self.batch_dims.get(dim, self.ds.sizes[dim])
            for dim in self._slices
        }
        counts = [range(len(found)) for found in self._slices.values()]
        for key in itertools.product(*(range(n) for n in n_batches.values())):
            groups[key] = []
        for number, place in enumerate(itertools.product(*counts)):
            key = tuple(
                at // self._per_batch(dim) for dim, at in zip(self._slices, place, strict=True)
            )
            if key in groups:
                groups[key].append(number)
        return list(groups.values())

    def _per_batch(self, dim: Hashable) -> int:
        """Return how many inputs along `dim` one batch holds."""
        if dim not in self.batch_dims:
            return len(self._slices[dim]) + 1
        length = self.batch_dims[dim]
        step = self.input_dims.get(dim, length) - self.input_overlap.get(dim, 0)
        return math.ceil(length / (step if dim in self.input_dims else length))


def _cells(
    ds: xr.Dataset | xr.DataArray, field: str, sizes: Any, least: int
) -> dict[Hashable, int]:
    if not isinstance(sizes, Mapping):
        raise wrong(field, sizes, "a mapping of dims to cells")
    for dim in sizes:
        if dim not in ds.sizes:
            raise SpecError(
                f"'{dim}' is no dim of the cube.",
                hint=f"It has {', '.join(map(str, ds.sizes))}.",
                code="invalid_window",
                field=f"{field}.{dim}",
            )
    return {dim: whole(f"{field}.{dim}", size, least) for dim, size in sizes.items()}


def _slices(dim: Hashable, size: int, length: int, overlap: int, edges: bool) -> list[slice]:
    if overlap >= length:
        raise SpecError(
            f"An overlap of {overlap} along '{dim}' is not smaller than the input of {length}.",
            code="invalid_window",
            field=f"input_overlap.{dim}",
        )
    if length > size:
        raise SpecError(
            f"An input of {length} cells along '{dim}' is larger than the cube, which has {size}.",
            code="window_too_large",
            field=f"input_dims.{dim}",
        )
    step = length - overlap
    found = [slice(a, a + length) for a in range(0, size - length + 1, step)]
    if edges and found[-1].stop < size:
        found.append(slice(found[-1].start + step, size))
    return found


def _stacked(batch: Any, inputs: list[Hashable]) -> Any:
    """Stack all dims but `inputs` into ``sample``, where there are two or more."""
    others = [dim for dim in batch.sizes if dim not in inputs]
    if len(others) < 2:
        return batch
    return batch.stack(sample=others).transpose("sample", *inputs)
