"""How a command that has something to put in order ends when it is told to. What is put in order is its own."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_cleanly() -> Iterator[None]:
    """Make SIGTERM and SIGHUP end the block as Ctrl-C does, by an exception; the exit code is 128 + signal.

    A signal that is not heeded (`nohup`) stays so. Once the end has begun no other signal breaks it: a terminal that is
    closed sends more than one.
    """
    before = {one: handler for one in _SIGNALS if (handler := signal.getsignal(one)) not in (signal.SIG_IGN, None)}

    def end(number: int, _frame: object) -> None:
        # Not SIG_IGN: one that came at the same moment would be called a race.
        for one in before:
            signal.signal(one, lambda *_: None)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    for one in before:
        signal.signal(one, end)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
