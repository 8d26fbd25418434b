"""Named moments at which a process of the pipeline waits to be killed: files in a folder that both sides know.

An armed moment is met once, by the first who comes to it. Which moments there are is `trapped`'s.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

FOLDER_VARIABLE = "NAMECARD_CRASH_TRAPS"
_LOOK_SECONDS = 0.02
# A harness that died keeps nobody waiting for ever.
_PATIENCE_SECONDS = 90.0


class Traps:
    """The folder of the traps: armed by the harness, met by the pipeline's processes."""

    def __init__(self, folder: Path) -> None:
        self._armed, self._met, self._free = folder / "armed", folder / "met", folder / "free"
        self._made = [self._armed, self._met, self._free]

    def clear(self) -> None:
        """Disarm everything and let everybody go."""
        for folder in self._made:
            folder.mkdir(parents=True, exist_ok=True)
        for file in self._armed.iterdir():
            file.unlink(missing_ok=True)
        for file in self._met.iterdir():
            self.free(file.name)
            file.unlink(missing_ok=True)

    def arm(self, moment: str) -> None:
        """Make the next process that comes to a moment wait there."""
        (self._free / moment).unlink(missing_ok=True)
        (self._met / moment).unlink(missing_ok=True)
        (self._armed / moment).touch()

    def pid_at(self, moment: str) -> int | None:
        """Give the process that waits at a moment, None when nobody came yet."""
        try:
            return int((self._met / moment).read_text())
        except (FileNotFoundError, ValueError):
            return None

    def met_at(self, moment: str) -> float | None:
        """Give when a process came to a moment, in seconds since the epoch; None when none did."""
        try:
            return (self._met / moment).stat().st_mtime
        except FileNotFoundError:
            return None

    def is_free(self, moment: str) -> bool:
        """Tell whether a moment was freed since it was armed."""
        return (self._free / moment).exists()

    def free(self, moment: str) -> None:
        """Let whoever waits at a moment go on."""
        (self._free / moment).touch()

    def come_to(self, moment: str) -> None:
        """Wait at a moment if it is armed; for the pipeline's processes."""
        met = self._met / moment
        try:
            # One rename for all who come at once: one of them is caught.
            (self._armed / moment).rename(met)
        except OSError:
            return
        met.write_text(str(os.getpid()))
        end, pause = time.monotonic() + _PATIENCE_SECONDS, threading.Event()
        while not (self._free / moment).exists() and time.monotonic() < end:
            pause.wait(_LOOK_SECONDS)
