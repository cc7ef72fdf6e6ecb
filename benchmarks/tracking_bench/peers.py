"""Ways to log a scalar with other trackers; runs in an environment that may lack this package."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .order import Order

Call = Callable[[float, int], object]


@contextmanager
def wandb(order: Order) -> Iterator[Call]:
    """Log with Weights & Biases, offline."""
    os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_CONSOLE": "off"}
    import wandb as package

    run = package.init(project="bench", dir=str(order.folder))
    yield lambda value, step: run.log({"loss": value}, step=step)
    run.finish()


def wandb_found(folder: Path) -> int:
    """Return how many values the file of an offline run has."""
    from wandb.proto import wandb_internal_pb2

    (path,) = folder.glob("wandb/offline-run-*/*.wandb")
    found = 0
    for data in _leveldb(path.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        items = record.history.item if record.WhichOneof("record_type") == "history" else ()
        found += any("loss" in (item.key, *item.nested_key) for item in items)
    return found


def _leveldb(data: bytes) -> Iterator[bytes]:
    """Yield the whole records of a log in LevelDB's format, with W&B's seven bytes before it."""
    at, parts = 7, b""
    while at + 7 <= len(data):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        parts += data[at + 7 : at + 7 + length]
        at += 7 + length
        if at > len(data) or not kind:
            return
        if kind in (1, 4):  # whole, or the last part
            yield parts
            parts = b""


@contextmanager
def aim(order: Order) -> Iterator[Call]:
    """Log with Aim."""
    from aim import Run

    run = Run(repo=str(order.folder), log_system_params=False, system_tracking_interval=None)
    yield lambda value, step: run.track(value, name="loss", step=step)
    run.close()


def aim_found(folder: Path) -> int:
    """Return how many values a repository has, by the last step that it knows of."""
    from aim import Repo

    repo, found = Repo(str(folder)), 0
    for name in repo.list_all_runs():
        chunk = repo.request_tree("meta", name, read_only=True).subtree(("meta", "chunks", name))
        for traces in chunk.collect().get("traces", {}).values():
            found += traces.get("loss", {}).get("last_step", -1) + 1
    return found


@contextmanager
def tensorboard(order: Order) -> Iterator[Call]:
    """Log with torch's writer of TensorBoard's files."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(order.folder / "events"))
    yield lambda value, step: writer.add_scalar("loss", value, step)
    writer.close()


@contextmanager
def tensorboardx(order: Order) -> Iterator[Call]:
    """Log with tensorboardX."""
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(order.folder / "events"))
    yield lambda value, step: writer.add_scalar("loss", value, step)
    writer.close()


@contextmanager
def tensorflow(order: Order) -> Iterator[Call]:
    """Log with TensorFlow's own writer."""
    import tensorflow

    writer = tensorflow.summary.create_file_writer(str(order.folder / "events"))
    with writer.as_default():
        yield lambda value, step: tensorflow.summary.scalar("loss", value, step=step)
    writer.close()


def tensorboard_found(folder: Path) -> int:
    """Return how many values the files of TensorBoard have."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    return sum(
        value.tag == "loss"
        for path in folder.glob("events/*")
        for event in EventFileLoader(str(path)).Load()
        for value in event.summary.value
    )
