"""At most one helper process per kernelspec, ended when nobody has asked for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .probe import Probe


class ProbePool:
    """Helper processes by key, made at need.

    Parameters
    ----------
    idle : float
        Seconds without a question after which a helper is ended.
    """

    def __init__(self, idle: float) -> None:
        self._idle = idle
        self._probes: dict[str, Probe] = {}
        self._condition = threading.Condition()
        self._culler: threading.Thread | None = None
        self._closed = False

    def get(self, key: str, make: Callable[[], Probe]) -> Probe:
        """Return the living helper of `key`, or a new one."""
        with self._condition:
            probe = self._probes.get(key)
            if probe is None or not probe.is_alive:
                probe = self._probes[key] = make()
                if self._culler is None:
                    self._culler = threading.Thread(
                        target=self._cull, name="jupyter-mlkit-probes", daemon=True
                    )
                    self._culler.start()
            probe.used = time.monotonic()
            return probe

    def discard(self, key: str, probe: Probe) -> None:
        """End a helper that is of no use."""
        with self._condition:
            if self._probes.get(key) is probe:
                del self._probes[key]
        probe.kill()

    def __len__(self) -> int:
        """Return how many helpers run."""
        with self._condition:
            return sum(probe.is_alive for probe in self._probes.values())

    def close(self, timeout: float) -> None:
        """End all helpers within about `timeout` seconds."""
        with self._condition:
            self._closed = True
            probes = list(self._probes.values())
            self._probes.clear()
            self._condition.notify_all()
        enders = [threading.Thread(target=probe.close, args=(timeout,)) for probe in probes]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()

    def _cull(self) -> None:
        """End idle helpers until none is left; then this thread ends too."""
        while True:
            with self._condition:
                if self._closed or not self._probes:
                    self._culler = None
                    return
                now = time.monotonic()
                due = {
                    key: probe
                    for key, probe in self._probes.items()
                    if not probe.is_busy and now - probe.used >= self._idle
                }
                for key in due:
                    del self._probes[key]
                if not due:
                    oldest = min(probe.used for probe in self._probes.values())
                    # A busy helper may be the oldest: look again soon, not at once.
                    self._condition.wait(max(self._idle / 10, oldest + self._idle - now))
            for probe in due.values():
                probe.close()
