"""Keras, scikit-learn and plain loops train on the batches."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jupyter_mlkit.cubes.loaders.numpy import epochs
from jupyter_mlkit.cubes.loaders.sklearn import partial_fit
from jupyter_mlkit.cubes.sampling.sampler import Sampler
from jupyter_mlkit.errors import SpecError

Make = Callable[..., Sampler]

_KERAS = """
import os, sys
os.environ["KERAS_BACKEND"] = "torch"
import keras, numpy as np, xarray as xr
from jupyter_mlkit.cubes.loaders.keras import fit_arguments
from jupyter_mlkit.cubes.sampling.sampler import Sampler
from jupyter_mlkit.cubes.splits.blocks import BlockSplit

ds = xr.open_zarr(sys.argv[1], chunks=None, consolidated=False)
split = BlockSplit({"lat": "3 deg", "lon": "3 deg"}, seed=2)
seen = []
class Count(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None): seen.append(0)
    def on_train_batch_end(self, batch, logs=None): seen[-1] += 1

for window in (None, {"lat": 5, "lon": 5}):
    make = lambda role: Sampler(ds, ["a"], "b", split=split, roles=[role], input_dims=window,
                                batch_size=64, fill_nan="constant" if window else None)
    train, validation = make("train"), make("validation")
    shape = (1,) if window is None else (5, 5, 1)
    model = keras.Sequential([keras.Input(shape), keras.layers.Rescaling(0.01),
                              keras.layers.Dense(1)])
    model.compile("adam", "mse")
    history = model.fit(**fit_arguments(train, validation), epochs=2, verbose=0,
                        callbacks=[Count()])
    assert np.isfinite(history.history["loss"]).all(), history.history
    assert np.isfinite(history.history["val_loss"]).all(), history.history
    assert seen[-2:] == [len(train)] * 2, (seen, len(train))
print("fine")
"""


def test_keras_fits_whole_epochs(store: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _KERAS, str(store)], capture_output=True, text=True, timeout=200
    )
    assert done.stdout.strip().endswith("fine"), done.stderr[-2000:]


def test_partial_fit_comes_to_the_least_squares_line(make: Make) -> None:
    from sklearn.linear_model import SGDRegressor

    class Scaled(SGDRegressor):
        def partial_fit(self, X, y, sample_weight=None):  # type: ignore[no-untyped-def] # noqa: N803
            return super().partial_fit((X - 280) / 10, (y - 560) / 20, sample_weight)

    model = partial_fit(Scaled(penalty=None, random_state=0), make(), epochs=20)
    assert model.coef_[0] == pytest.approx(1, abs=0.02)
    assert model.intercept_[0] == pytest.approx(0, abs=0.02)


def test_classifiers_know_all_classes_before_the_first_batch(make: Make) -> None:
    from sklearn.naive_bayes import GaussianNB

    sampler = make()
    ds = sampler.ds.assign(warm=(sampler.ds["a"] > 280).astype("i2"))
    model = partial_fit(GaussianNB(), Sampler(ds, ["a"], "warm"), classes=[0, 1, 2])
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.predict([[250.0], [310.0]]).tolist() == [0, 1]


def test_what_cannot_stream_is_refused(make: Make) -> None:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import SGDRegressor

    with pytest.raises(SpecError, match="RandomForestRegressor cannot"):
        partial_fit(RandomForestRegressor(), make())
    with pytest.raises(SpecError, match="not a window"):
        partial_fit(SGDRegressor(), make(input_dims={"lat": 3}))


def test_epochs_have_orders_of_their_own(make: Make) -> None:
    sampler = make()
    per_epoch = len(sampler)
    batches = list(epochs(sampler, 3))
    assert len(batches) == 3 * per_epoch
    parts = [np.concatenate([b.cell for b in batches[i::1][:per_epoch]]) for i in (0, per_epoch)]
    assert not np.array_equal(*parts)
    np.testing.assert_array_equal(*map(np.sort, parts))
