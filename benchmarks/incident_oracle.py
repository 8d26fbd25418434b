"""What should have been sent of each incident, worked out by arithmetic of its own from what happened, and compared
with what the ledger recorded. Nothing of the clock's own code is used here but its words.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from namecard_release.domain.incident import Incident, Item, Severity
from namecard_release.domain.incident_clock import Slot, SlotKind
from namecard_release.domain.messages import Message
from namecard_release.ledger.outbox import outbox_of
from namecard_release.ledger.sql_ledger import SqlLedger

K = SlotKind
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# How many messages a slot that is sent has.
_MESSAGES = {
    **{K.PAGE: 1, K.ACKNOWLEDGE: 2, K.ESCALATION: 1, K.STATUS: 1, K.SUMMARY: 3, K.SUMMARY_REMINDER: 1},
    **{K.RETROSPECTIVE: 1, K.RETROSPECTIVE_REMINDER: 1},
}
_CALLING = (K.PAGE, K.ACKNOWLEDGE, K.ESCALATION)
_LOUD = (Severity.SEV1, Severity.SEV2)


@dataclass
class Findings:
    """What was counted; the lists name what is wrong and are empty when nothing is."""

    incidents: int = 0
    slots: int = 0
    sent: int = 0
    covered: int = 0
    missed: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    unsent: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    wrongly_covered: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    paged_after_acknowledge: list[str] = field(default_factory=list)
    worst_seconds_after_due: float = 0.0

    @property
    def wrong(self) -> list[str]:
        """Everything that is wrong."""
        return [
            *(*self.missed, *self.unexpected, *self.unsent, *self.repeated),
            *(*self.wrongly_covered, *self.late, *self.paged_after_acknowledge),
        ]


def check(
    ledger: SqlLedger, ticks: Sequence[datetime], begun: Sequence[datetime], delivered: dict[str, datetime]
) -> Findings:
    """Check every incident of a ledger against the ticks that came to their end, all that began, and what left."""
    found = Findings()
    messages: dict[str, list[Message]] = {}
    for one in outbox_of(ledger).messages(10_000_000):
        messages.setdefault(one.message.subject, []).append(one.message)
    for incident in ledger.incidents():
        _check_one(found, incident, ledger.slots(incident.id), messages.get(incident.id, []), ticks, begun)
        _check_delivered(found, incident, delivered)
    return found


def _check_one(
    found: Findings,
    incident: Incident,
    slots: Sequence[Slot],
    messages: list[Message],
    ticks: Sequence[datetime],
    begun: Sequence[datetime],
) -> None:
    found.incidents += 1
    expected = set(_expect(incident, ticks))
    # A tick that was killed may have written it, and so may one at the very moment of the answer, just before it.
    allowed = expected | set(_expect(incident, begun, at_once=True))
    recorded = {(slot.kind, slot.n) for slot in slots}
    found.slots += len(slots)
    found.missed += [f"{incident.id} {kind} {n}" for kind, n in sorted(expected - recorded)]
    found.unexpected += [f"{incident.id} {kind} {n}" for kind, n in sorted(recorded - allowed)]
    # By what is said, not by its key: the same words about an incident twice on one day are a repetition. A person who
    # notes a thing again, since the program died under their hands, is told again; that is in no slot.
    own = [message for message in messages if not message.key.startswith(f"{incident.id}/v")]
    said = Counter((m.channel, m.kind, m.title, m.text, (m.at - incident.opened_at) // (12 * HOUR)) for m in own)
    found.repeated += [f"{incident.id} {what[:3]}" for what, count in said.items() if count > 1]
    for slot in slots:
        _check_slot(found, incident, slot, messages, ticks)


def _check_slot(
    found: Findings, incident: Incident, slot: Slot, messages: list[Message], ticks: Sequence[datetime]
) -> None:
    own = [message for message in messages if message.key.startswith(f"{slot.key}/")]
    first = next(iter(ticks[bisect_left(ticks, slot.due) :]), None)
    if slot.covered is not None:
        found.covered += 1
        end = _cover_ends(incident, slot)
        if own or (first is not None and first < end):
            found.wrongly_covered.append(f"{slot.key}: due {slot.due}, a tick at {first}, covered from {end}")
        return
    found.sent += 1
    if len(own) != _MESSAGES[slot.kind]:
        found.unsent.append(f"{slot.key}: {len(own)} messages")
    for message in own:
        found.worst_seconds_after_due = max(found.worst_seconds_after_due, (message.at - slot.due).total_seconds())
        if first is not None and message.at > first:
            found.late.append(f"{slot.key}: due {slot.due}, a tick at {first}, sent {message.at}")
        taken = incident.acknowledged_at
        if slot.kind in _CALLING and taken is not None and message.at > taken:
            found.paged_after_acknowledge.append(f"{slot.key} at {message.at}, taken {taken}")


def _check_delivered(found: Findings, incident: Incident, delivered: dict[str, datetime]) -> None:
    for slot in ("page/0", "acknowledge/0"):
        left, taken = delivered.get(f"{incident.id}/{slot}/pagerduty/page"), incident.acknowledged_at
        if left is not None and taken is not None and left > taken:
            found.paged_after_acknowledge.append(f"{incident.id}/{slot} left at {left}, taken {taken}")


def _cover_ends(incident: Incident, slot: Slot) -> datetime:
    """Give the moment from which a slot need not be sent any more."""
    answered = [m for m in (incident.acknowledged_at, incident.resolved_at) if m is not None and m >= slot.due]
    if slot.kind in _CALLING:
        return min(answered, default=slot.due)
    step = 15 * MINUTE if slot.kind is K.STATUS else DAY
    ended = incident.resolved_at if slot.kind is K.STATUS else None
    return slot.due + step if ended is None else min(ended, slot.due + step)


def _expect(incident: Incident, ticks: Sequence[datetime], *, at_once: bool = False) -> Iterator[tuple[SlotKind, int]]:
    if incident.severity is Severity.SEV4:
        return
    last, far = ticks[-1], datetime.max.replace(tzinfo=ticks[-1].tzinfo)
    ended = incident.resolved_at or far
    answered = min(incident.acknowledged_at or far, ended)
    yield K.PAGE, 0
    for kind, minutes in ((K.ACKNOWLEDGE, 5), (K.ESCALATION, 15)):
        due = incident.clock_from + minutes * MINUTE
        if due <= last and (answered > due or (at_once and answered == due)):
            yield kind, 0
    n = 1
    while (due := incident.opened_at + n * 15 * MINUTE) <= last and (due < ended or (at_once and due == ended)):
        yield K.STATUS, n
        n += 1
    if incident.resolved_at is None:
        return
    yield K.SUMMARY, 0
    papers = [one.at for one in incident.done if one.item is not Item.RETROSPECTIVE]
    written = max(papers) if len(papers) == 3 else far
    yield from _expect_reminders(K.SUMMARY_REMINDER, incident.resolved_at + 20 * HOUR, written, ticks)
    if incident.severity in _LOUD and incident.retrospective_due is not None:
        yield K.RETROSPECTIVE, 0
        held = next((one.at for one in incident.done if one.item is Item.RETROSPECTIVE), far)
        yield from _expect_reminders(K.RETROSPECTIVE_REMINDER, incident.retrospective_due - 8 * HOUR, held, ticks)


def _expect_reminders(
    kind: SlotKind, first: datetime, done: datetime, ticks: Sequence[datetime]
) -> Iterator[tuple[SlotKind, int]]:
    # One is needed when something ran between its moment and the work's end.
    n = 0
    while (due := first + n * DAY) < done and due <= ticks[-1]:
        ran = ticks[bisect_left(ticks, due)]
        if ran < done:
            yield kind, n
        n += 1
