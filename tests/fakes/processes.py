"""Waiting for processes of others to begin and to end, without sleeping."""

from __future__ import annotations

import os
import select
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


class PidPipe:
    """A named pipe that commands write process ids into, one a line."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        # For reading and writing, so that opening it waits for nobody.
        self._file = os.open(path, os.O_RDWR)

    def read(self, count: int, seconds: float) -> list[int]:
        """Read that many ids; fails when none comes for so long."""
        told = b""
        while told.count(b"\n") < count:
            assert select.select([self._file], [], [], seconds)[0], "the command did not begin in time"
            told += os.read(self._file, 4096)
        return [int(line) for line in told.split()]

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._file)


def all_gone(pids: Sequence[int], seconds: float) -> bool:
    """Wait until every process has ended, each for so long at most."""
    return all(_gone(pid, seconds) for pid in pids)


def _gone(pid: int, seconds: float) -> bool:
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            return bool(select.select([handle], [], [], seconds)[0])
        finally:
            os.close(handle)
    return True
