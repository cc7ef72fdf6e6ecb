"""What a sampler and the loaders are given has the wrong type: the error names the argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.compat.xbatcher import BatchGenerator
from jupyter_mlkit.cubes.loaders.keras import fit_arguments
from jupyter_mlkit.cubes.loaders.numpy import epochs
from jupyter_mlkit.cubes.loaders.sklearn import partial_fit
from jupyter_mlkit.cubes.loaders.torch import dataset
from jupyter_mlkit.cubes.sampling.sampler import Sampler
from jupyter_mlkit.errors import InvalidInputError

from .cubes import sound

WRONG: dict[str, list[Any]] = {
    "ds": [None, "cube.zarr", sound()["a"], {"a": 1}],
    "features": ["a", None, 5, [5], [["a"]], {"a": 1}],
    "target": [5, ["b"], sound()["b"]],
    "split": [5, "block", {"lat": "4 deg"}, (0.7, 0.2, 0.1)],
    "roles": ["train", None, 0, [0]],
    "mask": [5, np.ones((24, 32)), True, {"lat": 1}],
    "input_dims": [5, ["lat"], [("lat", 5)], {"lat": 2.5}, {"lat": "5"}, {"lat": True}],
    "input_overlap": [2, {"lat": 1.5}, {"lat": None}],
    "stride": [2, {"lat": 0.5}, {"lat": "2"}],
    "lags": [1, "1", [0.5], ["8D"], [True], {"a": "1"}, {"a": [1.5]}, [None]],
    "lead": ["8D", 1.5, [1], True],
    "time_gaps": [True, 0, None, "ignore"],
    "batch_size": [0, -1, 2.5, "64", True, [64]],
    "batch_dims": [5, ["time"], {"time": "2"}],
    "shuffle": ["yes", 1, None],
    "seed": ["0", 1.5, None, True],
    "buffer_bytes": [0, -5, "256 MB", 1e8],
    "straddle": [True, "keep", None, ["mask"]],
    "strict": ["no", 0],
    "drop_nan": [True, "any", ["auto"]],
    "fill_nan": [0, "median", ["mean"]],
    "constant": ["0", None, True],
    "min_valid": [-0.1, 1.1, "0.5", None, np.nan],
    "balance": [0.5, "even", {1.0: 2}, {1.0: "x"}, {"a": 0.5}],
}


def test_every_argument_is_looked_at() -> None:
    import inspect

    assert set(WRONG) == set(inspect.signature(Sampler).parameters)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_of_a_sampler_are_named(name: str) -> None:
    for value in WRONG[name]:
        given: dict[str, Any] = {"ds": sound(), "features": ["a"], "target": "b"}
        if name in ("input_overlap", "stride"):
            given["input_dims"] = {"lat": 4}
        with pytest.raises(InvalidInputError) as caught:
            Sampler(**{**given, name: value})
        assert str(caught.value.field).split(".")[0] == name
        assert caught.value.message.endswith(".")
        assert caught.value.hint


def test_whole_numbers_of_any_kind_are_taken() -> None:
    options: dict[str, Any] = {
        "input_dims": {"lat": np.int64(4)}, "stride": {"lat": np.int16(2)}, "seed": np.uint8(3),
        "lags": np.array([0, 1]), "lead": np.int32(1), "batch_size": np.int64(9),
        "min_valid": np.float32(0.5), "strict": np.bool_(False), "features": ("a",),
    }  # fmt: skip
    sampler = Sampler(sound(), **{"target": "b", **options})
    assert len(list(sampler)) == len(sampler)


@pytest.mark.parametrize(
    ("options", "code", "fix"),
    [
        ({"lags": [-1]}, "negative_lag", "lead=1"),
        ({"lags": [0, 1, -2]}, "negative_lag", "lead=2"),
        ({"lags": {"a": -3}}, "negative_lag", "lead=3"),
        ({"lags": {"a": [0, np.int64(-3)]}}, "negative_lag", "lead=3"),
        ({"lead": -1}, "negative_lead", "lead=1"),
    ],
)
def test_the_future_is_not_taken_silently(options: dict[str, Any], code: str, fix: str) -> None:
    with pytest.raises(InvalidInputError, match="after") as caught:
        Sampler(sound(), ["a"], "b", **options)
    assert caught.value.code == code
    assert fix in str(caught.value.hint)


def test_lags_of_what_is_no_feature() -> None:
    with pytest.raises(InvalidInputError, match="'z'") as caught:
        Sampler(sound(), ["a"], "b", lags={"z": 1})
    assert caught.value.field == "lags"


def _sampler() -> Sampler:
    return Sampler(sound(), ["a"], "b")


CALLS: dict[str, Callable[[], Any]] = {
    "rank": lambda: _sampler().shard("0", 2),  # type: ignore[arg-type]
    "world": lambda: _sampler().shard(0, 0),
    "even": lambda: _sampler().shard(0, 1, even="yes"),  # type: ignore[arg-type]
    "epoch": lambda: _sampler().set_epoch(-1),
    "position": lambda: _sampler().resume((0, 1)),  # type: ignore[arg-type]
    "role": lambda: _sampler().n_samples("tests"),  # type: ignore[arg-type]
    "sampler": lambda: dataset(sound()),  # type: ignore[arg-type]
    "workers": lambda: dataset(_sampler(), workers=-1),
    "train": lambda: fit_arguments([1, 2]),  # type: ignore[arg-type]
    "validation": lambda: fit_arguments(_sampler(), sound()),  # type: ignore[arg-type]
    "n": lambda: list(epochs(_sampler(), "3")),  # type: ignore[arg-type]
    "epochs": lambda: partial_fit(_Model(), _sampler(), epochs=1.5),  # type: ignore[arg-type]
    "classes": lambda: partial_fit(_Model(), _sampler(), classes=5),  # type: ignore[arg-type]
}


class _Model:
    def partial_fit(self, x: Any, y: Any) -> None:
        """Learn nothing."""


@pytest.mark.parametrize("name", CALLS)
def test_wrong_arguments_of_methods_and_loaders_are_named(name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        CALLS[name]()
    assert caught.value.field == name
    assert caught.value.hint


@pytest.mark.parametrize("load", [lambda s: list(epochs(s, 1)), lambda s: partial_fit(_Model(), s)])
def test_loaders_need_a_sampler(load: Callable[[Any], Any]) -> None:
    for value in (None, sound(), [1]):
        with pytest.raises(InvalidInputError, match="a Sampler"):
            load(value)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("ds", {"ds": "cube.zarr"}),
        ("ds", {"ds": np.ones(3)}),
        ("input_dims", {"input_dims": ["lat"]}),
        ("input_dims", {"input_dims": {"lat": 2.5}}),
        ("input_dims", {"input_dims": {"level": 2}}),
        ("input_dims", {"input_dims": {"lat": 0}}),
        ("input_overlap", {"input_overlap": 3}),
        ("input_overlap", {"input_overlap": {"lat": -1}}),
        ("batch_dims", {"batch_dims": {"time": "2"}}),
        ("batch_dims", {"batch_dims": {"level": 2}}),
    ],
)
def test_wrong_arguments_of_a_batch_generator_are_named(field: str, given: dict[str, Any]) -> None:
    options: dict[str, Any] = {"ds": sound(), "input_dims": {"lat": 4}, **given}
    with pytest.raises(InvalidInputError) as caught:
        BatchGenerator(**options)
    assert str(caught.value.field).split(".")[0] == field
    assert caught.value.hint


def test_an_array_is_a_cube_to_a_batch_generator() -> None:
    assert isinstance(BatchGenerator(sound()["a"], {"lat": np.int64(4)})[0], xr.DataArray)
