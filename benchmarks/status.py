"""How long `namecard-release status` takes as a program of its own, beside an interpreter that does nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.bench import Bench, Spread, spread

_TIMES = 7


def measure_status(bench: Bench) -> tuple[Spread, Spread]:
    """Give the seconds of `status` and of `python -c pass`, alternating."""
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(_TIMES):
        ours.append(timed(lambda: bench.call("status")))
        bare.append(timed(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)))
    return spread(ours), spread(bare)


def timed(work: Callable[[], object]) -> float:
    """Give the seconds that something takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
