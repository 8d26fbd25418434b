"""Incidents on both databases: one of a fingerprint, whole steps or none, and nothing that pages after an answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.incident import Done, Evidence, Fingerprint, Item, Severity
from namecard_release.domain.incident_case import Step
from namecard_release.domain.incident_cause import Cause
from namecard_release.domain.incident_clock import SlotKind
from namecard_release.domain.incident_steps import (
    Word,
    acknowledge,
    end_alarm,
    join_alarm,
    keep_evidence,
    note,
    open_incident,
    resolve,
    tick,
)
from namecard_release.domain.messages import Channel, MessageKind, MessageState
from namecard_release.incident_settings import Incidents
from namecard_release.ledger.outbox import outbox_of
from namecard_release.ledger.sql_ledger import SqlLedger

T = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CARDS = Fingerprint("prod", "errors", "cards")
HANDLING = Incidents().handling("cards")
SECRET = "hunter2hunter2"


def at(minutes: float) -> datetime:
    return T + timedelta(minutes=minutes)


def read(minutes: float = 0, arn: str = "arn:cards", state: AlarmState = AlarmState.ALARM) -> AlarmReading:
    return AlarmReading("CardsServiceErrorsAlarm", arn, state, at(minutes), f"password={SECRET}")


def opening(ledger: SqlLedger, fingerprint: Fingerprint = CARDS, arn: str = "arn:cards", number: str = "") -> Step:
    cause = Cause("p-1", "began 40 s after the deploy")
    return open_incident(
        number or ledger.next_incident(), fingerprint, Severity.SEV2, read(arn=arn), cause, HANDLING, T
    )


def queued(ledger: SqlLedger) -> list[tuple[str, MessageState]]:
    kept = reversed(outbox_of(ledger).messages(500))
    return [(one.message.key.partition("/")[2], one.state) for one in kept]


def do(ledger: SqlLedger, step: Step | None) -> None:
    assert step is not None and ledger.take_step(step)


def case_of(ledger: SqlLedger, incident_id: str = "INC-1"):  # type: ignore[no-untyped-def]  # noqa: ANN201
    found = ledger.case(incident_id)
    assert found is not None
    return found


def test_an_incident_comes_back_as_it_was_written(ledger: SqlLedger) -> None:
    step = opening(ledger)
    do(ledger, step)
    case = case_of(ledger)
    assert case.incident == step.after
    assert case.breaches == (replace(step.begun[0], reason="password=***"),)
    assert case.timeline == step.entries
    assert case.recorded == {SlotKind.PAGE: 0}
    assert ledger.incidents("prod") == (step.after,) == ledger.incidents(unfinished=True)
    assert ledger.incidents("dev") == ()
    assert [slot.key for slot in ledger.slots("INC-1")] == ["INC-1/page/0"]
    assert [key for key, _ in queued(ledger)] == ["opened/slack/note", "page/0/pagerduty/page"]
    assert ledger.audit_entries()[0].action == "incident opened"
    assert ledger.case("INC-9") is None


def test_one_open_incident_of_a_fingerprint(ledger: SqlLedger) -> None:
    first, second = opening(ledger), opening(ledger, arn="arn:other", number="INC-2")
    do(ledger, first)
    assert not ledger.take_step(second)
    assert ledger.case("INC-2") is None
    assert len(queued(ledger)) == 2 and len(ledger.audit_entries()) == 1
    # Neither is a number given twice.
    assert not ledger.take_step(opening(ledger, Fingerprint("prod", "errors", "ocr"), "arn:ocr", "INC-1"))
    do(ledger, opening(ledger, Fingerprint("prod", "errors", "ocr"), "arn:ocr"))
    do(ledger, resolve(case_of(ledger), "ada", "fixed", None, HANDLING, at(1)))
    do(ledger, end_alarm(case_of(ledger), read(2, state=AlarmState.OK), at(2)))
    do(ledger, replace(opening(ledger), begun=()))
    assert [one.id for one in ledger.incidents(unfinished=True) if one.is_open] == ["INC-3", "INC-2"]


def test_a_step_made_from_what_changed_since_is_refused_whole(ledger: SqlLedger) -> None:
    do(ledger, opening(ledger))
    stale = tick(case_of(ledger), HANDLING, at(15))
    assert stale is not None and {slot.kind for slot in stale.slots} >= {SlotKind.ACKNOWLEDGE, SlotKind.ESCALATION}
    do(ledger, acknowledge(case_of(ledger), "ada", at(14), "cli", HANDLING, at(14)))
    before = queued(ledger)
    assert not ledger.take_step(stale)
    assert queued(ledger) == before
    assert case_of(ledger).recorded == {SlotKind.PAGE: 0, SlotKind.ACKNOWLEDGE: 0}


def test_the_same_slot_is_taken_once(ledger: SqlLedger) -> None:
    do(ledger, opening(ledger))
    one = tick(case_of(ledger), HANDLING, at(15))
    do(ledger, one)
    assert one is not None and not ledger.take_step(one)
    assert tick(case_of(ledger), HANDLING, at(15)) is None
    assert [key for key, _ in queued(ledger)] == [
        "opened/slack/note",
        "page/0/pagerduty/page",
        "acknowledge/0/pagerduty/page",
        "acknowledge/0/slack/reminder",
        "escalation/0/slack/escalate",
        "status/1/slack/status",
    ]


def test_an_answer_takes_back_what_has_not_left(ledger: SqlLedger) -> None:
    do(ledger, opening(ledger))
    do(ledger, tick(case_of(ledger), HANDLING, at(15)))
    outbox = outbox_of(ledger)
    outbox.claim("INC-1/page/0/pagerduty/page", 0, at(15), at(20))
    do(ledger, acknowledge(case_of(ledger), "ada", at(16), "cli", HANDLING, at(16)))
    states = dict(queued(ledger))
    gone = {key for key, state in states.items() if state is MessageState.DROPPED}
    assert gone == {
        "acknowledge/0/pagerduty/page",
        "acknowledge/0/slack/reminder",
        "escalation/0/slack/escalate",
    }
    # Nothing is wrong with its channel: what was taken back makes nothing unready.
    assert [outbox.backlog(channel, at(0)).refused for channel in Channel] == [0, 0, 0]
    # The one that is being sent is its sender's to end.
    outbox.sent("INC-1/page/0/pagerduty/page", at(16), "receipt")
    waiting = {m.message.kind for m in outbox.waiting(Channel.PAGERDUTY, at(30), 50)}
    assert waiting == {MessageKind.ACKNOWLEDGE}


def test_an_acknowledgement_through_pagerduty_is_not_told_to_it_and_a_second_one_changes_nothing(
    ledger: SqlLedger,
) -> None:
    do(ledger, opening(ledger))
    do(ledger, acknowledge(case_of(ledger), "ada", at(2), "pagerduty", HANDLING, at(2)))
    assert [key for key, _ in queued(ledger)][2:] == ["acknowledged/slack/note"]
    assert acknowledge(case_of(ledger), "bob", at(3), "cli", HANDLING, at(3)) is None
    assert case_of(ledger).incident.acknowledged_by == "ada"


def test_a_whole_life(ledger: SqlLedger) -> None:
    do(ledger, opening(ledger))
    do(ledger, end_alarm(case_of(ledger), read(3, state=AlarmState.OK), at(3)))
    do(ledger, join_alarm(case_of(ledger), read(6), HANDLING, at(6)))
    do(ledger, join_alarm(case_of(ledger), read(8), HANDLING, at(8)))
    assert [(b.since, b.ended_at) for b in case_of(ledger).breaches] == [(T, at(3)), (at(6), at(8)), (at(8), None)]
    assert ledger.latest_breaches(["arn:cards", "arn:none"])["arn:cards"].since == at(8)
    evidence = Evidence(at(9), f"token={SECRET}", 12, 3, {"samples": [f"secret={SECRET}"], "n": 1})
    do(ledger, keep_evidence(case_of(ledger), evidence, HANDLING, at(9)))
    (kept,) = case_of(ledger).evidence
    assert kept == replace(evidence, headline="token=***", details={"samples": ["secret=***"], "n": 1})
    do(ledger, resolve(case_of(ledger), "ada", f"token={SECRET}", at(9999), HANDLING, at(20)))
    incident = case_of(ledger).incident
    assert incident.resolution == "token=*** (1 of its alarms still in ALARM)" and incident.closed_at is None
    assert incident.retrospective_due == at(9999)
    do(ledger, note(case_of(ledger), Word("ada", "", "a null", "none"), HANDLING, at(30)))
    assert [one.item for one in case_of(ledger).incident.done] == [Item.ROOT_CAUSE, Item.IMPACT]
    do(ledger, note(case_of(ledger), Word("bob", "x", done=(Item.RUNBOOK, Item.RETROSPECTIVE)), HANDLING, at(40)))
    incident = case_of(ledger).incident
    assert incident.closed_at == at(40) and incident.done[-1] == Done(Item.RETROSPECTIVE, at(40), "bob", "x")
    assert ledger.incidents(unfinished=True) == () and ledger.recorded_slots() == {}
    assert SECRET not in str([outbox_of(ledger).messages(500), ledger.audit_entries(), case_of(ledger)])
    assert ledger.verify_audit().verdict == "PASSED"


@pytest.mark.parametrize("kind", ["page", "entries"])
def test_what_cannot_be_written_whole_is_not_written(ledger: SqlLedger, kind: str) -> None:
    step = opening(ledger)
    broken = replace(step, slots=step.slots * 2) if kind == "page" else replace(step, begun=step.begun * 2)
    assert not ledger.take_step(broken)
    assert ledger.incidents() == () and queued(ledger) == [] and ledger.audit_entries() == ()
