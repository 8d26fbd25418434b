"""One decision after a bake, and what was noticed when, whoever races for them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.audit import AUTOMATION, AuditEvent
from namecard_release.domain.gates import Verdict
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.rollback import Action, Decision
from namecard_release.errors import PermanentError
from namecard_release.ledger.open import open_ledger
from namecard_release.ledger.sql_ledger import SqlLedger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)
DONE = Promotion(
    *("p-1", "staging", "a" * 40, PromotionKind.PROMOTION, PromotionPhase.SUCCEEDED, "ada", "wanted", NOW, NOW),
    run_id="run-1",
)
HALT = Decision(Action.HALT, "errors", arns=("arn:1",))


def test_the_first_decision_after_a_bake_stays_beside_the_bakes_own(ledger: SqlLedger) -> None:
    ledger.open_promotion(DONE)
    proceed = Decision(Action.PROCEED, "bake ended")
    assert ledger.record_decision("p-1", proceed, NOW)
    assert ledger.post_bake_decision("p-1") is None
    assert ledger.record_post_bake("p-1", HALT, NOW)
    assert not ledger.record_post_bake("p-1", Decision(Action.ROLL_BACK, "other", "b" * 40), LATER)
    assert (ledger.decision("p-1"), ledger.post_bake_decision("p-1")) == (proceed, HALT)
    assert ledger.moves("p-1")[-1] == (NOW, PromotionPhase.SUCCEEDED, "HALT after the bake: errors")
    assert [e.action for e in ledger.audit_entries("staging", limit=1)] == ["decided HALT after the bake"]
    assert ledger.verify_audit().verdict is Verdict.PASSED


def test_a_resumed_promotion_keeps_what_was_decided_after_its_bake(ledger: SqlLedger) -> None:
    ledger.open_promotion(DONE)
    ledger.record_post_bake("p-1", HALT, NOW)
    ledger.move("p-1", PromotionPhase.SUCCEEDED, LATER, run_id="run-2")
    assert not ledger.record_post_bake("p-1", HALT, LATER)


def test_a_decision_that_decides_nothing_or_about_nobody_is_refused(ledger: SqlLedger) -> None:
    ledger.open_promotion(DONE)
    with pytest.raises(ValueError, match="decisive"):
        ledger.record_post_bake("p-1", Decision(Action.WAIT, "watched"), NOW)
    with pytest.raises(PermanentError, match="no promotion p-2"):
        ledger.record_post_bake("p-2", HALT, NOW)


def test_a_mark_is_new_once_a_run_and_keeps_its_moment(ledger: SqlLedger) -> None:
    ledger.open_promotion(DONE)
    event = AuditEvent(NOW, AUTOMATION, "page", "p-1", "staging", "errors")
    assert ledger.mark("p-1", "page errors", NOW, event) is None
    assert ledger.mark("p-1", "page errors", LATER, event) == NOW
    assert ledger.mark("p-1", "another", LATER) is None
    ledger.move("p-1", PromotionPhase.SUCCEEDED, LATER, run_id="run-2")
    assert ledger.mark("p-1", "page errors", LATER) is None
    assert [e.action for e in ledger.audit_entries("staging")].count("page") == 1
    with pytest.raises(PermanentError, match="no promotion p-2"):
        ledger.mark("p-2", "page errors", NOW)


def test_racing_for_a_mark_one_has_it(ledger: SqlLedger, url: str) -> None:
    ledger.open_promotion(replace(DONE, run_id=""))
    ledgers = [open_ledger(url) for _ in range(4)]

    def _mark(numbered: tuple[int, SqlLedger]) -> datetime | None:
        return numbered[1].mark("p-1", "page errors", NOW + timedelta(seconds=numbered[0]))

    with ThreadPoolExecutor(4) as pool:
        told: Sequence[datetime | None] = list(pool.map(_mark, enumerate(ledgers)))
    for one in ledgers:
        one.close()
    assert told.count(None) == 1
    assert {moment for moment in told if moment is not None} == {NOW + timedelta(seconds=told.index(None))}
