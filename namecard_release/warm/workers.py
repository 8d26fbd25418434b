"""The run workers that were started, each as a file of its own: which process it is, whether it still runs.

Anybody on the machine can tell and stop a worker by its file, also when the server that started it is gone.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_START_TIME_FIELD = 19


@dataclass(frozen=True)
class Worker:
    """A run's process: its pid and when it started, in clock ticks since boot (None where the system does not say)."""

    pid: int
    started: int | None


class Workers:
    """The files of a folder, named by run id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, run_id: str, pid: int) -> None:
        """Note a run's process, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        started = started_at(pid)
        draft = self._file(run_id).with_suffix(".new")
        draft.write_text(f"{pid} {started if started is not None else '-'}")
        draft.replace(self._file(run_id))

    def find(self, run_id: str) -> Worker | None:
        """Give a run's process, or None when none is noted."""
        try:
            pid, _, started = self._file(run_id).read_text().partition(" ")
            return Worker(int(pid), int(started) if started.isdecimal() else None)
        except (OSError, ValueError):
            return None

    def forget(self, run_id: str) -> None:
        """Forget a run's process."""
        self._file(run_id).unlink(missing_ok=True)

    def forget_dead(self) -> None:
        """Forget the processes that are gone."""
        for file in self._folder.glob("*"):
            worker = self.find(file.name)
            if worker is None or not is_alive(worker):
                file.unlink(missing_ok=True)

    def _file(self, run_id: str) -> Path:
        # A run's id is Dagster's own; whatever it is, it names a file of this folder.
        return self._folder / run_id.replace(os.sep, "_")


def is_alive(worker: Worker) -> bool:
    """Tell whether that very process runs; a recycled pid or a zombie does not count."""
    try:
        os.kill(worker.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Somebody else's process: ours is gone.
        return False
    fields = _fields(worker.pid)
    return fields is None or (fields[0] != "Z" and worker.started in (None, int(fields[_START_TIME_FIELD])))


def interrupt(worker: Worker) -> bool:
    """Ask a worker to end, as Ctrl-C does; False when it is gone."""
    if not is_alive(worker):
        return False
    with suppress(ProcessLookupError):
        os.kill(worker.pid, signal.SIGINT)
        return True
    return False


def started_at(pid: int) -> int | None:
    """Give when a process started, in clock ticks since boot; None where the system does not say (proc(5))."""
    fields = _fields(pid)
    return None if fields is None else int(fields[_START_TIME_FIELD])


def _fields(pid: int) -> list[str] | None:
    """Give the fields of /proc/<pid>/stat from the state on: what comes before may hold any character."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
