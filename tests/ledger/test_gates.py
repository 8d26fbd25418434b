"""Gates' results kept whole and found again."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from namecard_release.domain.gates import GateResult, Phase, Verdict, Waived
from namecard_release.ledger.open import open_ledger
from namecard_release.ledger.sql_ledger import SqlLedger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RELEASE = "a" * 40
PLAIN = GateResult("quality", RELEASE, Verdict.PASSED, "fine", NOW, NOW)
FULL: dict[str, Any] = {
    "gate": "migration_plan",
    "release": "b" * 40,
    "verdict": Verdict.UNKNOWN,
    "reason": "two\nlines, ünd 'quotes'",
    "started_at": NOW - timedelta(minutes=3),
    "ended_at": NOW + timedelta(microseconds=1),
    "environment": "staging",
    "phases": (
        Phase("lint", Verdict.FAILED, "exit 1", 1.25, ("one", "\x1b[31mred\0", "🚀")),
        Phase("trial", Verdict.WAIVED, "by ada"),
    ),
    "evidence": {"digest": "0" * 64, "a b": "", "ü": "\u2028"},
    "run_id": "run-1",
}


def test_the_table_of_fields_is_whole() -> None:
    # A waiver is looked up when a result is looked at, and the number is the ledger's.
    assert FULL.keys() == {field.name for field in fields(GateResult)} - {"waived", "id"}


@pytest.mark.parametrize(
    "result",
    [PLAIN, *(replace(PLAIN, **{name: value}) for name, value in FULL.items()), GateResult(**FULL)],
    ids=["plain", *FULL, "full"],
)
def test_every_field_comes_back(ledger: SqlLedger, url: str, result: GateResult) -> None:
    ledger.record_gate(result)
    again = open_ledger(url)
    assert again.gates(result.release, result.environment) == (result,)
    again.close()


def test_a_result_has_a_number_and_one_seen_with_a_waiver_is_not_kept(ledger: SqlLedger) -> None:
    ledger.record_gate(PLAIN)
    ledger.record_gate(PLAIN)
    assert [result.id for result in ledger.gates(RELEASE)] == [2, 1]
    waived = replace(PLAIN, verdict=Verdict.WAIVED, waived=Waived(Verdict.FAILED, "ada", "why", NOW, NOW))
    with pytest.raises(ValueError, match="quality"):
        ledger.record_gate(waived)
    assert len(ledger.gates(RELEASE)) == 2


def test_checks_of_the_same_inputs_are_found_across_releases_newest_first(ledger: SqlLedger) -> None:
    def record(second: int, release: str, gate: str = "quality", **evidence: str) -> None:
        moment = NOW + timedelta(seconds=second)
        ledger.record_gate(replace(PLAIN, gate=gate, release=release, ended_at=moment, evidence=evidence))

    record(1, RELEASE, inputs="one")
    record(3, "b" * 40, inputs="one")
    record(2, "c" * 40, inputs="one")
    record(4, "b" * 40, inputs="one", reused_from="run 1")
    record(5, RELEASE, inputs="two")
    record(6, RELEASE, "launch_readiness", inputs="one")
    record(7, RELEASE)
    assert [r.release[0] for r in ledger.checks("quality", "one")] == ["b", "c", "a"]
    assert [r.release[0] for r in ledger.checks("quality", "one", 1)] == ["b"]
    assert [r.evidence["inputs"] for r in ledger.checks("quality", "two")] == ["two"]
    assert ledger.checks("quality", "three") == ledger.checks("assembly", "one") == ()


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_comes_back(ledger: SqlLedger, verdict: Verdict) -> None:
    ledger.record_gate(replace(PLAIN, verdict=verdict, phases=(Phase("one", verdict, "why", 0.0),)))
    assert ledger.gates(RELEASE)[0].phases[0].verdict is ledger.gates(RELEASE)[0].verdict is verdict


def test_results_are_the_releases_own_and_the_environments_newest_first(ledger: SqlLedger) -> None:
    about = (("quality", None, 1), ("plan", "staging", 3), ("plan", "prod", 2), ("assembly", "staging", 3))
    for gate, environment, second in about:
        moment = NOW + timedelta(seconds=second)
        ledger.record_gate(replace(PLAIN, gate=gate, environment=environment, ended_at=moment))
    ledger.record_gate(replace(PLAIN, release="b" * 40))
    assert [r.gate for r in ledger.gates(RELEASE)] == ["quality"]
    assert [r.gate for r in ledger.gates(RELEASE, "staging")] == ["assembly", "plan", "quality"]
    assert [(r.gate, r.environment) for r in ledger.gates(RELEASE, "prod")] == [("plan", "prod"), ("quality", None)]
    assert ledger.gates("c" * 40, "prod") == ()
