"""Take what a training logs: whatever the disk does, the training goes on."""

from __future__ import annotations

import logging

from .entries import METRIC as _METRIC
from .entries import Entry, Metric, Missed, encoded, metric_payload
from .writer import Writer

_log = logging.getLogger("jupyter_mlkit.tracking")


class Recorder:
    """Writes the entries of one run.

    When a call returns, its entry is in the journal, or counted as missed and a warning was
    logged: once for each time that the disk began to refuse, not once for each call. How many
    entries were missed is written as soon as the disk takes them again.

    Parameters
    ----------
    writer : Writer

    Attributes
    ----------
    missed : int
        Entries that could not be kept.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._keys: dict[str, bytes] = {}
        self._untold = 0
        self.missed = 0

    def metric(self, key: str, value: float, timestamp: int, step: int) -> None:
        """Keep a value of a metric.

        Parameters
        ----------
        key : str
        value : float
        timestamp : int
            Milliseconds since 1970-01-01 UTC.
        step : int

        Raises
        ------
        InvalidInputError
            It cannot be kept as it is.
        """
        name = self._keys.get(key)
        if name is None:
            # Refuses what is no text; names of a training are few.
            encoded(Metric(key, 0.0, 0, 0))
            name = self._keys[key] = key.encode()
        entry = _METRIC, metric_payload(name, value, timestamp, step)
        if self._untold:
            self._append(entry)
            return
        try:
            self._writer.append(entry)
        except OSError as error:
            self._miss(1, error)

    def record(self, *entries: Entry) -> None:
        """Keep other entries, or none of them.

        Raises
        ------
        InvalidInputError
            One of them cannot be kept as it is.
        """
        if entries:
            self._append(*[encoded(entry) for entry in entries])

    def close(self) -> None:
        """Say that nothing more comes."""
        try:
            self._writer.close()
        except OSError as error:
            _log.warning("The end of a journal could not be written: %s.", error)

    def _append(self, *entries: tuple[int, bytes]) -> None:
        if self._untold:
            self._append_after_a_miss(entries)
            return
        try:
            self._writer.append(*entries)
        except OSError as error:
            self._miss(len(entries), error)

    def _append_after_a_miss(self, entries: tuple[tuple[int, bytes], ...]) -> None:
        with self._writer.lock:
            # At once, as a handler of a signal may log meanwhile.
            untold, self._untold = self._untold, 0
            before = [encoded(Missed(untold))] if untold else []
            try:
                self._writer.append(*before, *entries)
            except OSError:
                self._untold += untold + len(entries)
                self.missed += len(entries)
                return
        if untold:
            _log.warning("The journal can be written again; %d entries are missing.", untold)

    def _miss(self, entries: int, error: OSError) -> None:
        with self._writer.lock:
            first = not self._untold
            self._untold += entries
            self.missed += entries
        if first:
            _log.warning(
                "What is logged from now on is not kept: %s. The training goes on; free some "
                "space, and logging goes on too.",
                error,
            )
