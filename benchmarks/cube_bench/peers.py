"""xarray, torch, xbatcher and dask as their users use them, and as careful users could."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from . import by_hand, models
from .child import Run
from .cube import CHUNK, DIMS, FEATURE, TARGET, valid_cells

_NAMES = (FEATURE, TARGET)
_Cut = Callable[[Sequence[by_hand.Values], np.random.Generator], Iterator[by_hand.Values]]
_TILE = (CHUNK[0], by_hand.EDGE, by_hand.EDGE)


def cells_xbatcher(run: Run) -> None:
    """Blocks that are whole chunks, in random order, cut by hand."""
    _xbatcher(run, CHUNK, by_hand.cells)


def patches_xbatcher(run: Run) -> None:
    """Blocks of all times of a chunk and one patch, in random order, cut by hand."""
    _xbatcher(run, _TILE, by_hand.patches)


def windows_xbatcher(run: Run) -> None:
    """Blocks that are whole chunks, in random order, cut by hand."""
    _xbatcher(run, CHUNK, by_hand.windows)


def cells_dask(run: Run) -> None:
    """Blocks that are whole chunks, in random order, cut by hand."""
    _dask(run, CHUNK, by_hand.cells)


def patches_dask(run: Run) -> None:
    """Rechunk the cube to patches; they come in random order, cut by hand."""
    _dask(run, _TILE, by_hand.patches)


def windows_dask(run: Run) -> None:
    """Blocks that are whole chunks, in random order, cut by hand."""
    _dask(run, CHUNK, by_hand.windows)


def cells_map_dataset(run: Run) -> None:
    """Take xbatcher's torch data set, one cell an item; the list of samples is of one chunk."""
    _map_dataset(run, dict.fromkeys(DIMS, 1), by_hand.CELLS, crop=True)


def patches_map_dataset(run: Run) -> None:
    """Take xbatcher's torch data set, one patch an item."""
    _map_dataset(run, dict(zip(DIMS, (1, by_hand.EDGE, by_hand.EDGE), strict=True)), 32)


def windows_map_dataset(run: Run) -> None:
    """Take xbatcher's torch data set, one window an item; the list of samples is of one chunk."""
    _map_dataset(run, {"time": by_hand.STEPS, "lat": 1, "lon": 1}, by_hand.WINDOWS, crop=True)


def cells_xarray(run: Run) -> None:
    """``isel`` in a torch Dataset, one cell an item."""
    _isel(run, (1, 1, 1), by_hand.CELLS)


def patches_xarray(run: Run) -> None:
    """``isel`` in a torch Dataset, one patch an item."""
    _isel(run, (1, by_hand.EDGE, by_hand.EDGE), by_hand.PATCHES)


def windows_xarray(run: Run) -> None:
    """``isel`` in a torch Dataset, one window an item."""
    _isel(run, (by_hand.STEPS, 1, 1), by_hand.WINDOWS)


def cells_in_memory(run: Run) -> None:
    """Load the cube and permute all its cells."""
    xr = _xarray()
    run.start()
    ds = xr.open_zarr(run.path, chunks=None).load()
    samples = _consume(run, by_hand.cells([ds[name].values for name in _NAMES], _rng()))
    run.finish(samples)


def statistics_dask(run: Run) -> None:
    """Mean and standard deviation of the train role, lazily."""
    import dask

    xr = _xarray()
    run.start()
    ds = xr.open_zarr(run.path)[list(_NAMES)]
    train = ds.where(_train(ds))
    means, deviations = dask.compute(train.mean(), train.std(), scheduler="threads")
    run.finish(told=[float(means[name]) for name in _NAMES + tuple(deviations)])


def statistics_xarray(run: Run) -> None:
    """Mean and standard deviation of the train role, the cube in memory."""
    xr = _xarray()
    run.start()
    ds = xr.open_zarr(run.path, chunks=None)[list(_NAMES)].load()
    train = ds.where(_train(ds))
    run.finish(told=[float(train[name].mean()) + float(train[name].std()) for name in _NAMES])


def split_xarray(run: Run) -> None:
    """``where``, ``stack``, ``dropna`` by role, on the first part of the cube."""
    xr = _xarray()
    run.start()
    ds = xr.open_zarr(run.path, chunks=None)[list(_NAMES)]
    rows = max(CHUNK[1], int(ds.sizes["lat"] * min(1.0, 1e8 / ds.nbytes)))
    part = ds.isel(lat=slice(0, rows)).load()
    samples = 0
    for mine in (_train(part), ~_train(part)):
        table = part.where(mine).stack(sample=DIMS).dropna("sample")
        samples += np.stack([table[name].values for name in _NAMES], axis=1).shape[0]
    run.finish(samples, share=rows / ds.sizes["lat"])


def split_dask(run: Run) -> None:
    """Boolean selections of dask arrays, by role."""
    import dask

    xr = _xarray()
    run.start()
    ds = xr.open_zarr(run.path)[list(_NAMES)]
    first, second = (ds[name].data for name in _NAMES)
    train = _train(ds).broadcast_like(ds[TARGET]).chunk(dict(zip(DIMS, CHUNK, strict=True)))
    seen = np.isfinite(first) & np.isfinite(second)
    parts = [
        values[seen & role] for role in (train.data, ~train.data) for values in (first, second)
    ]
    found = dask.compute(*parts, scheduler="threads")
    run.finish(found[0].size + found[2].size)


def predict_dask(kind: str) -> Callable[[Run], None]:
    """Return ``apply_ufunc`` over chunks with a mask, written by ``to_zarr``."""

    def predict(run: Run) -> None:
        import dask.array  # noqa: F401

        xr = _xarray()
        model = models.fitted(kind)
        run.start()
        ds, share = models.part(xr.open_zarr(run.path), kind)
        result = xr.apply_ufunc(
            lambda *columns: models.masked(model, columns),
            *(ds[name] for name in _NAMES),
            dask="parallelized",
            output_dtypes=[np.float32],
        )
        result.encoding = {}
        cube = result.to_dataset(name="prediction").drop_encoding()
        cube.to_zarr(run.scratch / "out.zarr", mode="w", consolidated=False)
        run.finish(share=share)

    return predict


predict_linear, predict_mlp, predict_trees = map(predict_dask, ("linear", "mlp", "trees"))


def _xarray() -> Any:
    import xarray as xr

    for name in ("zarr", "dask.array"):  # which xarray imports when it is first needed
        with contextlib.suppress(ModuleNotFoundError):
            import_module(name)
    return xr


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _consume(run: Run, batches: Iterable[Any]) -> int:
    samples = 0
    for batch in batches:
        samples += len(batch)
        run.first()
    return samples


def _train(ds: Any) -> Any:
    """Return blocks of 10 degrees, drawn once: 70 % of them are train."""
    rows, columns = (np.floor(ds[dim] / 10).astype(int) + 50 for dim in ("lat", "lon"))
    drawn = _rng().random((100, 100)) < 0.7
    return (
        rows.copy(data=np.zeros(rows.size, bool))
        | columns.isnull()
        | (_xarray().DataArray(drawn, dims=("i", "j")).isel(i=rows, j=columns))
    )


def _xbatcher(run: Run, box: tuple[int, int, int], cut: _Cut) -> None:
    import xbatcher

    xr = _xarray()
    run.start()
    ds = xr.open_zarr(run.path, chunks=None)[list(_NAMES)]
    sizes = {dim: min(n, ds.sizes[dim]) for dim, n in zip(DIMS, box, strict=True)}
    generator = xbatcher.BatchGenerator(ds, input_dims=sizes, preload_batch=False)
    rng, samples = _rng(), 0
    for i in rng.permutation(len(generator)):
        block = generator[int(i)]
        samples += _consume(run, cut([block[name].values for name in _NAMES], rng))
    run.finish(samples)


def _dask(run: Run, box: tuple[int, int, int], cut: _Cut) -> None:
    import dask

    xr = _xarray()
    run.start()
    ds = xr.open_zarr(run.path)[list(_NAMES)].chunk(dict(zip(DIMS, box, strict=True)))
    blocks = [ds[name].data.to_delayed().ravel() for name in _NAMES]
    rng, samples = _rng(), 0
    for i in rng.permutation(len(blocks[0])):
        values = dask.compute(*(of[i] for of in blocks), scheduler="threads")
        samples += _consume(run, cut(values, rng))
    run.finish(samples)


def _map_dataset(run: Run, sizes: dict[str, int], batch: int, crop: bool = False) -> None:
    import torch
    import xbatcher
    from xbatcher.loaders.torch import MapDataset

    xr = _xarray()
    run.start()
    whole = xr.open_zarr(run.path, chunks=None)[list(_NAMES)]
    small = dict(zip(DIMS, (slice(n // 2) for n in CHUNK), strict=True))
    ds = whole.isel({**small, "time": slice(by_hand.STEPS)}) if crop else whole
    # A Dataset of two variables raises, so one generator each, as its documentation does.
    generators = [xbatcher.BatchGenerator(ds[[name]], input_dims=sizes) for name in _NAMES]
    _boxed(run, torch.utils.data.DataLoader(MapDataset(*generators), batch, shuffle=True), sizes)


def _isel(run: Run, box: tuple[int, int, int], batch: int) -> None:
    import torch

    xr = _xarray()
    run.start()
    ds = xr.open_zarr(run.path, chunks=None)[list(_NAMES)]
    counts = [ds.sizes[dim] // n for dim, n in zip(DIMS, box, strict=True)]

    class Samples(torch.utils.data.Dataset[Any]):
        def __len__(self) -> int:
            return int(np.prod(counts))

        def __getitem__(self, number: int) -> Any:
            place = np.unravel_index(number, counts)
            sample = ds.isel(
                {
                    dim: slice(int(i) * n, int(i + 1) * n)
                    for dim, i, n in zip(DIMS, place, box, strict=True)
                }
            )
            return np.stack([sample[name].values for name in _NAMES])

    # A permutation of 10^8 samples is no part of what is compared: they are drawn one by one.
    drawn = torch.utils.data.RandomSampler(Samples(), replacement=True, num_samples=10**6)
    loader = torch.utils.data.DataLoader(Samples(), batch, sampler=drawn)
    _boxed(run, loader, dict(zip(DIMS, box, strict=True)))


def _boxed(run: Run, loader: Any, sizes: dict[str, int]) -> None:
    """Take items, not batches (one would not fill the box), and say which share they are."""
    import json

    shape = json.loads((run.path / TARGET / "zarr.json").read_text())["shape"]
    total = np.prod([n // sizes[dim] for dim, n in zip(DIMS, shape, strict=True)])
    if sizes == dict.fromkeys(DIMS, 1):
        total = valid_cells(run.path)  # as if those without a value were known before
    done = 0
    for index in loader.sampler:
        loader.dataset[index]
        done += 1
        if done == loader.batch_size:
            run.first()
        if run.over:
            break
    run.finish(done, share=done / float(total))
