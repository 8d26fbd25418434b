"""A slice of the incidents' clock simulation, and that its oracle finds what is planted; the whole is
`python -m benchmarks.incident_clock`.
"""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from benchmarks.incident_clock import simulate
from benchmarks.incident_oracle import check
from benchmarks.incident_world import Simulation, plan_lives
from namecard_release.ledger.open import open_ledger

# Ticks far apart, so that the slice is short; what is judged is counted in ticks.
PACES = {"step": timedelta(minutes=4), "idle": timedelta(hours=3)}


def test_kills_and_gaps_lose_repeat_and_delay_nothing(tmp_path: Path) -> None:
    told, wrong = simulate(tmp_path, 4, 0.01, seed=5, **PACES)
    assert wrong == []
    assert int(str(told["kills"])) > 5 and int(str(told["sent"])) > 20 and int(str(told["covered"])) > 0, told


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    random = Random(11)
    folder, lives = tmp_path_factory.mktemp("lived"), plan_lives(random, 2, 0.01)
    simulation = Simulation(folder, random, lives, kill_share=0, **PACES)
    simulation.run()
    return simulation


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        ("delete from incident_slots where kind = 'status' and n = 2", "missed"),
        (
            "insert into incident_slots select incident, 'status', 9999, due, null from incident_slots limit 1",
            "unexpected",
        ),
        ("update outbox_messages set key = 'x' || number where kind = 'status'", "unsent"),
        ("update outbox_messages set text = 't', title = 't', at = (select min(at) from outbox_messages)", "repeated"),
        ("update incident_slots set covered = 'x' where kind = 'status' and covered is null", "wrongly_covered"),
        ("update outbox_messages set at = datetime(at, '+5 minutes') where kind = 'status'", "late"),
        ("update incidents set acknowledged_at = datetime(opened_at, '-1 hour')", "paged_after_acknowledge"),
    ],
)
def test_the_oracle_finds_what_is_planted(lived: Simulation, tmp_path: Path, spoil: str, found: str) -> None:
    copy = tmp_path / "ledger.sqlite"
    with sqlite3.connect(lived.folder / "ledger.sqlite") as source, sqlite3.connect(copy) as target:
        source.backup(target)
    ledger = open_ledger(f"sqlite:///{copy}")
    assert check(ledger, lived.ticks, lived.begun, lived.delivered).wrong == []
    with sqlite3.connect(copy) as connection:
        connection.execute(spoil)
    connection.close()
    assert getattr(check(ledger, lived.ticks, lived.begun, lived.delivered), found), spoil
    ledger.close()
