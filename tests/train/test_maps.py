"""Maps are pictures of the right cells, the right way up."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.grids.grid import grid_of
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.models import RoleCount
from jupyter_mlkit.spec import load_spec
from jupyter_mlkit.train.figures import split_map, step_scores
from jupyter_mlkit.train.maps import draw_fields, draw_split

from .conftest import make_spec


def _field(values: np.ndarray, *, ascending: bool) -> xr.DataArray:
    lat = np.linspace(-80, 80, values.shape[0])
    if not ascending:
        lat = lat[::-1]
    lon = np.linspace(-170, 170, values.shape[1])
    ds = xr.Dataset(
        {"t": (("lat", "lon"), values)},
        {
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    )
    return ds["t"]


def _pixels(png: bytes) -> np.ndarray:
    pixels: np.ndarray = matplotlib.image.imread(io.BytesIO(png))
    return pixels


def test_north_is_up_whichever_way_the_data_run() -> None:
    north_warm = np.linspace(0, 1, 20)[:, None] * np.ones((20, 40))
    up = _field(north_warm, ascending=True)
    down = _field(north_warm[::-1], ascending=False)
    grid = grid_of(up.to_dataset())
    text = {"title": "t", "subtitle": "s", "units": "K"}
    first = draw_fields(up, up, grid, **text)
    assert first == draw_fields(down, down, grid, **text)
    assert first != draw_fields(up[::-1].assign_coords(lat=up.lat), up, grid, **text)


def test_transposed_cubes_are_drawn_alike() -> None:
    field = _field(np.random.default_rng(0).random((20, 40)), ascending=True)
    grid = grid_of(field.to_dataset())
    text = {"title": "t", "subtitle": "s", "units": "K"}
    assert draw_fields(field, field, grid, **text) == draw_fields(
        field.transpose("lon", "lat"), field, grid, **text
    )


@pytest.mark.parametrize("values", [np.full((5, 6), np.nan), np.full((5, 6), 3.0)])
def test_empty_and_constant_fields_are_drawn(values: np.ndarray) -> None:
    field = _field(values, ascending=True)
    png = draw_fields(field, field, grid_of(field.to_dataset()), title="t", subtitle="", units="")
    assert _pixels(png).ndim == 3


def test_split_shows_every_role_in_its_colour() -> None:
    field = _field(np.repeat([[0, 1, 2]], 12, axis=0).repeat(4, axis=1), ascending=True)
    counts = [RoleCount(role, 10, 5) for role in ("train", "validation", "test")]
    png = draw_split(
        field.astype(np.int8), field >= 0, grid_of(field.to_dataset()), counts, title="t"
    )
    seen = {tuple(p) for p in (_pixels(png)[..., :3] * 255).round().astype(int).reshape(-1, 3)}
    assert {(0x8F, 0xBB, 0xE0), (0xE6, 0x9F, 0x00), (0x7B, 0x2A, 0x6B)} <= seen


def test_unused_cells_have_the_colour_of_no_role() -> None:
    field = _field(np.repeat([[0, 3]], 12, axis=0).repeat(8, axis=1), ascending=True)
    counts = [RoleCount("train", 96, 5), RoleCount("buffer", 96, 5)]
    grid = grid_of(field.to_dataset())
    png = draw_split(field.astype(np.int8), field >= 0, grid, counts, title="t")
    pixels = (_pixels(png)[..., :3] * 255).round().astype(int)
    colours, pixel_counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    shares = dict(zip(map(tuple, colours.tolist()), pixel_counts / pixel_counts.sum(), strict=True))
    assert (0xE6, 0x9F, 0x00) not in shares
    assert (0x7B, 0x2A, 0x6B) not in shares
    # Grey between the hatches: a good part of the half that is unused.
    assert shares[(0xEC, 0xEC, 0xEC)] > 0.3 * shares[(0x8F, 0xBB, 0xE0)]


@pytest.mark.parametrize(
    ("split", "drawn"),
    [
        ({"kind": "gap", "shares": {"train": 0.8, "validation": 0.1, "test": 0.1}}, 1),
        ({"kind": "time", "validation_start": "2002-01-17", "test_start": "2002-01-25"}, 0),
    ],
)
def test_splits_by_date_alone_have_no_map(
    small_cube: Path, split: dict[str, object], drawn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = CubeData.from_spec(load_spec({**make_spec(small_cube), "split": split}))
    panels = []
    monkeypatch.setattr(
        "jupyter_mlkit.train.figures.draw_split",
        lambda roles, *_, **__: panels.append(roles is not None) or b"",
    )
    split_map(data, title="t")
    assert panels == [bool(drawn)]


def test_steps_are_scored_by_their_own_cells(small_cube: Path) -> None:
    data = CubeData.from_spec(load_spec(make_spec(small_cube)))
    samples = data.samples("validation")
    cells = int(np.prod([data.ds.sizes[dim] for dim in data.dims[1:]]))
    time = samples.cell // cells
    # An error of 1 K at the first step, 2 K at the second and so on.
    scores = step_scores(data, samples, samples.y + time + 1)
    assert [score.position["time"] for score in scores] == [0, 1, 2, 3]
    np.testing.assert_allclose([score.rmse for score in scores], [1, 2, 3, 4], rtol=1e-5)
    assert sum(score.cells for score in scores) == len(samples)


def test_splits_in_time_get_a_strip(small_cube: Path) -> None:
    by_place = make_spec(small_cube)
    both = make_spec(small_cube)
    both["split"] = {**both["split"], "sizes": {"time": "8D", "lat": "30 deg", "lon": "30 deg"}}
    heights = []
    for spec in (by_place, both):
        png = split_map(CubeData.from_spec(load_spec(spec)), title="t")
        assert png is not None
        heights.append(_pixels(png).shape[0])
    assert heights[1] > heights[0]
