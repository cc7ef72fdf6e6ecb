"""How well a sampler mixes: its batches beside those of a full permutation of all samples.

A full permutation needs the whole cube in memory, or decodes a chunk for each sample; a sampler
decodes each chunk once and mixes what is open. What that costs a training is measured on a field
whose autocorrelation is known, for single cells, patches and windows in time: how many chunks a
batch holds; how many pairs within a batch lie closer than the autocorrelation length; how many
independent samples a batch is worth, by the scatter of its mean; and how far a straight line that
SGD learns with a constant step stays from the best one. One chunk after the other, each shuffled
within itself, stands beside it as what a simple loader does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from jupyter_mlkit.cubes.demo.smooth import SmoothField
from jupyter_mlkit.cubes.sampling.sampler import Sampler

#: Where the variogram of the field reaches its sill.
RANGE_DEG, RANGE_DAYS = 20.0, 60.0
#: Days that the cube spans, chunks of it along each dim, and how much larger than the buffer of
#: the sampler it is: as 4 GB are than the usual one.
DAYS, CHUNKS, BUFFERS = 480.0, (4, 6, 12), 16
PERMUTATION, OURS, CHUNKWISE = "full permutation", "Sampler", "chunk after chunk"
#: Samples of a batch, and the arguments of the sampler.
CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "cells": (1024, {}),
    "patches of 16 x 16": (32, {"input_dims": {"lat": 16, "lon": 16}}),
    "windows of 10 steps": (256, {"input_dims": {"time": 10}}),
}
_PAIRS, _LEARNING_RATE = 500, 0.1
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """All samples of a cube, in the order of an epoch.

    Attributes
    ----------
    place : ndarray, shape (n, 3)
        Time, latitude and longitude as positions.
    chunk : ndarray, shape (n,)
    x : ndarray, shape (n, 3)
        One, and the means of both features.
    y : ndarray, shape (n,)
        The mean of the target.
    """

    place: NDArray[np.int64]
    chunk: NDArray[np.int64]
    x: Floats
    y: Floats

    def taken(self, order: NDArray[np.int64]) -> Samples:
        """Return the same samples in another order."""
        return Samples(self.place[order], self.chunk[order], self.x[order], self.y[order])


def make_cube(path: Path, chunk: int) -> xr.Dataset:
    """Write a cube of two features and a target that they explain in part."""
    shape = n_time, n_lat, n_lon = tuple(n * chunk for n in CHUNKS)
    days = np.arange(n_time) * DAYS / n_time
    lat = 60 - (np.arange(n_lat) + 0.5) * 120 / n_lat
    lon = -180 + (np.arange(n_lon) + 0.5) * 360 / n_lon
    a, b, local = (
        SmoothField([7, i], range_deg=RANGE_DEG, range_days=RANGE_DAYS).at(days, lat, lon)
        for i in range(3)
    )
    noise = np.random.default_rng(7).standard_normal(shape)
    dims = ("time", "lat", "lon")
    time = np.datetime64("2001-01-01", "ns") + (days * 86_400e9).astype("timedelta64[ns]")
    ds = xr.Dataset(
        {
            "a": (dims, a.astype(np.float32)),
            "b": (dims, b.astype(np.float32)),
            "target": (dims, (a + 0.5 * b + local + 0.5 * noise).astype(np.float32)),
        },
        coords={
            "time": time,
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    )
    ds.chunk(dict.fromkeys(dims, chunk)).to_zarr(path, zarr_format=2)
    return xr.open_zarr(path, chunks=None)


def epoch(sampler: Sampler, number: int, chunk: int) -> Samples:
    """Return the samples of an epoch as the sampler gives them, but those that cross an edge."""
    sampler.set_epoch(number)
    place, x, y = [], [], []
    for batch in sampler:
        assert batch.y is not None
        n = len(batch)
        whole = batch.valid.reshape(n, -1).all(axis=1)
        means = batch.X.reshape(n, 2, -1).mean(axis=2, dtype=np.float64)
        place.append(batch.origin[whole])
        x.append(np.column_stack([np.ones(n), means])[whole])
        y.append(batch.y.reshape(n, -1).mean(axis=1, dtype=np.float64)[whole])
    where = np.concatenate(place)
    numbers = np.ravel_multi_index(tuple((where // chunk).T), CHUNKS)
    return Samples(where, numbers, np.concatenate(x), np.concatenate(y))


def orders(samples: Samples, rng: np.random.Generator) -> Iterator[tuple[str, Samples]]:
    """Yield the samples as they came and in the orders that they are compared with."""
    yield OURS, samples
    n = samples.y.size
    yield PERMUTATION, samples.taken(rng.permutation(n))
    chunks, chunk = np.unique(samples.chunk, return_inverse=True)
    turn = rng.permutation(chunks.size)[chunk.ravel()]
    yield CHUNKWISE, samples.taken(np.lexsort((rng.random(n), turn)))


def measured(samples: Samples, ds: xr.Dataset, batch: int, seed: int) -> dict[str, float]:
    """Return the figures of one order of an epoch."""
    full = samples.y.size // batch
    chunk = samples.chunk[: full * batch].reshape(full, batch)
    means = samples.y[: full * batch].reshape(full, batch).mean(axis=1)
    # What the means of batches scatter by where each is drawn from all samples alike.
    alone = samples.y.var() / batch * (1 - batch / samples.y.size)
    return {
        "chunks of a batch": float(np.median([np.unique(row).size for row in chunk])),
        "pairs closer than the range": near_pairs(samples, ds, full, batch, seed),
        "worth of a batch": float(min(1.0, alone / np.mean((means - samples.y.mean()) ** 2))),
        "excess loss of SGD": excess_loss(samples, batch),
    }


def near_pairs(samples: Samples, ds: xr.Dataset, full: int, batch: int, seed: int) -> float:
    """Return the share of pairs within a batch that lie closer than the field's range."""
    rng = np.random.default_rng(seed)
    pairs = max(_PAIRS, 100_000 // full)
    one, other = rng.integers(0, batch, (2, full, pairs))
    one = np.where(one == other, (one + 1) % batch, one)
    first = np.arange(full)[:, None] * batch
    time, lat, lon = (
        [samples.place[(first + side).ravel(), axis] for side in (one, other)] for axis in range(3)
    )
    theta, phi = np.radians(ds["lat"].values), np.radians(ds["lon"].values)
    a, b = (
        np.stack([np.cos(theta[i]) * np.cos(phi[j]), np.cos(theta[i]) * np.sin(phi[j]),
                  np.sin(theta[i])])
        for i, j in zip(lat, lon, strict=True)
    )  # fmt: skip
    chord = np.sqrt(((a - b) ** 2).sum(axis=0)) / (2 * np.sin(np.radians(RANGE_DEG) / 2))
    days = DAYS / ds.sizes["time"] * np.abs(time[0] - time[1]) / RANGE_DAYS
    return float((np.hypot(chord, days) < 1).mean())


def excess_loss(samples: Samples, batch: int) -> float:
    """Return by how much the loss of a line learnt by SGD exceeds the least, in percent.

    The mean over the second half of an epoch, which begins at the best line.
    """
    x, y = samples.x, samples.y
    hessian = x.T @ x / y.size
    best = np.linalg.solve(hessian, x.T @ y / y.size)
    least = np.mean((x @ best - y) ** 2)
    line, excess = best.copy(), []
    for start in range(0, y.size - batch + 1, batch):
        rows = slice(start, start + batch)
        line -= _LEARNING_RATE * x[rows].T @ (x[rows] @ line - y[rows]) / batch
        excess.append((line - best) @ hessian @ (line - best) / least)
    return float(100 * np.mean(excess[len(excess) // 2 :]))


def measure(chunk: int, epochs: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return the figures by case and order, means over epochs."""
    rng = np.random.default_rng(0)
    found: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        ds = make_cube(Path(folder) / "cube.zarr", chunk)
        for case, (batch, options) in CASES.items():
            # Of a cube this small the usual buffer would hold far too large a share.
            sampler = Sampler(
                ds, ["a", "b"], "target", batch_size=batch, buffer_bytes=ds.nbytes // BUFFERS,
                **options,
            )  # fmt: skip
            told: dict[str, list[dict[str, float]]] = {}
            for number in range(epochs):
                for order, samples in orders(epoch(sampler, number, chunk), rng):
                    told.setdefault(order, []).append(measured(samples, ds, batch, number))
            found[case] = {
                order: {name: float(np.mean([one[name] for one in each])) for name in each[0]}
                for order, each in told.items()
            }
    return found


def rows(
    found: dict[str, dict[str, dict[str, float]]], chunk: int, epochs: int
) -> list[dict[str, Any]]:
    """Return the rows of the benchmark: each figure beside that of a full permutation."""
    units = {
        "chunks of a batch": ("1", True),
        "pairs closer than the range": ("1", False),
        "worth of a batch": ("1", True),
        "excess loss of SGD": ("%", False),
    }
    conditions = {
        "chunks": list(CHUNKS),
        "cells of a chunk along each dim": chunk,
        "size of the cube in buffers": BUFFERS,
        "epochs": epochs,
        "processors": os.cpu_count(),
        "python": platform.python_version(),
    }
    return [
        {
            "name": f"mixing of {case}, {order}: {name}",
            "value": round(value, 5),
            "unit": units[name][0],
            "higher_is_better": units[name][1],
            "peer": PERMUTATION,
            "peer_value": round(orders_of[PERMUTATION][name], 5),
            "limit_value": None,
            "ratio_to_peer": round(value / orders_of[PERMUTATION][name], 3),
            "ratio_to_limit": None,
            "conditions": conditions,
        }
        for case, orders_of in found.items()
        for order in (OURS, CHUNKWISE)
        for name, value in orders_of[order].items()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller cube, one epoch")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    options = parser.parse_args(arguments)
    chunk, epochs = (16, 1) if options.quick else (32, 3)
    found = measure(chunk, epochs)
    print("| samples, batch | order | chunks of a batch | near pairs | worth | excess loss |")
    print("|---|---|---|---|---|---|")
    for case, told in found.items():
        for order in (PERMUTATION, OURS, CHUNKWISE):
            one = told[order]
            print(
                f"| {case}, {CASES[case][0]} | {order} | {one['chunks of a batch']:.0f} | "
                f"{one['pairs closer than the range']:.1%} | {one['worth of a batch']:.0%} | "
                f"{one['excess loss of SGD']:.2g} % |"
            )
    if options.json:
        options.json.write_text(json.dumps(rows(found, chunk, epochs), indent=1))


if __name__ == "__main__":
    main()
