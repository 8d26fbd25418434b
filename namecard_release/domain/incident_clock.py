"""What falls due of an incident, and when (runbook, sections 1, 4 and 7). The words are in `incident_words`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from namecard_release.domain.incident import Incident, Item, Severity, missing_items


class SlotKind(StrEnum):
    """What falls due. The first three ask somebody to come; nothing of them is sent after an acknowledgement."""

    PAGE = "page"
    ACKNOWLEDGE = "acknowledge"
    ESCALATION = "escalation"
    STATUS = "status"
    SUMMARY = "summary"
    SUMMARY_REMINDER = "summary_reminder"
    RETROSPECTIVE = "retrospective"
    RETROSPECTIVE_REMINDER = "retrospective_reminder"


PAGING = frozenset({SlotKind.PAGE, SlotKind.ACKNOWLEDGE, SlotKind.ESCALATION})


@dataclass(frozen=True)
class Slot:
    """One thing that fell due, one of a kind: `(incident, kind, n)` is unique for ever.

    `covered` says why nothing is sent for it: it was too late, or a later one of its kind tells the same.
    """

    incident: str
    kind: SlotKind
    n: int
    due: datetime
    covered: str | None = None

    @property
    def key(self) -> str:
        """What its messages' keys begin with."""
        return f"{self.incident}/{self.kind}/{self.n}"


@dataclass(frozen=True)
class ClockPolicy:
    """The runbook's times. What is `quiet` is told once and never pages, reports or asks for a summary."""

    acknowledge: timedelta = timedelta(minutes=5)
    escalate: timedelta = timedelta(minutes=15)
    status: timedelta = timedelta(minutes=15)
    summary: timedelta = timedelta(hours=24)
    summary_warning: timedelta = timedelta(hours=4)
    retrospective_warning: timedelta = timedelta(hours=8)
    remind: timedelta = timedelta(hours=24)
    quiet: frozenset[Severity] = frozenset({Severity.SEV4})
    retrospective: frozenset[Severity] = frozenset({Severity.SEV1, Severity.SEV2})


# The highest number recorded of each kind; kinds that are not there have none.
Recorded = Mapping[SlotKind, int]


def due_slots(incident: Incident, recorded: Recorded, now: datetime, policy: ClockPolicy) -> tuple[Slot, ...]:
    """List what fell due by now and is not recorded, in the order of the moments; each is recorded once, with or
    without something to send.

    A restart drops nothing: what fell due meanwhile is listed whenever this is asked next. Of several of one kind only
    the newest is sent, for it says all; the others are covered by it.
    """
    if incident.severity in policy.quiet:
        return ()
    found = [*_paging(incident, policy), *_statuses(incident, recorded, now, policy), *_after(incident, now, policy)]
    fresh = [slot for slot in found if slot.due <= now and slot.n > recorded.get(slot.kind, -1)]
    return tuple(sorted(_cover_repeated(fresh), key=lambda slot: (slot.due, slot.kind)))


def next_status(incident: Incident, now: datetime, policy: ClockPolicy) -> datetime:
    """Give the moment of the next status of an open incident."""
    past = (now - incident.opened_at) // policy.status
    return incident.opened_at + (past + 1) * policy.status


def _paging(incident: Incident, policy: ClockPolicy) -> Iterator[Slot]:
    begin = incident.clock_from
    times = (
        (SlotKind.PAGE, begin),
        (SlotKind.ACKNOWLEDGE, begin + policy.acknowledge),
        (SlotKind.ESCALATION, begin + policy.escalate),
    )
    taken, ended = incident.acknowledged_at, incident.resolved_at
    for kind, due in times:
        # What was answered before it fell due never fell due; what was answered after it, unsent, is too late to send.
        if kind is not SlotKind.PAGE and any(moment is not None and moment <= due for moment in (taken, ended)):
            continue
        slot = Slot(incident.id, kind, 0, due)
        if taken is not None:
            yield replace(slot, covered="acknowledged before it was sent")
        elif ended is not None:
            yield replace(slot, covered="resolved before it was sent")
        else:
            yield slot


def _statuses(incident: Incident, recorded: Recorded, now: datetime, policy: ClockPolicy) -> Iterator[Slot]:
    n = recorded.get(SlotKind.STATUS, 0) + 1
    end = incident.resolved_at
    while (due := incident.opened_at + n * policy.status) <= now and (end is None or due < end):
        slot = Slot(incident.id, SlotKind.STATUS, n, due)
        yield slot if end is None else replace(slot, covered="resolved before it was sent")
        n += 1


def _after(incident: Incident, now: datetime, policy: ClockPolicy) -> Iterator[Slot]:
    if incident.resolved_at is None:
        return
    yield Slot(incident.id, SlotKind.SUMMARY, 0, incident.resolved_at)
    deadline = incident.resolved_at + policy.summary
    missing = missing_items(incident, policy.retrospective)
    done = incident.closed_at is not None or not set(missing) - {Item.RETROSPECTIVE}
    yield from _reminders(incident, SlotKind.SUMMARY_REMINDER, deadline - policy.summary_warning, now, policy, done)
    if incident.severity not in policy.retrospective or incident.retrospective_due is None:
        return
    yield Slot(incident.id, SlotKind.RETROSPECTIVE, 0, incident.resolved_at)
    done = incident.closed_at is not None or incident.has_done(Item.RETROSPECTIVE)
    first = incident.retrospective_due - policy.retrospective_warning
    yield from _reminders(incident, SlotKind.RETROSPECTIVE_REMINDER, first, now, policy, done)


def _reminders(
    incident: Incident, kind: SlotKind, first: datetime, now: datetime, policy: ClockPolicy, done: bool
) -> Iterator[Slot]:
    if done:
        return
    for n in range((now - first) // policy.remind + 1 if now >= first else 0):
        yield Slot(incident.id, kind, n, first + n * policy.remind)


def _cover_repeated(slots: list[Slot]) -> Iterator[Slot]:
    newest = {slot.kind: slot.n for slot in slots}
    for slot in slots:
        if slot.n < newest[slot.kind] and slot.covered is None:
            yield replace(slot, covered=f"{slot.kind} {newest[slot.kind]} tells it")
        else:
            yield slot
