"""The names by which a run's process is told from a step's. Nothing else belongs here."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerProcess

_RUN = "namecard-run-"


def name_process(run_id: str) -> str:
    """Name the process of a run."""
    return f"{_RUN}{run_id}"


def is_step_process() -> bool:
    """Tell whether this process is a step's: forked for a run, and not the run's own, which outlives its server."""
    current = multiprocessing.current_process()
    return isinstance(current, ForkServerProcess) and not current.name.startswith(_RUN)
