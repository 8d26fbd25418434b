"""How long something may take in all, whatever its parts may take each. What is asked in that time is elsewhere.

A limit is seen by everything that is called inside it in the same thread, or in one that was given its context.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

_LEAST_SECONDS = 0.01
_END: ContextVar[float | None] = ContextVar("the moment at which the time is spent", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limit what is asked inside to so many seconds in all; an outer limit that ends earlier stays."""
    outer, end = _END.get(), time.monotonic() + seconds
    token = _END.set(end if outer is None else min(outer, end))
    try:
        yield
    finally:
        _END.reset(token)


def seconds_left(at_most: float) -> float:
    """Give how long the next step may take: `at_most`, or what the limit leaves; never nothing."""
    end = _END.get()
    return at_most if end is None else max(_LEAST_SECONDS, min(at_most, end - time.monotonic()))


def is_spent() -> bool:
    """Tell whether the time is over; without a limit it never is."""
    end = _END.get()
    return end is not None and time.monotonic() >= end


class Cut:
    """Cuts a connected socket once a time is over: whoever waits for the other end is then told that it is gone.

    For libraries that know no such limit of their own. `file_number` may be closed by its owner only outside.
    """

    def __init__(self, file_number: int, seconds: float) -> None:
        self._file_number = file_number
        self._lock = threading.Lock()
        self._over = False
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self.was_made = False

    def __enter__(self) -> Cut:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._over = True

    def _cut(self) -> None:
        with self._lock:
            if self._over:
                return
            self.was_made = True
            # A copy of the descriptor: closing it leaves the owner's open.
            with suppress(OSError), socket.socket(fileno=os.dup(self._file_number)) as held:
                held.shutdown(socket.SHUT_RDWR)
