"""How a command that has something to put in order ends when it is told to. What is put in order is its own."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ended_cleanly() -> Iterator[None]:
    """Make SIGTERM and SIGHUP end the block as Ctrl-C does, by an exception; the exit code is 128 + signal.

    A signal that is not heeded (`nohup`) stays so.
    """

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    heeded = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) not in (signal.SIG_IGN, None)]
    before = {number: signal.signal(number, end) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
