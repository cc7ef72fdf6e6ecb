"""Maps of a run as PNG: the split, and truth beside prediction beside error.

Drawn with matplotlib's Agg canvas and without pyplot, which keeps global state and would change
the figures of the user's notebook.
"""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import xarray as xr

from ..cubes.grids.grid import Grid
from ..cubes.splits.roles import BUFFER, ROLES
from ..models import RoleCount

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

#: Colours that people with any kind of colour blindness tell apart, also printed in grey.
ROLE_COLOURS = {"train": "#8fbbe0", "validation": "#e69f00", "test": "#7b2a6b"}
#: What a buffer takes is hatched on grey: neither trained on nor scored.
_UNUSED: dict[str, Any] = {
    "facecolor": "#ececec",
    "edgecolor": "#9a9a9a",
    "hatch": "/////",
    "linewidth": 0,
}
#: White over cells without a valid target: so much of their colour is left.
_PALE = 0.28
_MISSING = "#eeeeee"
_TEXT = "#333333"
_MUTED = "#6b6b6b"
_DPI, _DPI_ALONE = 110, 150
#: More cells than pixels along a side are thinned before they are drawn.
_MOST_PIXELS = 1400


_Data = TypeVar("_Data", xr.DataArray, xr.Dataset)


def thin(field: _Data, grid: Grid) -> _Data:
    """Return every k-th cell of `field` along y and x, so that it is not finer than a picture."""
    steps = {
        dim: slice(None, None, max(1, -(-field.sizes[dim] // _MOST_PIXELS)))
        for dim in grid.horizontal
        if dim in field.dims
    }
    return field.isel(steps)


def draw_split(
    roles: xr.DataArray | None,
    valid: xr.DataArray | None,
    grid: Grid,
    counts: list[RoleCount],
    *,
    title: str,
    over_time: xr.DataArray | None = None,
) -> bytes:
    """Draw which role each cell has.

    Parameters
    ----------
    roles : (y, x) int8 DataArray or None
        0 train, 1 validation, 2 test, 3 unused, -1 where a cell has none; None where all places
        are alike: then `over_time` is drawn alone.
    valid : (y, x) bool DataArray or None
        Cells with a valid target; the others are drawn pale.
    grid : Grid
    counts : list of RoleCount
        For the legend.
    title : str
    over_time : (time, role) DataArray, optional
        Share of the cells that each role has at each time: drawn as a strip below the map.
        What is missing to one goes unused.

    Returns
    -------
    bytes
        PNG.
    """
    from matplotlib.patches import Patch

    if roles is None:
        figure, axes = _figure(None, grid, panels=0, strip=True)
    else:
        figure, axes = _figure(roles, grid, panels=1, strip=over_time is not None)
        _paint_roles(axes[0], roles, valid, grid)
        _label_axes(axes[0], roles, grid, alone=True)
    _titles(figure, title, "")
    handles = [_legend_patch(count, counts) for count in counts]
    if roles is not None:
        blank = bool((roles.values < 0).any())
        colour, word = (_MISSING, "blank") if blank else ("#e3edf6", "pale")
        handles.append(
            Patch(facecolor=colour, edgecolor="#c8c8c8", label=f"{word}: no valid target")
        )
    legend = figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize=9,
        handlelength=1.6,
        columnspacing=3.0,
    )
    for text in legend.get_texts():
        text.set_color(_TEXT)
    if over_time is not None:
        _draw_strip(axes[-1], over_time)
    return _png(figure)


def draw_fields(
    truth: xr.DataArray,
    prediction: xr.DataArray,
    grid: Grid,
    *,
    title: str,
    subtitle: str,
    units: str,
    classes: bool = False,
) -> bytes:
    """Draw truth, prediction and error side by side.

    Parameters
    ----------
    truth, prediction : (y, x) DataArray
        In the target's units, NaN where there is none. They share one colour scale; that of
        the error is centred on zero.
    grid : Grid
    title, subtitle : str
    units : str
        Unit of both; empty where unknown.
    classes : bool
        The values are classes: the third panel shows where they differ.

    Returns
    -------
    bytes
        PNG.
    """
    figure, axes = _figure(truth, grid, panels=3)
    low, high, extend = _range([truth.values, prediction.values])
    scale = {"cmap": "viridis", "vmin": low, "vmax": high}
    _paint(axes[0], truth, grid, **scale)
    shared = _paint(axes[1], prediction, grid, **scale)
    error = prediction - truth
    if classes:
        error = (error != 0).astype(float).where(np.isfinite(error))
        limit, ends = 1.0, "neither"
    else:
        limit, ends = _symmetric_limit(error.values)
    painted = _paint(axes[2], error, grid, cmap="RdBu_r", vmin=-limit, vmax=limit)
    names = ("Truth", "Prediction", "Where they differ" if classes else "Error: prediction - truth")
    for axis, name in zip(axes, names, strict=True):
        axis.set_title(name, fontsize=10.5, color=_TEXT)
        _label_axes(axis, truth, grid, y_labels=axis is axes[0])
    _bar(figure, shared, axes[:2], _with_units(str(truth.name), units), extend, shrink=0.55)
    if not classes:
        _bar(figure, painted, axes[2:], _with_units("error", units), ends, shrink=0.9)
    _titles(figure, title, subtitle)
    return _png(figure)


def draw_field(field: xr.DataArray, grid: Grid, *, title: str, units: str) -> bytes:
    """Draw one field.

    Parameters
    ----------
    field : (y, x) DataArray
    grid : Grid
    title : str
        Anything that somebody may have written into a file: shown as it is.
    units : str

    Returns
    -------
    bytes
        PNG.
    """
    figure, axes = _figure(field, grid, panels=1)
    low, high, extend = _range([field.values])
    painted = _paint(axes[0], field, grid, cmap="viridis", vmin=low, vmax=high)
    _label_axes(axes[0], field, grid, alone=True)
    # A dollar sign would begin a formula.
    name, units = (text[:200].replace("$", r"\$") for text in (str(field.name), units))
    _bar(figure, painted, axes[:1], _with_units(name, units), extend, shrink=0.9)
    _titles(figure, title[:200].replace("$", r"\$"), "")
    return _png(figure)


def _paint_roles(axis: Axes, roles: xr.DataArray, valid: xr.DataArray | None, grid: Grid) -> None:
    """Paint roles in their colours and leave what is unused open to the hatching below."""
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    white = (1.0, 1.0, 1.0)
    # The last one is for cells without a role, whose code is -1.
    colours = [*(to_rgba(ROLE_COLOURS[role]) for role in ROLES), (*white, 0.0), to_rgba(_MISSING)]
    full = np.array(colours)
    pale = full * _PALE + np.array([*white, 1.0]) * (1 - _PALE)
    pale[-1] = full[-1]
    codes = np.clip(roles.values, -1, BUFFER).astype(np.intp)
    picture = full[codes]
    if valid is not None:
        known = valid.transpose(*roles.dims).values[..., None]
        picture = np.where(known, picture, pale[codes])
    axis.add_patch(Rectangle((0, 0), 1, 1, transform=axis.transAxes, zorder=0.5, **_UNUSED))
    field = xr.DataArray(picture, dims=[*roles.dims, "rgba"], coords=roles.coords)
    _paint(axis, field, grid, zorder=1)


def _legend_patch(count: RoleCount, counts: list[RoleCount]) -> Patch:
    from matplotlib.patches import Patch

    total = sum(other.cells for other in counts) or 1
    share = f"{100 * count.cells / total:.{1 if count.cells < total / 100 else 0}f} %"
    if count.role == "buffer":
        return Patch(**_UNUSED, label=f"unused: {share}, {count.cells:,} cells")
    text = f"{count.role}: {share}, {count.cells:,} cells"
    return Patch(facecolor=ROLE_COLOURS[count.role], label=text)


def _figure(
    field: xr.DataArray | None, grid: Grid, *, panels: int, strip: bool = False
) -> tuple[Figure, list[Axes]]:
    """Make a figure with `panels` maps of the shape of `field`, and a strip below them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # One map is shown at half the width of a view: its words are larger on it.
    width, dpi = (13.5, _DPI) if panels == 3 else (6.2, _DPI_ALONE)
    maps = 0.0
    if field is not None:
        maps = float(np.clip(width / panels * _shape(field, grid), 2.2, 8.0))
    height = maps + (1.45 if panels == 3 else 1.2) + (0.6 if strip else 0.0)
    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    if strip and maps:
        made = figure.subplots(2, 1, height_ratios=[maps, 0.42])
    else:
        made = figure.subplots(1, max(panels, 1), squeeze=False)[0]
    return figure, list(made)


def _shape(field: xr.DataArray, grid: Grid) -> float:
    """Return height over width of the map as it is drawn."""
    y, x = _edges(field, str(grid.y)), _edges(field, str(grid.x))
    width = abs(x[-1] - x[0]) or 1.0
    return float(abs(y[-1] - y[0]) / width * _stretch(y, grid))


def _stretch(y: np.ndarray, grid: Grid) -> float:
    """Return how much longer a unit of y is drawn than one of x: true shapes in the middle."""
    if not grid.geographic:
        return 1.0
    middle = np.radians(np.clip(abs(y[0] + y[-1]) / 2, 0, 75))
    return float(1 / np.cos(middle))


def _edges(field: xr.DataArray, dim: str) -> np.ndarray:
    """Return the outer edges of the cells along `dim`, in the order of the data."""
    centres = (
        field[dim].values.astype(np.float64)
        if dim in field.coords
        else np.arange(field.sizes[dim], dtype=np.float64)
    )
    if centres.size == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middles = (centres[1:] + centres[:-1]) / 2
    first, last = 2 * centres[0] - middles[0], 2 * centres[-1] - middles[-1]
    return np.concatenate([[first], middles, [last]])


def _paint(axis: Axes, field: xr.DataArray, grid: Grid, **style: Any) -> Any:
    """Paint cells at their coordinates, so that north is up whichever way the data run."""
    y, x = _edges(field, str(grid.y)), _edges(field, str(grid.x))
    values = field.transpose(str(grid.y), str(grid.x), ...).values
    axis.set_facecolor(_MISSING)
    painted = axis.pcolormesh(x, y, values, rasterized=True, **style)
    axis.set_xlim(min(x[0], x[-1]), max(x[0], x[-1]))
    axis.set_ylim(min(y[0], y[-1]), max(y[0], y[-1]))
    axis.set_aspect(_stretch(y, grid))
    return painted


def _label_axes(
    axis: Axes, field: xr.DataArray, grid: Grid, *, y_labels: bool = True, alone: bool = False
) -> None:
    from matplotlib.ticker import MaxNLocator

    for spine in axis.spines.values():
        spine.set_color("#b5b5b5")
        spine.set_linewidth(0.6)
    axis.tick_params(labelsize=8, colors=_MUTED, length=3, width=0.6, labelleft=y_labels)
    steps = [1, 1.5, 2, 3, 6, 9, 10] if grid.geographic else [1, 2, 5, 10]
    # The outermost labels of neighbouring maps would run into each other.
    prune = None if alone else "both"
    axis.xaxis.set_major_locator(MaxNLocator(7, steps=steps, prune=prune))
    axis.yaxis.set_major_locator(MaxNLocator(6, steps=steps))
    if grid.geographic:
        axis.xaxis.set_major_formatter(lambda value, _: _degrees(value, "E", "W", wrap=True))
        axis.yaxis.set_major_formatter(lambda value, _: _degrees(value, "N", "S"))
        return
    for name, dim, shown in (("x", grid.x, True), ("y", grid.y, y_labels)):
        units = field[dim].attrs.get("units", "") if dim in field.coords else "cells"
        if shown:
            getattr(axis, f"set_{name}label")(
                _with_units(str(dim), str(units)), fontsize=8.5, color=_MUTED
            )


def _degrees(value: float, positive: str, negative: str, *, wrap: bool = False) -> str:
    if wrap:
        value = (value + 180) % 360 - 180 if value > 180 else value
    if abs(value) < 1e-9:
        return "0°"
    return f"{abs(value):g}°{positive if value > 0 else negative}"


def _draw_strip(axis: Axes, shares: xr.DataArray) -> None:
    """Draw the share of each role over time as a stacked strip."""
    from matplotlib.patches import Rectangle

    bottom = np.zeros(shares.sizes["time"])
    positions = np.arange(shares.sizes["time"])
    for role in ROLES:
        height = shares.sel(role=role).values
        axis.bar(positions, height, bottom=bottom, width=1.0, color=ROLE_COLOURS[role])
        bottom = bottom + height
    axis.add_patch(Rectangle((0, 0), 1, 1, transform=axis.transAxes, zorder=0.5, **_UNUSED))
    axis.set_xlim(-0.5, len(positions) - 0.5)
    axis.set_ylim(0, 1)
    axis.set_yticks([])
    shown = np.unique(np.linspace(0, len(positions) - 1, min(5, len(positions))).astype(int))
    axis.set_xticks(shown, [str(shares["time"].values[i]) for i in shown])
    axis.tick_params(labelsize=8, colors=_MUTED, length=3, width=0.6)
    axis.set_ylabel("over\ntime", fontsize=8.5, color=_MUTED, rotation=0, ha="right", va="center")
    for spine in axis.spines.values():
        spine.set_visible(False)


def _bar(
    figure: Figure, painted: Any, axes: list[Axes], label: str, extend: str, *, shrink: float
) -> None:
    bar = figure.colorbar(
        painted,
        ax=axes,
        location="bottom",
        shrink=shrink,
        aspect=42 if len(axes) > 1 else 30,
        pad=0.03,
        extend=extend,
    )
    bar.set_label(label, fontsize=9, color=_TEXT)
    bar.outline.set_linewidth(0.4)
    bar.ax.tick_params(labelsize=8, colors=_MUTED, width=0.6, length=3)


def _titles(figure: Figure, title: str, subtitle: str) -> None:
    size = 11.5 if figure.get_figwidth() > 10 else 9.5
    title = textwrap.fill(title, int(figure.get_figwidth() * 120 / size))
    text = f"{title}\n{subtitle}" if subtitle else title
    figure.suptitle(text, fontsize=size, color=_TEXT, x=0.5, linespacing=1.4)


def _with_units(name: str, units: str) -> str:
    words = name.replace("_", " ")
    return f"{words} [{units}]" if units else words


def _range(fields: list[np.ndarray]) -> tuple[float, float, str]:
    """Return a robust common range and on which ends values lie beyond it."""
    known = np.concatenate([field[np.isfinite(field)].ravel() for field in fields])
    if known.size == 0:
        return 0.0, 1.0, "neither"
    low, high = np.percentile(known, [1, 99])
    if low == high:
        low, high = low - 0.5, high + 0.5
    below, above = known.min() < low, known.max() > high
    names = {(True, True): "both", (True, False): "min", (False, True): "max"}
    return float(low), float(high), names.get((bool(below), bool(above)), "neither")


def _symmetric_limit(error: np.ndarray) -> tuple[float, str]:
    known = np.abs(error[np.isfinite(error)])
    if known.size == 0:
        return 1.0, "neither"
    limit = float(np.percentile(known, 98)) or float(known.max()) or 1.0
    return limit, "both" if known.max() > limit else "neither"


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    # No metadata: the same run gives the same bytes.
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
