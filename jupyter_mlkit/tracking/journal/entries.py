"""What records say: metrics in a short binary form, all else as JSON with its type.

A new type is new to older readers, which leave a segment that holds one untouched. Fields are only
ever added, and have a default.
"""

from __future__ import annotations

import struct

import msgspec

from jupyter_mlkit.errors import BackendError, InvalidInputError

from .frames import Frame
from .used import Inputs, ModelChanged, ModelCreated, Outputs

#: Kinds of records.
METRIC, OTHER = 1, 2
_METRIC = struct.Struct("<dqqH")
_INT64 = range(-(2**63), 2**63)
_MOST_KEY = 2**16 - 1
#: States of MLflow after which nothing more is expected.
_OVER = frozenset({"FINISHED", "FAILED", "KILLED"})


class Metric(msgspec.Struct, frozen=True):
    """A value of a metric.

    Attributes
    ----------
    key : str
    value : float
        Kept to the bit.
    timestamp : int
        Milliseconds since 1970-01-01 UTC, as MLflow has it.
    step : int
    model, dataset, digest : str, optional
        The logged model and the dataset that the value belongs to.
    """

    key: str
    value: float
    timestamp: int
    step: int
    model: str | None = None
    dataset: str | None = None
    digest: str | None = None


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The first entry of a segment: who writes it.

    Attributes
    ----------
    run, writer : str
    segment : int
        Counted by the writer from 1.
    version : str
        Of this package.
    pid : int
    started, boot, machine : str
        Tell the process from any other that has or had its pid.
    kernel : str
        Id of the kernel; empty where it is none.
    """

    run: str
    writer: str
    segment: int
    version: str
    pid: int
    started: str
    boot: str
    machine: str
    kernel: str = ""


class Created(msgspec.Struct, frozen=True, tag=True):
    """The run itself, as it was asked for.

    Attributes
    ----------
    experiment : str
        Id in the store, or one of :class:`.ids.Ids`.
    name, user : str
    start_time : int
        Milliseconds since 1970-01-01 UTC.
    artifacts : str
        URI of its files: where the store puts them, else where they wait.
    tags : dict
    run : str or None
        Id in the store; None where the store could not be asked and the run is still to be made.
    """

    experiment: str
    name: str
    user: str
    start_time: int
    artifacts: str
    tags: dict[str, str]
    run: str | None = None


class Params(msgspec.Struct, frozen=True, tag=True):
    """Parameters that were given in one call."""

    values: dict[str, str]


class Tags(msgspec.Struct, frozen=True, tag=True):
    """Tags that were set in one call; None deletes one."""

    values: dict[str, str | None]


class Updated(msgspec.Struct, frozen=True, tag=True):
    """A new state, end or name of the run; None leaves it as it is."""

    status: str | None = None
    end_time: int | None = None
    name: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether the run has come to its end."""
        return self.status in _OVER


class Missed(msgspec.Struct, frozen=True, tag=True):
    """So many entries before this one could not be kept, as the disk took none."""

    entries: int


class Closed(msgspec.Struct, frozen=True, tag=True):
    """The last entry of a writer: it will write no more."""


Other = (
    Opened | Created | Params | Tags | Updated | Missed | Closed
    | Inputs | Outputs | ModelCreated | ModelChanged
)  # fmt: skip
Entry = Metric | Other


class _Extra(msgspec.Struct, frozen=True, omit_defaults=True):
    model: str | None = None
    dataset: str | None = None
    digest: str | None = None


_other = msgspec.json.Decoder(Other)
_extra = msgspec.json.Decoder(_Extra)
_encode = msgspec.json.Encoder().encode


def metric_payload(
    key: bytes, value: float, timestamp: int, step: int, extra: bytes = b""
) -> bytes:
    """Return the payload of a metric: the fast path of every ``log_metric``.

    Raises
    ------
    InvalidInputError
        ``not_a_metric``: step or time do not fit 64 bits, or the key is too long.
    """
    try:
        return _METRIC.pack(value, timestamp, step, len(key)) + key + extra
    except (struct.error, OverflowError, TypeError) as error:
        raise _refused(key, value, timestamp, step) from error


def encoded(entry: Entry) -> tuple[int, bytes]:
    """Return kind and payload of an entry.

    Raises
    ------
    InvalidInputError
        ``not_a_metric``, or ``not_text`` where a text holds half of a character.
    """
    try:
        if not isinstance(entry, Metric):
            return OTHER, _encode(entry)
        extra = b""
        if entry.model or entry.dataset or entry.digest:
            extra = _encode(_Extra(entry.model, entry.dataset, entry.digest))
        key = entry.key.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            f"{ascii(entry)[:200]} holds half of a character (a lone surrogate).",
            hint="Name it with whole Unicode characters.",
            code="not_text",
        ) from error
    return METRIC, metric_payload(key, entry.value, entry.timestamp, entry.step, extra)


def decoded(frame: Frame) -> Entry:
    """Return what a record says.

    Raises
    ------
    BackendError
        ``newer_journal``: a later version of this package wrote it.
    """
    try:
        if frame.kind == METRIC:
            value, timestamp, step, length = _METRIC.unpack_from(frame.payload)
            rest = frame.payload[_METRIC.size :]
            extra = _extra.decode(rest[length:]) if len(rest) > length else _Extra()
            key = rest[:length].decode()
            return Metric(key, value, timestamp, step, extra.model, extra.dataset, extra.digest)
        if frame.kind == OTHER:
            other: Other = _other.decode(frame.payload)
            return other
    except (msgspec.DecodeError, struct.error, UnicodeDecodeError) as error:
        raise _newer(frame) from error
    raise _newer(frame)


def _newer(frame: Frame) -> BackendError:
    return BackendError(
        f"Record {frame.number} of the journal is of a kind that this version does not know.",
        hint="Update jupyter_mlkit here; what is in the journal is kept until then.",
        code="newer_journal",
    )


def _refused(key: bytes, value: object, timestamp: object, step: object) -> InvalidInputError:
    name = key[:80].decode(errors="replace")
    if len(key) > _MOST_KEY:
        why = f"its name has {len(key):,} bytes, {_MOST_KEY:,} at most can be kept"
    elif not isinstance(step, int) or step not in _INT64:
        why = f"step {step!r} is no whole number of 64 bits"
    elif not isinstance(timestamp, int) or timestamp not in _INT64:
        why = f"time {timestamp!r} is no whole number of 64 bits"
    else:
        why = f"{value!r} is no number"
    return InvalidInputError(
        f"Metric {name!r} cannot be logged: {why}.",
        hint="Give a float, and a step that counts.",
        code="not_a_metric",
    )
