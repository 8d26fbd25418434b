"""The incidents' clock under a thousand incidents, with kills between any two writes: one JSON object on stdout.

`python -m benchmarks.incident_clock [LIVES] [WEEKS] [SEED]`. Exit codes: 0 when nothing was missed, repeated, late
or paged after an acknowledgement, 1 otherwise.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from random import Random

from benchmarks.incident_oracle import check
from benchmarks.incident_world import Simulation, plan_lives
from namecard_release.ledger.open import open_ledger

# Some lives join one incident, or are over before anybody looks: so many leave more than a thousand.
LIVES, WEEKS, SEED = 1250, 3.5, 20260302


def main(words: list[str]) -> int:
    """Simulate, check and print."""
    count = int(words[0]) if words else LIVES
    weeks = float(words[1]) if len(words) > 1 else WEEKS
    seed = int(words[2]) if len(words) > 2 else SEED
    with tempfile.TemporaryDirectory(prefix="namecard-incidents-") as folder:
        measured, wrong = simulate(Path(folder), count, weeks, seed)
    print(json.dumps(measured, indent=2))
    print("\n".join(wrong[:50]), file=sys.stderr)
    return 1 if wrong else 0


def simulate(
    folder: Path, incidents: int, weeks: float, seed: int, **paces: timedelta
) -> tuple[dict[str, object], list[str]]:
    """Live through so many incidents and give the figures and what is wrong with them."""
    begun = time.perf_counter()
    random = Random(seed)
    simulation = Simulation(folder, random, plan_lives(random, incidents, weeks), **paces)
    simulation.run()
    ledger = open_ledger(simulation.url)
    found = check(ledger, simulation.ticks, simulation.begun, simulation.delivered)
    ledger.close()
    days = (simulation.ticks[-1] - simulation.ticks[0]).total_seconds() / 86400
    told: dict[str, object] = {
        "seed": seed,
        "lives": incidents,
        "incidents": found.incidents,
        "simulated_days": round(days, 1),
        "ticks": len(simulation.ticks),
        "gaps": simulation.gaps,
        "kills": simulation.kills,
        "sigkills": simulation.hard_kills,
        "slots": found.slots,
        "sent": found.sent,
        "covered": found.covered,
        "missed": len(found.missed) + len(found.unsent),
        "unexpected": len(found.unexpected),
        "repeated": len(found.repeated),
        "pages_after_acknowledge": len(found.paged_after_acknowledge),
        "more_than_one_tick_late": len(found.late),
        "covered_without_need": len(found.wrongly_covered),
        "worst_seconds_after_due": found.worst_seconds_after_due,
        "seconds": round(time.perf_counter() - begun, 1),
    }
    return told, found.wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
