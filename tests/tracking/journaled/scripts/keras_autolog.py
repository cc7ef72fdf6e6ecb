"""A network under Keras' autologging."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import mlflow
import numpy as np

mlflow.set_experiment("autologged")
mlflow.keras.autolog(log_models=False)
keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
X = rng.normal(size=(64, 3)).astype("float32")
y = X.sum(axis=1)
model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse", metrics=["mae"])
model.fit(X, y, epochs=3, batch_size=16, validation_split=0.25, verbose=0, shuffle=False)
