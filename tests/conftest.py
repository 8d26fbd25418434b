"""What holds for every test: signals, and how many run side by side. Fixtures belong beside their tests."""

from __future__ import annotations

import os
import signal


def pytest_configure() -> None:
    """Take interrupts again where a shell's background job ignores them: each child would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Run one more than there are processors: many tests wait for a time limit, and none for another."""
    return (os.cpu_count() or 1) + 1
