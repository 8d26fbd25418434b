"""A rate that all threads of this process keep together, and waits after refusals. When to give up is not here."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from threading import Event, Lock

_FIRST_SECONDS, _LONGEST_SECONDS = 0.2, 20.0


class SteadyPacer:
    """At most so many a second, evenly; None is as fast as it goes. Keeps the port `Pacer`."""

    def __init__(
        self,
        rate: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._ended = Event()
        self._rate, self._clock, self._sleep, self._draw = rate, clock, sleep or self._ended.wait, draw
        self._lock = Lock()
        self._next = 0.0

    def take(self, number: int) -> None:
        """Wait until so many more may be sent."""
        if self._rate is None:
            return
        with self._lock:
            now = self._clock()
            start = max(now, self._next)
            self._next = start + number / self._rate
        if start > now:
            self._sleep(start - now)

    def back_off(self, attempt: int) -> None:
        """Wait between half and all of 0.2 s doubled at each attempt, at most 20 s; everybody else waits as well."""
        seconds = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2**attempt) * (0.5 + self._draw() / 2)
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)
        self._sleep(seconds)

    def end(self) -> None:
        """Wake everybody who waits: from now on nobody waits for anything."""
        self._ended.set()
