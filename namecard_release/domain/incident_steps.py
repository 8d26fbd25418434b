"""Every change of an incident as one step: what it becomes, what its story is told, what is sent. Nothing is written
here: the ledger takes a step whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from namecard_release.domain.alarms import AlarmReading
from namecard_release.domain.audit import AUTOMATION, AuditEvent
from namecard_release.domain.incident import (
    Breach,
    Done,
    Evidence,
    Fingerprint,
    Incident,
    Item,
    Severity,
    TimelineEntry,
    missing_items,
)
from namecard_release.domain.incident_case import Case, Handling, Step
from namecard_release.domain.incident_cause import Cause
from namecard_release.domain.incident_clock import due_slots
from namecard_release.domain.incident_summary import Summary, summarise
from namecard_release.domain.incident_words import (
    Scene,
    tell_acknowledged,
    tell_change,
    tell_checklist,
    tell_opened,
    tell_resolved,
    tell_slot,
    tell_summary,
)
from namecard_release.domain.messages import Message


def tell_story(case: Case, handling: Handling, now: datetime) -> Summary:
    """Put a case's story together."""
    with_retrospective = handling.policy.retrospective
    return summarise(case.incident, case.breaches, case.timeline, case.evidence, with_retrospective, now)


def open_incident(
    number: str,
    fingerprint: Fingerprint,
    severity: Severity,
    reading: AlarmReading,
    cause: Cause,
    handling: Handling,
    now: datetime,
) -> Step:
    """Open an incident by an alarm in ALARM; its first page is a part of it."""
    incident = Incident(number, fingerprint, severity, str(fingerprint), now, now, cause.promotion, cause.reason)
    breach = Breach(number, reading.arn, reading.name, reading.since, None, reading.reason)
    entry = TimelineEntry(now, "opened", AUTOMATION, f"{reading.name} in ALARM; {severity}; {cause.reason}")
    case = Case(incident, (breach,), (entry,))
    event = _audit(now, AUTOMATION, "incident opened", incident, cause.reason)
    step = Step(None, incident, (entry,), begun=(breach,), events=(event,))
    return _finish(step, case, handling, now, tell_opened(_scene(case, handling, now)))


def join_alarm(case: Case, reading: AlarmReading, handling: Handling, now: datetime) -> Step:
    """Let an open incident take up an alarm that began, or began again."""
    ended = tuple(replace(b, ended_at=reading.since) for b in case.breaches if b.arn == reading.arn and not b.ended_at)
    breach = Breach(case.incident.id, reading.arn, reading.name, reading.since, None, reading.reason)
    text = f"{reading.name} in ALARM{' again' if any(b.arn == reading.arn for b in case.breaches) else ''}"
    entry = TimelineEntry(now, "joined", AUTOMATION, text)
    kept = tuple(b for b in case.breaches if b.arn != reading.arn or b.ended_at)
    after = replace(_told(case, entry), breaches=(*kept, *ended, breach))
    step = Step(case.incident, after.incident, (entry,), begun=(breach,), ended=ended)
    return _finish(step, after, handling, now, tell_change(_scene(after, handling, now), "joined", text))


def end_alarm(case: Case, reading: AlarmReading, now: datetime) -> Step:
    """Note that an alarm of an incident is OK; nobody is told by itself, for the next status says it."""
    ended = tuple(replace(b, ended_at=reading.since) for b in case.breaches if b.arn == reading.arn and not b.ended_at)
    entry = TimelineEntry(now, "alarm ok", AUTOMATION, f"{reading.name} is OK since {reading.since:%H:%M:%S} UTC")
    return Step(case.incident, _told(case, entry).incident, (entry,), ended=ended)


def raise_severity(case: Case, severity: Severity, reason: str, handling: Handling, now: datetime) -> Step:
    """Raise an open incident's severity; one that was quiet calls people from now on."""
    was_quiet = case.incident.severity in handling.policy.quiet
    entry = TimelineEntry(now, "severity raised", AUTOMATION, f"{case.incident.severity} -> {severity}: {reason}")
    begin = now if was_quiet else case.incident.clock_from
    after = _told(case, entry, severity=severity, clock_from=begin)
    step = Step(case.incident, after.incident, (entry,))
    return _finish(step, after, handling, now, tell_change(_scene(after, handling, now), entry.what, entry.text))


def acknowledge(case: Case, actor: str, at: datetime, source: str, handling: Handling, now: datetime) -> Step | None:
    """Let somebody take an incident; None when it is taken or resolved already. From here on nothing pages."""
    incident = case.incident
    if incident.acknowledged_at is not None or not incident.is_open:
        return None
    entry = TimelineEntry(at, "acknowledged", actor, f"through {source}")
    after = _told(case, entry, acknowledged_at=at, acknowledged_by=actor, acknowledged_through=source)
    event = _audit(at, actor, "incident acknowledged", incident, f"through {source}")
    step = Step(incident, after.incident, (entry,), events=(event,), withdraw=True)
    return _finish(step, after, handling, now, tell_acknowledged(_scene(after, handling, now)))


def resolve(
    case: Case, actor: str, reason: str, retrospective_due: datetime | None, handling: Handling, now: datetime
) -> Step | None:
    """Resolve an open incident and ask for what comes after it; None when it is resolved already."""
    incident = case.incident
    if not incident.is_open:
        return None
    loud = sum(one.ended_at is None for one in case.breaches)
    text = f"{reason}{f' ({loud} of its alarms still in ALARM)' if loud else ''}"
    entry = TimelineEntry(now, "resolved", actor, text)
    due = retrospective_due if incident.severity in handling.policy.retrospective else None
    after = _told(case, entry, resolved_at=now, resolved_by=actor, resolution=text, retrospective_due=due)
    after = _close_done(after, handling, now)
    event = _audit(now, actor, "incident resolved", incident, text)
    step = Step(incident, after.incident, (entry,), events=(event,), withdraw=True)
    return _finish(step, after, handling, now, tell_resolved(_scene(after, handling, now)))


@dataclass(frozen=True)
class Word:
    """What a person adds to an incident: a text, the root cause, what data was at risk, items of the checklist."""

    actor: str
    text: str = ""
    root_cause: str = ""
    data_at_risk: str = ""
    done: tuple[Item, ...] = ()


def note(case: Case, word: Word, handling: Handling, now: datetime) -> Step:
    """Add a person's word. The root cause and the data at risk do their items of the checklist; the last one that is
    done finishes a resolved incident.
    """
    items = [*word.done]
    items += [Item.ROOT_CAUSE] if word.root_cause else []
    items += [Item.IMPACT] if word.data_at_risk else []
    fresh = tuple(Done(i, now, word.actor, word.text) for i in dict.fromkeys(items) if not case.incident.has_done(i))
    told = [f"root cause: {word.root_cause}"] if word.root_cause else []
    told += [f"data at risk: {word.data_at_risk}"] if word.data_at_risk else []
    told += [f"done: {one.item}" for one in fresh]
    text = "; ".join([*([word.text] if word.text else []), *told])
    entry = TimelineEntry(now, "noted", word.actor, text)
    after = _told(
        case,
        entry,
        root_cause=word.root_cause or case.incident.root_cause,
        data_at_risk=word.data_at_risk or case.incident.data_at_risk,
        done=(*case.incident.done, *fresh),
    )
    after = _close_done(after, handling, now)
    event = _audit(now, word.actor, "incident noted", case.incident, text)
    step = Step(case.incident, after.incident, (entry,), events=(event,))
    scene = _scene(after, handling, now)
    messages = tell_change(scene, "note", f"{word.actor}: {text}")
    if not after.incident.is_open and after.incident.severity not in handling.policy.quiet:
        messages = (*messages, *tell_checklist(scene), *tell_summary(scene))
    return _finish(step, after, handling, now, messages)


def keep_evidence(case: Case, evidence: Evidence, handling: Handling, now: datetime) -> Step:
    """Add gathered evidence and tell its headline in the thread."""
    entry = TimelineEntry(now, "evidence", AUTOMATION, evidence.headline)
    after = replace(_told(case, entry), evidence=(*case.evidence, evidence))
    step = Step(case.incident, after.incident, (entry,), evidence=(evidence,))
    return _finish(step, after, handling, now, tell_change(_scene(after, handling, now), "evidence", evidence.headline))


def tick(case: Case, handling: Handling, now: datetime) -> Step | None:
    """Record and send what fell due; None when nothing did."""
    step = _finish(Step(case.incident, case.incident), case, handling, now, ())
    return step if step.slots else None


def _told(case: Case, entry: TimelineEntry, **changes: object) -> Case:
    incident = replace(case.incident, version=case.incident.version + 1, **changes)  # type: ignore[arg-type]
    return replace(case, incident=incident, timeline=(*case.timeline, entry))


def _close_done(case: Case, handling: Handling, now: datetime) -> Case:
    incident = case.incident
    open_still = missing_items(incident, handling.policy.retrospective)
    quiet = incident.severity in handling.policy.quiet
    if incident.is_open or incident.closed_at is not None or (open_still and not quiet):
        return case
    return replace(case, incident=replace(incident, closed_at=now))


def _finish(step: Step, after: Case, handling: Handling, now: datetime, messages: Sequence[Message]) -> Step:
    # What fell due is recorded along with every change: whoever is finished or taken leaves nothing unsaid behind.
    slots = due_slots(after.incident, after.recorded, now, handling.policy)
    scene = _scene(after, handling, now)
    due = [message for slot in slots for message in tell_slot(scene, slot)]
    return replace(step, slots=slots, messages=(*messages, *due))


def _scene(case: Case, handling: Handling, now: datetime) -> Scene:
    return Scene(tell_story(case, handling, now), handling.owners, handling.policy, now)


def _audit(at: datetime, actor: str, action: str, incident: Incident, reason: str) -> AuditEvent:
    told = {"severity": str(incident.severity), "promotion": incident.promotion}
    return AuditEvent(at, actor, action, incident.id, incident.fingerprint.environment, reason, told)
