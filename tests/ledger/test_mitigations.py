"""Mitigations in the ledger: one unsettled for each setting, ended once, each with its entry of the audit trail."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.gates import Verdict
from namecard_release.domain.mitigations import Lever, Mitigation, MitigationKind, MitigationState, Target
from namecard_release.ledger.sql_ledger import SqlLedger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
S = MitigationState
TARGET = Target("prod", Lever.RESERVED, "cards", "fn-cards", "", "CardsServiceFunction1")
ONE = Mitigation(
    *(0, TARGET, MitigationKind.RESERVED, "throttles", "25", "50", S.INTENDED, "ada", "slow", None, "run-1", NOW)
)


def event(action: str, subject: str = "mitigation") -> AuditEvent:
    return AuditEvent(NOW, "ada", action, subject, "prod", "slow")


def test_it_is_kept_from_its_intent_to_its_undoing(ledger: SqlLedger) -> None:
    kept = ledger.intend_mitigation(ONE, event("intended"))
    assert kept == replace(ONE, number=1) and ledger.mitigation(1) == kept
    assert ledger.settle_mitigation(1, S.APPLIED, "done", LATER, event("applied"))
    assert not ledger.settle_mitigation(1, S.FAILED, "late", LATER, event("failed"))
    assert ledger.intend_undo(1, "bob", "over", LATER, event("undo"))
    assert not ledger.intend_undo(1, "eve", "over", LATER, event("undo twice"))
    assert ledger.settle_undo(1, S.UNDONE, "found", LATER, event("undone"))
    assert not ledger.settle_undo(1, S.APPLIED, "late", LATER, event("not undone"))
    ledger.mark_told(1, S.UNDONE)
    assert ledger.mitigation(1) == replace(
        *(ONE,),
        number=1,
        state=S.UNDONE,
        ended_at=LATER,
        outcome="found",
        undo_actor="bob",
        undo_reason="over",
        undo_at=LATER,
        undone_at=LATER,
        told="UNDONE",
    )
    told = [(e.action, e.subject) for e in reversed(ledger.audit_entries("prod"))]
    subjects = {subject for _, subject in told}
    assert [action for action, _ in told] == ["intended", "applied", "undo", "undone"]
    assert subjects == {"mitigation 1", "mitigation"} and ledger.verify_audit().verdict is Verdict.PASSED


def test_an_undo_that_did_not_happen_leaves_it_applied(ledger: SqlLedger) -> None:
    ledger.intend_mitigation(ONE, event("intended"))
    ledger.settle_mitigation(1, S.APPLIED, "done", NOW, event("applied"))
    ledger.intend_undo(1, "bob", "over", LATER, event("undo"))
    assert ledger.settle_undo(1, S.APPLIED, "refused", LATER, event("not undone"))
    found = ledger.mitigation(1)
    assert found is not None and (found.state, found.undone_at, found.outcome) == (S.APPLIED, None, "refused")


def test_a_setting_has_one_unsettled_mitigation_and_others_are_free(ledger: SqlLedger) -> None:
    assert ledger.intend_mitigation(ONE, event("intended")) is not None
    assert ledger.intend_mitigation(replace(ONE, after="60"), event("intended")) is None
    elsewhere = replace(ONE, target=replace(TARGET, resource="fn-auth", service="auth"))
    assert ledger.intend_mitigation(elsewhere, event("intended")) is not None
    ledger.settle_mitigation(1, S.APPLIED, "done", NOW, event("applied"))
    second = ledger.intend_mitigation(replace(ONE, before="50", after="60"), event("intended"))
    assert second is not None
    # The first cannot be undone while the second is not settled.
    assert not ledger.intend_undo(1, "bob", "over", NOW, event("undo"))
    numbers = [one.number for one in ledger.mitigations("prod", {S.INTENDED})]
    assert numbers == sorted(numbers, reverse=True) and second.number in numbers and 1 not in numbers
    assert ledger.mitigations("staging") == () and len(ledger.mitigations(limit=2)) == 2


def test_of_many_at_once_one_is_intended(ledger: SqlLedger) -> None:
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ledger.intend_mitigation, ONE, event("intended")) for _ in range(4)]
        kept = [one for one in (each.result() for each in asked) if one is not None]
    assert len(kept) == 1 and ledger.mitigations() == (kept[0],)
