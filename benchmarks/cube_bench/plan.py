"""What is run: the tasks, who does them, what bounds them and what they shall reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Who = Literal["limit", "ours", "peer"]
#: Packages that a peer needs, which may be missing.
_TORCH, _XBATCHER, _DASK = ("torch",), ("xbatcher",), ("dask",)


@dataclass(frozen=True)
class Case:
    """One implementation of one task.

    Attributes
    ----------
    task, name : str
    where : str
        module:function within ``cube_bench``.
    who : {"limit", "ours", "peer"}
    needs : tuple of str
        Packages without which it is not run, and that is said.
    boxed : bool
        So slow that it is stopped, and extrapolated.
    quick : bool
        Whether ``--quick`` runs it.
    ml4xcube : bool
        Runs in ml4xcube's interpreter, on the cube in format 2.
    """

    task: str
    name: str
    where: str
    who: Who = "peer"
    needs: tuple[str, ...] = ()
    boxed: bool = False
    quick: bool = True
    ml4xcube: bool = False


@dataclass(frozen=True)
class Task:
    """What is done, against which limit, and the ratio that is wanted.

    Attributes
    ----------
    goal : float, optional
        Wanted ratio of our rate to that of the limit.
    limits : tuple of str
        Names of cases of the task "limits", or of the same task; the slowest of them counts.
    extra_mb : float, optional
        Memory that we may take above the imports.
    """

    name: str
    title: str
    limits: tuple[str, ...] = ()
    goal: float | None = None
    extra_mb: float | None = None
    first_s: float | None = None


#: Shuffle buffer of 256 MiB and 100 MB beside it.
_BATCHES_MB = 268.4 + 100

TASKS = {
    task.name: task
    for task in (
        Task("limits", "What bounds everybody"),
        Task("cells", "Single cells, shuffled", ("decode",), 0.30, _BATCHES_MB, 0.2),
        Task("patches", "Patches of 64 x 64 cells, shuffled", ("decode",), 0.30, _BATCHES_MB, 0.2),
        Task("windows", "Windows of 10 steps, shuffled", ("decode",), 0.40, _BATCHES_MB, 0.2),
        Task("statistics", "Mean and deviation of the train role", ("decode",), 0.50),
        Task("split", "Block split into arrays", ("decode",), 0.25),
        Task("linear", "Predict: linear model, written", ("copy, codec",), 0.85, 600),
        Task("mlp", "Predict: MLP 2-32-32-1, written", ("model alone", "copy, codec"), 0.90, 600),
        Task("trees", "Predict: 100 boosted trees, written", ("model alone",), 0.95, 600),
        Task("fingerprint", "Digest of the stored bytes, cold", ("read, cold",), 0.80),
    )
}


def _ml4xcube(task: str, *, boxed: bool = False) -> Case:
    return Case(task, "ml4xcube", f"ml4xcube_peer:{task}", boxed=boxed, quick=False, ml4xcube=True)


CASES = (
    Case("limits", "decode", "limits:decode", "limit"),
    Case("limits", "read, cold", "limits:read_cold", "limit"),
    Case("limits", "read, warm", "limits:read_warm", "limit", quick=False),
    Case("limits", "memcpy", "limits:memcpy", "limit"),
    Case("limits", "copy, codec", "limits:copy_codec", "limit"),
    Case("limits", "copy, codec, lz4", "limits:copy_fast", "limit"),
    Case("limits", "copy, zarr", "limits:copy_zarr", "limit"),
    Case("cells", "ours", "ours:cells", "ours"),
    Case("cells", "xbatcher, blocks", "peers:cells_xbatcher", needs=_XBATCHER),
    Case("cells", "dask, blocks", "peers:cells_dask", needs=_DASK, quick=False),
    _ml4xcube("cells"),
    Case("cells", "xarray, in memory", "peers:cells_in_memory", quick=False),
    Case("cells", "xarray in DataLoader", "peers:cells_xarray", needs=_TORCH, boxed=True),
    Case(
        "cells",
        "xbatcher, MapDataset",
        "peers:cells_map_dataset",
        needs=_TORCH + _XBATCHER,
        boxed=True,
        quick=False,
    ),
    Case("patches", "ours", "ours:patches", "ours"),
    Case("patches", "xbatcher, blocks", "peers:patches_xbatcher", needs=_XBATCHER),
    Case("patches", "dask, blocks", "peers:patches_dask", needs=_DASK, quick=False),
    _ml4xcube("patches"),
    Case(
        "patches",
        "xarray in DataLoader",
        "peers:patches_xarray",
        needs=_TORCH,
        boxed=True,
        quick=False,
    ),
    Case(
        "patches",
        "xbatcher, MapDataset",
        "peers:patches_map_dataset",
        needs=_TORCH + _XBATCHER,
        boxed=True,
        quick=False,
    ),
    Case("windows", "ours", "ours:windows", "ours"),
    Case("windows", "xbatcher, blocks", "peers:windows_xbatcher", needs=_XBATCHER),
    Case("windows", "dask, blocks", "peers:windows_dask", needs=_DASK, quick=False),
    _ml4xcube("windows", boxed=True),
    Case(
        "windows",
        "xarray in DataLoader",
        "peers:windows_xarray",
        needs=_TORCH,
        boxed=True,
        quick=False,
    ),
    Case(
        "windows",
        "xbatcher, MapDataset",
        "peers:windows_map_dataset",
        needs=_TORCH + _XBATCHER,
        boxed=True,
        quick=False,
    ),
    Case("statistics", "ours", "ours:statistics", "ours"),
    Case("statistics", "dask", "peers:statistics_dask", needs=_DASK),
    Case("statistics", "xarray, in memory", "peers:statistics_xarray", quick=False),
    _ml4xcube("statistics"),
    Case("split", "ours", "ours:split", "ours"),
    Case("split", "dask", "peers:split_dask", needs=_DASK, quick=False),
    _ml4xcube("split"),
    Case("split", "xarray, stack and dropna", "peers:split_xarray", boxed=True, quick=False),
    Case("linear", "ours", "ours:predict_linear", "ours"),
    Case("linear", "apply_ufunc, dask", "peers:predict_linear", needs=_DASK),
    Case("mlp", "model alone", "limits:mlp_alone", "limit", quick=False),
    Case("mlp", "ours", "ours:predict_mlp", "ours", quick=False),
    Case("mlp", "apply_ufunc, dask", "peers:predict_mlp", needs=_DASK, quick=False),
    Case("trees", "model alone", "limits:trees_alone", "limit", quick=False),
    Case("trees", "ours", "ours:predict_trees", "ours", quick=False),
    Case("trees", "apply_ufunc, dask", "peers:predict_trees", needs=_DASK, quick=False),
    Case("fingerprint", "ours", "ours:fingerprint", "ours"),
    Case("fingerprint", "ours, unchanged", "ours:fingerprint_again", "ours", quick=False),
)
