"""Who is compared, in which environment, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: Which store a tracker logs to: a file as MLflow makes it, one of ours, a server, or none.
Store = Literal["file", "server", "none"]


@dataclass(frozen=True)
class Tracker:
    """One way to log a scalar.

    Attributes
    ----------
    name : str
    call : str
        module:function within ``tracking_bench``, which logs.
    store : {"file", "server", "none"}
    found : str, optional
        module:function that counts what is left, where a store does not.
    package : str, optional
        What must be installed; in the peers' environment where `peer` is true.
    peer : bool
    journal : bool
        Whether the environment puts the journal before MLflow's store.
    """

    name: str
    call: str
    store: Store = "none"
    found: str | None = None
    package: str | None = None
    peer: bool = False
    journal: bool = False

    @property
    def environment(self) -> Mapping[str, str]:
        """What the process is given besides."""
        return {"JUPYTER_MLKIT_JOURNAL": "1" if self.journal else "0"}


OURS = Tracker("ours: recorder", "trackers:recorder", "file")
PLUGIN = Tracker("ours: mlflow.log_metric", "trackers:client", "file", journal=True)
BARE = Tracker("a bare write", "trackers:bare")
NOTHING = Tracker("mlflow.log_metric, store does nothing", "trackers:nothing", "file")
MLFLOW = (
    Tracker("MLflow to SQLite", "trackers:client", "file"),
    Tracker("MLflow to SQLite, async", "trackers:in_background", "file"),
    Tracker("MLflow to a server", "trackers:client", "server"),
    Tracker("MLflow to a server, async", "trackers:in_background", "server"),
)
_TB = "peers:tensorboard_found"
PEERS = (
    Tracker("W&B, offline", "peers:wandb", found="peers:wandb_found", package="wandb", peer=True),
    Tracker("Aim", "peers:aim", found="peers:aim_found", package="aim", peer=True),
    Tracker("TensorBoard, torch", "peers:tensorboard", found=_TB, package="torch", peer=True),
    Tracker("tensorboardX", "peers:tensorboardx", found=_TB, package="tensorboardX", peer=True),
    Tracker("TensorFlow", "peers:tensorflow", found=_TB, package="tensorflow", peer=True),
)


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes
    ----------
    calls : int
        Of one tracker in one round, at most.
    seconds : float
        For them, at most.
    kills : int
        Of each tracker.
    points : int
        Drained.
    million : int
        Points of the drain whose memory is looked at.
    sustained : float
        Seconds.
    """

    calls: int = 50_000
    seconds: float = 8.0
    kills: int = 10
    points: int = 30_000
    million: int = 1_000_000
    sustained: float = 5.0
    kill_within: tuple[float, float] = field(default=(0.2, 2.0))


FULL = Size()
QUICK = Size(5_000, 1.0, 2, 5_000, 50_000, 1.0, (0.2, 0.6))
TINY = Size(300, 0.3, 1, 1_000, 5_000, 0.2, (0.05, 0.1))
