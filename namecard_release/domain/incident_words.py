"""What is told of an incident, to whom, through which channel. When it falls due is `incident_clock`'s."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from namecard_release.domain.incident import Breach, Incident, Owners
from namecard_release.domain.incident_clock import ClockPolicy, Slot, SlotKind, next_status
from namecard_release.domain.incident_summary import Summary, render_summary, tell_span
from namecard_release.domain.messages import Channel, Message, MessageKind

THROUGH_PAGERDUTY = "pagerduty"


@dataclass(frozen=True)
class Scene:
    """What the words are made from, as read at one moment: the incident's story and who owns it."""

    summary: Summary
    owners: Owners
    policy: ClockPolicy
    now: datetime

    @property
    def incident(self) -> Incident:
        """The incident."""
        return self.summary.incident


def tell_slot(scene: Scene, slot: Slot) -> tuple[Message, ...]:
    """Give the messages of a slot that fell due; none when it is covered."""
    if slot.covered is not None:
        return ()
    return tuple(_message(scene, slot.key, *words) for words in _SLOTS[slot.kind](scene))


def tell_opened(scene: Scene) -> tuple[Message, ...]:
    """Give what opens the incident's thread."""
    key = f"{scene.incident.id}/opened"
    text = f"{_tell_alarms(scene.summary.alarms)}\n{_tell_cause(scene.incident)}"
    return (_message(scene, key, Channel.SLACK, MessageKind.NOTE, "opened", text),)


def tell_change(scene: Scene, what: str, text: str) -> tuple[Message, ...]:
    """Give what the thread is told of a change, which the incident's new version makes one of a kind."""
    key = f"{scene.incident.id}/v{scene.incident.version}/{what}"
    return (_message(scene, key, Channel.SLACK, MessageKind.NOTE, what, text),)


def tell_acknowledged(scene: Scene) -> tuple[Message, ...]:
    """Give what tells the others that somebody took it; PagerDuty is not told what it told us."""
    incident = scene.incident
    text = f"Acknowledged by {incident.acknowledged_by} through {incident.acknowledged_through}."
    channels = [(Channel.SLACK, MessageKind.NOTE)]
    if incident.acknowledged_through != THROUGH_PAGERDUTY:
        channels.insert(0, (Channel.PAGERDUTY, MessageKind.ACKNOWLEDGE))
    key = f"{incident.id}/acknowledged"
    return tuple(_message(scene, key, channel, kind, "acknowledged", text) for channel, kind in channels)


def tell_resolved(scene: Scene) -> tuple[Message, ...]:
    """Give what ends the incident at PagerDuty and in the thread."""
    incident = scene.incident
    text = f"Resolved by {incident.resolved_by}: {incident.resolution}"
    channels = ((Channel.PAGERDUTY, MessageKind.RESOLVE), (Channel.SLACK, MessageKind.NOTE))
    return tuple(_message(scene, f"{incident.id}/resolved", *channel, "resolved", text) for channel in channels)


def tell_checklist(scene: Scene) -> tuple[Message, ...]:
    """Give the state of the checklist for the incident's page."""
    key = f"{scene.incident.id}/v{scene.incident.version}/checklist"
    return (_message(scene, key, *_checklist_words(scene)),)


def tell_summary(scene: Scene) -> tuple[Message, ...]:
    """Give the summary for the incident's page, as it is now."""
    key = f"{scene.incident.id}/v{scene.incident.version}/summary"
    return (_message(scene, key, *_summary_words(scene)),)


Words = tuple[Channel, MessageKind, str, str]


def _message(scene: Scene, key: str, channel: Channel, kind: MessageKind, title: str, text: str) -> Message:
    incident = scene.incident
    fields = (
        ("Severity", str(incident.severity)),
        ("Environment", incident.fingerprint.environment),
        ("Alarm", incident.fingerprint.kind),
        ("Service", incident.fingerprint.service),
        ("Caused by", incident.promotion or "no promotion"),
        ("Owner", scene.owners.primary),
        ("Slack channel", scene.owners.channel),
        ("PagerDuty schedule", scene.owners.schedule),
    )
    heading = f"{incident.id} {incident.severity} {incident.title}: {title}"
    return Message(f"{key}/{channel}/{kind}", channel, incident.id, kind, heading, text, scene.now, fields)


def _page(scene: Scene) -> Sequence[Words]:
    text = (
        f"{_tell_alarms(scene.summary.alarms)}\n{_tell_cause(scene.incident)}\n"
        f"Acknowledge by {scene.incident.clock_from + scene.policy.acknowledge:%H:%M:%S} UTC: "
        f"namecard-release incident ack {scene.incident.id}"
    )
    return [(Channel.PAGERDUTY, MessageKind.PAGE, "page", text)]


def _late(scene: Scene) -> Sequence[Words]:
    waited = tell_span(scene.now - scene.incident.clock_from)
    text = f"Nobody acknowledged it in {waited}. Secondary on-call: {scene.owners.secondary}"
    title = "not acknowledged"
    return [(Channel.PAGERDUTY, MessageKind.PAGE, title, text), (Channel.SLACK, MessageKind.REMINDER, title, text)]


def _escalate(scene: Scene) -> Sequence[Words]:
    waited = tell_span(scene.now - scene.incident.clock_from)
    text = f"{scene.owners.management}: nobody acknowledged it in {waited}.\n{_tell_alarms(scene.summary.alarms)}"
    return [(Channel.SLACK, MessageKind.ESCALATE, "escalated", text)]


def _status(scene: Scene) -> Sequence[Words]:
    incident = scene.incident
    taken = incident.acknowledged_by
    lines = [
        f"Open for {tell_span(scene.now - incident.opened_at)}; "
        + (f"acknowledged by {taken}." if taken else "not acknowledged."),
        _tell_alarms(scene.summary.alarms),
        _tell_cause(incident),
        *[f"Evidence: {one.headline}" for one in scene.summary.evidence[-1:]],
        *[f"Last word: {one.text} ({one.actor})" for one in scene.summary.timeline[-1:]],
        f"Next status at {next_status(incident, scene.now, scene.policy):%H:%M} UTC.",
    ]
    return [(Channel.SLACK, MessageKind.STATUS, "status", "\n".join(lines))]


def _summary_words(scene: Scene) -> Words:
    return (Channel.NOTION, MessageKind.SUMMARY, "summary", render_summary(scene.summary))


def _checklist_words(scene: Scene) -> Words:
    lines = [f"[{'x' if one.by else ' '}] {one.text}" for one in scene.summary.checklist]
    return (Channel.NOTION, MessageKind.CHECKLIST, "checklist", "\n".join(lines))


def _summary(scene: Scene) -> Sequence[Words]:
    resolved = scene.incident.resolved_at or scene.now
    text = (
        f"The post-incident summary is due by {resolved + scene.policy.summary:%Y-%m-%d %H:%M} UTC. {_tell_open(scene)}"
    )
    return [
        _summary_words(scene),
        _checklist_words(scene),
        (Channel.SLACK, MessageKind.NOTE, "summary", text),
    ]


def _summary_reminder(scene: Scene) -> Sequence[Words]:
    due = (scene.incident.resolved_at or scene.now) + scene.policy.summary
    late = "is overdue since" if scene.now >= due else "is due by"
    text = f"The post-incident summary {late} {due:%Y-%m-%d %H:%M} UTC. {_tell_open(scene)}"
    return [(Channel.SLACK, MessageKind.REMINDER, "summary", text)]


def _retrospective(scene: Scene) -> Sequence[Words]:
    text = f"{scene.incident.severity}: schedule a retrospective, to be held {_retrospective_due(scene.incident)}."
    return [(Channel.SLACK, MessageKind.REMINDER, "retrospective", text)]


def _retrospective_reminder(scene: Scene) -> Sequence[Words]:
    text = (
        f"No retrospective is scheduled yet; it is to be held {_retrospective_due(scene.incident)}. Once it is: "
        f"namecard-release incident note {scene.incident.id} --done retrospective --text WHEN"
    )
    return [(Channel.SLACK, MessageKind.REMINDER, "retrospective", text)]


_SLOTS: Mapping[SlotKind, Callable[[Scene], Sequence[Words]]] = {
    SlotKind.PAGE: _page,
    SlotKind.ACKNOWLEDGE: _late,
    SlotKind.ESCALATION: _escalate,
    SlotKind.STATUS: _status,
    SlotKind.SUMMARY: _summary,
    SlotKind.SUMMARY_REMINDER: _summary_reminder,
    SlotKind.RETROSPECTIVE: _retrospective,
    SlotKind.RETROSPECTIVE_REMINDER: _retrospective_reminder,
}


def _retrospective_due(incident: Incident) -> str:
    due = incident.retrospective_due
    return "within 3 business days" if due is None else f"by {due:%Y-%m-%d %H:%M} UTC"


def _tell_alarms(breaches: Sequence[Breach]) -> str:
    now = [one for one in breaches if one.ended_at is None]
    if now:
        return "\n".join(f"In ALARM since {one.since:%H:%M:%S} UTC: {one.name}. {one.reason}".rstrip() for one in now)
    return "Every alarm of it is OK by now."


def _tell_cause(incident: Incident) -> str:
    caused = "Caused by no promotion" if incident.promotion is None else f"Caused by promotion {incident.promotion}"
    return f"{caused}: {incident.cause}."


def _tell_open(scene: Scene) -> str:
    missing = [one.text for one in scene.summary.checklist if one.by is None]
    return f"Still open: {'; '.join(missing)}." if missing else "Its checklist is done."
