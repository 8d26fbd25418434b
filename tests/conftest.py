"""What holds for every test: the signals of the process that the tests run in. Fixtures belong beside their tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Take interrupts again where a shell's background job ignores them: each child would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
