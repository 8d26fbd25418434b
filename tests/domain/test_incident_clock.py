"""What falls due of an incident: a table of moments, and what a gap, an acknowledgement or an end makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.incident import Done, Fingerprint, Incident, Item, Severity
from namecard_release.domain.incident_clock import ClockPolicy, Slot, SlotKind, due_slots, next_status

T = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POLICY = ClockPolicy()
K = SlotKind
OPEN = Incident("INC-1", Fingerprint("prod", "errors", "cards"), Severity.SEV2, "title", T, T, None, "why")


def at(minutes: float) -> datetime:
    return T + timedelta(minutes=minutes)


def taken(minutes: float) -> Incident:
    return replace(OPEN, acknowledged_at=at(minutes), acknowledged_by="ada")


def ended(minutes: float, incident: Incident = OPEN, severity: Severity = Severity.SEV2) -> Incident:
    due = at(minutes) + timedelta(days=3)
    return replace(incident, resolved_at=at(minutes), resolved_by="ada", retrospective_due=due, severity=severity)


def due(incident: Incident, minutes: float, recorded: dict[SlotKind, int] | None = None) -> list[str]:
    slots = due_slots(incident, recorded or {}, at(minutes), POLICY)
    return [f"{slot.kind}{slot.n}{'~' if slot.covered else ''}" for slot in slots]


@pytest.mark.parametrize(
    ("incident", "minutes", "recorded", "expected"),
    [
        (OPEN, -1, {}, []),
        (OPEN, 0, {}, ["page0"]),
        (OPEN, 4.99, {K.PAGE: 0}, []),
        (OPEN, 5, {K.PAGE: 0}, ["acknowledge0"]),
        (OPEN, 14.99, {K.PAGE: 0, K.ACKNOWLEDGE: 0}, []),
        (OPEN, 15, {K.PAGE: 0, K.ACKNOWLEDGE: 0}, ["escalation0", "status1"]),
        (OPEN, 15, {K.PAGE: 0, K.ACKNOWLEDGE: 0, K.ESCALATION: 0, K.STATUS: 1}, []),
        (OPEN, 30, {K.PAGE: 0, K.ACKNOWLEDGE: 0, K.ESCALATION: 0, K.STATUS: 1}, ["status2"]),
        # Nothing ran for an hour: all is recorded, and of the statuses the newest alone is sent.
        (OPEN, 60, {K.PAGE: 0}, ["acknowledge0", "escalation0", "status1~", "status2~", "status3~", "status4"]),
        # Taken in time, nothing of it ever falls due; taken late and unsent, it is too late to send.
        (taken(3), 60, {K.PAGE: 0, K.STATUS: 3}, ["status4"]),
        (taken(5), 60, {K.PAGE: 0, K.STATUS: 4}, []),
        (taken(7), 8, {K.PAGE: 0}, ["acknowledge0~"]),
        (taken(20), 21, {K.PAGE: 0, K.STATUS: 1}, ["acknowledge0~", "escalation0~"]),
        (taken(0), 1, {}, ["page0~"]),
        # Resolved: statuses that were not sent are covered by the end, and what comes after it begins.
        (
            ended(40),
            40,
            {K.PAGE: 0, K.ACKNOWLEDGE: 0, K.ESCALATION: 0, K.STATUS: 1},
            ["status2~", "retrospective0", "summary0"],
        ),
        (ended(15), 15, {K.PAGE: 0, K.ACKNOWLEDGE: 0}, ["retrospective0", "summary0"]),
        (ended(3), 3, {K.PAGE: 0}, ["retrospective0", "summary0"]),
        (ended(8), 9, {K.PAGE: 0}, ["acknowledge0~", "retrospective0", "summary0"]),
        (ended(3, severity=Severity.SEV3), 3, {K.PAGE: 0}, ["summary0"]),
        (ended(3, severity=Severity.SEV4), 9999, {}, []),
        (replace(OPEN, severity=Severity.SEV4), 9999, {}, []),
    ],
)  # fmt: skip
def test_what_is_due(incident: Incident, minutes: float, recorded: dict[SlotKind, int], expected: list[str]) -> None:
    assert due(incident, minutes, recorded) == expected


AFTER = {K.PAGE: 0, K.SUMMARY: 0, K.RETROSPECTIVE: 0}
HOUR = 60.0


@pytest.mark.parametrize(
    ("hours", "recorded", "done", "expected"),
    [
        (19.9, {}, (), []),
        (20, {}, (), ["summary_reminder0"]),
        (24, {K.SUMMARY_REMINDER: 0}, (), []),
        (44, {K.SUMMARY_REMINDER: 0}, (), ["summary_reminder1"]),
        (68, {}, (), ["summary_reminder0~", "summary_reminder1~", "retrospective_reminder0", "summary_reminder2"]),
        (20, {}, (Item.ROOT_CAUSE, Item.RUNBOOK), ["summary_reminder0"]),
        (20, {}, (Item.ROOT_CAUSE, Item.RUNBOOK, Item.IMPACT), []),
        (64, {}, (Item.ROOT_CAUSE, Item.RUNBOOK, Item.IMPACT), ["retrospective_reminder0"]),
        (63.9, {}, (Item.ROOT_CAUSE, Item.RUNBOOK, Item.IMPACT), []),
        (88, {K.RETROSPECTIVE_REMINDER: 0}, (Item.ROOT_CAUSE, Item.RUNBOOK, Item.IMPACT), ["retrospective_reminder1"]),
        (88, {}, tuple(Item), []),
    ],
)
def test_reminders_go_on_until_it_is_done(
    hours: float, recorded: dict[SlotKind, int], done: tuple[Item, ...], expected: list[str]
) -> None:
    incident = replace(ended(0), done=tuple(Done(item, T, "ada") for item in done))
    assert due(incident, hours * HOUR, {**AFTER, **recorded}) == expected


def test_an_incident_that_became_worse_calls_people_from_then_on() -> None:
    worse = replace(OPEN, clock_from=at(30))
    assert due(worse, 31, {K.STATUS: 2}) == ["page0"]
    assert due(worse, 45, {K.STATUS: 3, K.PAGE: 0}) == ["acknowledge0", "escalation0"]


def test_a_slot_is_one_of_a_kind_by_its_key() -> None:
    assert Slot("INC-1", K.STATUS, 4, T).key == "INC-1/status/4"


@pytest.mark.parametrize(("minutes", "expected"), [(0, 15), (14.9, 15), (15, 30), (44, 45)])
def test_the_next_status_is_known(minutes: float, expected: float) -> None:
    assert next_status(OPEN, at(minutes), POLICY) == at(expected)
