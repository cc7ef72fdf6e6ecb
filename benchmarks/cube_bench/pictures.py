"""The pictures of docs/cubes.md."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

import autocorrelation as experiment
import numpy as np
import xarray as xr
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from jupyter_mlkit.cubes.demo.cube import LAND, make_demo_cube
from jupyter_mlkit.cubes.splits.base import Split
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.cubes.splits.buffer import Buffer
from jupyter_mlkit.cubes.splits.gaps import GapSplit
from jupyter_mlkit.cubes.splits.regions import RegionSplit
from jupyter_mlkit.cubes.splits.times import TimeSplit

#: Train, validation, test, buffer: told apart by colour-blind eyes and in grey.
ROLE_COLOURS = ("#a6cbe8", "#e69f00", "#7b2a6b", "#ffffff")
_FOREST, _LINE = "#1b6e4b", "#b0b0b0"
_STYLE: dict[str, Any] = {"dpi": 130, "facecolor": "white", "bbox_inches": "tight"}


def draw(folder: Path, found: experiment.Scores) -> None:
    """Draw all pictures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    random_split(found).savefig(folder / "cubes-random-split.png", **_STYLE)
    distances().savefig(folder / "cubes-distances.png", **_STYLE)
    with tempfile.TemporaryDirectory() as scratch:
        cube = make_demo_cube(Path(scratch) / "demo.zarr", size="40 MB")
        which_split(xr.open_zarr(cube, chunks=None)).savefig(
            folder / "cubes-which-split.png", **_STYLE
        )


def random_split(found: experiment.Scores) -> Figure:
    """Draw the splits of one field, and what two models score under each."""
    figure = Figure(figsize=(10.5, 6.4), layout="constrained")
    rows = figure.subfigures(2, 1, height_ratios=(1, 1.25))
    near = experiment.home(experiment.field(0))
    chosen = experiment.splits(0)
    axes = rows[0].subplots(1, len(chosen) + 1)
    _map(axes[0], near["target"], cmap="cividis")
    axes[0].set_title("the field", fontsize=10)
    for axis, (name, split) in zip(axes[1:], chosen.items(), strict=True):
        _roles(axis, near, split)
        axis.set_title(name, fontsize=10)
    _bars(rows[1].subplots(), found)
    return figure


def _bars(axis: Axes, found: experiment.Scores) -> None:
    names = list(dict.fromkeys(name for _, name in found))
    for k, (model, colour, label) in enumerate(
        (
            ("forest", _FOREST, "random forest on covariate, latitude, longitude"),
            ("line", _LINE, "straight line on the covariate"),
        )
    ):
        middle = [statistics.median(found[model, name]) for name in names]
        spread = [
            [m - min(found[model, n]), max(found[model, n]) - m]
            for m, n in zip(middle, names, strict=True)
        ]
        # What comes true stands apart from what is estimated.
        place = np.arange(len(names)) + 0.5 * (np.arange(len(names)) >= 4)
        bars = axis.bar(
            place + 0.4 * k - 0.2,
            middle,
            0.36,
            yerr=np.transpose(spread),
            color=colour,
            ecolor="0.35",
            capsize=2,
            label=label,
        )
        for bar, value, (_, above) in zip(bars, middle, spread, strict=True):
            axis.annotate(
                f"{value:.2f}",
                (bar.get_x() + 0.18, max(value + above, 0.0)),
                (0, 2),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=9,
            )
    axis.axhline(0, color="0.2", linewidth=0.8)
    axis.axvline(3.75, color="0.6", linewidth=0.8, linestyle=":")
    axis.set_xticks(place, [name.replace(" beyond", "\nbeyond") for name in names])
    axis.set_ylabel("R² (1 is perfect)")
    axis.set_ylim(-0.45, 1.3)
    axis.text(1.5, 1.2, "what a test under this split promises", ha="center", style="italic")
    axis.text(5.0, 1.2, "what comes true", ha="center", style="italic")
    axis.legend(loc="lower left", frameon=False, fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)


def distances() -> Figure:
    """Draw how far test cells lie from train cells, and cells to predict from all data."""
    ds = experiment.field(0)
    near = experiment.home(ds)
    far = ds.isel(lon=slice(near.sizes["lon"], None))
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axis = figure.subplots()
    place = _places(near)
    shades = ("#d55e00", "#e69f00", "#56b4e9", "#0072b2")
    for colour, (name, split) in zip(shades, experiment.splits(0).items(), strict=True):
        roles = _roles_of(near, split)
        _cumulative(axis, _nearest(place[roles == 2], place[roles == 0]), colour, name)
    size = f"{20 * experiment.STEP:g} deg"
    kept = BlockSplit({"lat": size, "lon": size}, (0.7, 0.0, 0.3), 0, Buffer("2 deg"))
    roles = _roles_of(near, kept)
    reach = _nearest(place[roles == 2], place[roles == 0])
    _cumulative(axis, reach, "#009e73", "20-cell blocks, buffer of 4 cells", "-.")
    beyond = _nearest(_places(far), _places(near))
    _cumulative(axis, beyond, "0.1", "cells to predict: new territory", "--")
    axis.axvline(experiment.RANGE_CELLS * experiment.STEP, color="0.6", linestyle=":")
    axis.annotate(
        "range of the autocorrelation",
        (experiment.RANGE_CELLS * experiment.STEP, 1.02),
        (0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=9,
        color="0.4",
    )
    axis.set(
        xlabel="distance to the nearest training cell (degrees)",
        ylabel="share of the cells",
        xlim=(0.4, 90),
        ylim=(0, 1.02),
        xscale="log",
    )
    axis.set_xticks([0.5, 1, 2, 5, 10, 20, 50], ["0.5", "1", "2", "5", "10", "20", "50"])
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, frameon=False, fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def _roles_of(ds: xr.Dataset, split: Split) -> NDArray[np.int8]:
    role = split.resolve(ds).assign(ds).broadcast_like(ds["target"])
    return np.asarray(role.transpose("lat", "lon").values.ravel())


def which_split(ds: xr.Dataset) -> Figure:
    """Draw the splits that fit the four uses, on one date and along the time axis."""
    figure = Figure(figsize=(10.5, 6.6), layout="constrained")
    axes = figure.subplots(2, 2).ravel()
    seen = ds[LAND].isel(time=5)
    blocks = BlockSplit({"lat": "15 deg", "lon": "15 deg"}, buffer=Buffer("400 km"), seed=3)
    regions = RegionSplit(
        test=[(-82, -40, -34, 13), (94, -12, 155, 8)], validation=[(-20, 35, 45, 72)]
    )
    later = TimeSplit("2002-07-10", "2002-07-26", buffer="8D")
    for axis, title, split in (
        (axes[0], "gaps in what I have: GapSplit", GapSplit(target=LAND)),
        (axes[1], "new places: BlockSplit with a buffer", blocks),
        (axes[2], "these regions: RegionSplit", regions),
    ):
        role = split.resolve(ds).assign(ds)
        one = role.isel(time=5) if "time" in role.dims else role
        one = one.transpose("lat", "lon").where(seen.notnull())
        _map(axis, one, cmap=colors.ListedColormap(ROLE_COLOURS), vmin=-0.5, vmax=3.5)
        axis.set_facecolor("0.9")
        axis.set_title(title, fontsize=11)
    _timeline(axes[3], later.resolve(ds).assign(ds))
    names = ("training", "validation", "test", "buffer: left out", "no data on this date")
    figure.legend(
        handles=[
            Patch(facecolor=colour, edgecolor="0.6", label=name)
            for colour, name in zip((*ROLE_COLOURS, "0.9"), names, strict=True)
        ],
        loc="outside lower center",
        ncols=5,
        frameon=False,
    )
    return figure


def _timeline(axis: Axes, role: xr.DataArray) -> None:
    for number, code in enumerate(role.values.tolist()):
        axis.barh(0, 0.94, left=number, height=0.5, color=ROLE_COLOURS[code], edgecolor="0.6")
    days = [str(day)[5:10] for day in role["time"].values]
    axis.set_xticks(np.arange(len(days)) + 0.47, days, rotation=45, fontsize=8)
    axis.set(yticks=[], ylim=(-1.2, 1.2), xlim=(-0.2, len(days) + 0.2))
    axis.set_title("later times: TimeSplit with a buffer", fontsize=11)
    axis.spines[["top", "right", "left"]].set_visible(False)


def _cumulative(
    axis: Axes, values: NDArray[np.float64], colour: str, label: str, style: str = "-"
) -> None:
    axis.plot(
        np.sort(values),
        np.linspace(0, 1, values.size),
        color=colour,
        label=label,
        linestyle=style,
        linewidth=2,
    )


def _places(ds: xr.Dataset) -> NDArray[np.float64]:
    """Return the cells' places on the unit sphere, shape (n, 3)."""
    lat, lon = (np.radians(part) for part in np.meshgrid(ds["lat"], ds["lon"], indexing="ij"))
    return np.stack(
        [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1
    ).reshape(-1, 3)


def _nearest(places: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the great-circle distance of each place to the nearest of the others, degrees."""
    from scipy.spatial import cKDTree

    chord, _ = cKDTree(others).query(places)
    return np.degrees(2 * np.arcsin(np.minimum(chord / 2, 1)))


def _roles(axis: Axes, ds: xr.Dataset, split: Split) -> None:
    role = split.resolve(ds).assign(ds).broadcast_like(ds["target"]).transpose("lat", "lon")
    _map(axis, role, cmap=colors.ListedColormap(ROLE_COLOURS), vmin=-0.5, vmax=3.5)


def _map(axis: Axes, values: xr.DataArray, **style: Any) -> None:
    extent = (values["lon"][0], values["lon"][-1], values["lat"][-1], values["lat"][0])
    axis.imshow(values, extent=[float(edge) for edge in extent], interpolation="nearest", **style)
    axis.set(xticks=[], yticks=[])
