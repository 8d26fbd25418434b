"""The names by which Dagster's processes are told apart: a run, a step, the daemon. Nothing else belongs here."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerProcess

_RUN = "namecard-run-"

# Set for the daemon alone: what a run or a code server kept would count against PostgreSQL's connections for its life.
KEEP_VARIABLE = "NAMECARD_RELEASE_KEEP_CONNECTIONS"


def name_process(run_id: str) -> str:
    """Name the process of a run."""
    return f"{_RUN}{run_id}"


def is_step_process() -> bool:
    """Tell whether this process is a step's: forked for a run, and not the run's own, which outlives its server."""
    current = multiprocessing.current_process()
    return isinstance(current, ForkServerProcess) and not current.name.startswith(_RUN)
