"""How much one request and one person may ask for: 413 for too large, 429 for too often."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from traitlets import Float, Integer
from traitlets.config import Configurable

from ..errors import TooLargeError

#: Persons of whom a pace is remembered; who has not asked for longest is forgotten first.
_REMEMBERED = 1000


class MLKitLimits(Configurable):
    """Limits of the routes of this extension."""

    body_bytes = Integer(2 * 1024**2, min=1, help="Largest JSON body of a request.").tag(
        config=True
    )
    depth = Integer(32, min=1, help="Deepest nesting of lists and objects in a body.").tag(
        config=True
    )
    key_length = Integer(250, min=1, help="Longest key in a body, in characters.").tag(config=True)
    string_bytes = Integer(64 * 1024, min=1, help="Longest text in a body, in bytes.").tag(
        config=True
    )
    requests_per_second = Float(
        50.0, min=0.001, help="Requests a second that one person may make for long."
    ).tag(config=True)
    requests_burst = Integer(
        200, min=1, help="Requests that one person may make at once, after a pause."
    ).tag(config=True)
    curve_points = Integer(
        10_000, min=4, max=20_000, help="Points of a curve that is asked for alone."
    ).tag(config=True)
    curves_points = Integer(
        2_000, min=4, max=20_000, help="Points of each curve where several are asked for."
    ).tag(config=True)
    runs_compared = Integer(200, min=2, max=200, help="Runs in one comparison.").tag(config=True)
    log_bytes_per_second = Integer(
        64 * 1024, min=1, help="Bytes a second of jobs' output that one person may read for long."
    ).tag(config=True)
    log_burst = Integer(
        1024**2, min=1, help="Bytes of jobs' output that one person may read at once."
    ).tag(config=True)


class Pace:
    """Lets each key do `rate` things a second for long, and `burst` at once.

    Used on the event loop only.
    """

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, key: str) -> float:
        """Return how many seconds `key` has to wait for the next thing; 0 if it may now."""
        return max(0.0, (1.0 - self._now_left(key)) / self._rate)

    def take(self, key: str, amount: float = 1.0) -> None:
        """Note what `key` has done; more than is left makes it wait longer."""
        left = self._now_left(key) - amount
        self._left.pop(key, None)  # the last to ask stands last
        self._left[key] = (left, self._clock())
        if len(self._left) > _REMEMBERED:
            del self._left[next(iter(self._left))]

    def _now_left(self, key: str) -> float:
        left, since = self._left.get(key, (self._burst, self._clock()))
        return min(self._burst, left + (self._clock() - since) * self._rate)


def check_shape(value: Any, limits: MLKitLimits) -> None:
    """Refuse JSON that is too deep, or has too long keys or texts.

    Raises
    ------
    TooLargeError
        Its ``field`` is the path of what is too large.
    """
    waiting: list[tuple[Any, str, int]] = [(value, "", 1)]
    while waiting:
        found, path, depth = waiting.pop()
        if isinstance(found, str):
            if len(found.encode(errors="surrogatepass")) > limits.string_bytes:
                raise TooLargeError(
                    f"A text has more than {limits.string_bytes} bytes.", field=path or None
                )
            continue
        if isinstance(found, dict):
            for key in found:
                if len(key) > limits.key_length:
                    raise TooLargeError(
                        f"The key '{key[:40]}…' has more than {limits.key_length} characters.",
                        field=path or None,
                    )
            inner = [(item, f"{path}.{key}".strip("."), depth + 1) for key, item in found.items()]
        elif isinstance(found, list):
            inner = [(item, f"{path}.{i}".strip("."), depth + 1) for i, item in enumerate(found)]
        else:
            continue
        if depth > limits.depth:
            raise TooLargeError(
                f"Lists and objects are nested more than {limits.depth} deep.", field=None
            )
        waiting += inner
