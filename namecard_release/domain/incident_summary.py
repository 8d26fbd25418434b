"""An incident's story for those who were not there, from what the ledger keeps of it. Filing it is a message's work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from namecard_release.domain.incident import (
    Breach,
    Evidence,
    Incident,
    Item,
    Severity,
    TimelineEntry,
    checklist,
)

_UNKNOWN = "unknown"
_ITEMS = {
    Item.ROOT_CAUSE: "Root cause documented",
    Item.RUNBOOK: "Runbook updated if a new mitigation was discovered",
    Item.IMPACT: "Impact captured: duration, customers affected, data at risk",
    Item.RETROSPECTIVE: "Retrospective scheduled",
}


@dataclass(frozen=True)
class Impact:
    """What an incident cost: seconds from the first alarm to its end (so far), to its detection and acknowledgement.

    Counts are None while nobody knows them: unknown is not none.
    """

    began: datetime
    ended: datetime | None
    duration_seconds: float
    detected_after_seconds: float
    acknowledged_after_seconds: float | None
    failed_requests: int | None
    customers: int | None
    data_at_risk: str | None


@dataclass(frozen=True)
class CheckedItem:
    """One line of the checklist; `by` is who did it and when, None while it is not done."""

    item: Item
    text: str
    by: str | None
    note: str = ""


@dataclass(frozen=True)
class Summary:
    """The whole story."""

    incident: Incident
    impact: Impact
    alarms: tuple[Breach, ...]
    timeline: tuple[TimelineEntry, ...]
    evidence: tuple[Evidence, ...]
    checklist: tuple[CheckedItem, ...]


def summarise(
    incident: Incident,
    breaches: Sequence[Breach],
    timeline: Sequence[TimelineEntry],
    evidence: Sequence[Evidence],
    with_retrospective: frozenset[Severity],
    now: datetime,
) -> Summary:
    """Put an incident's story together as it is known at a moment; `evidence` is oldest first."""
    items = tuple(_check(incident, item) for item in checklist(incident.severity, with_retrospective))
    impact = measure_impact(incident, breaches, evidence, now)
    return Summary(incident, impact, tuple(breaches), tuple(timeline), tuple(evidence), items)


def measure_impact(
    incident: Incident, breaches: Sequence[Breach], evidence: Sequence[Evidence], now: datetime
) -> Impact:
    """Measure what an incident cost so far. It began with its first alarm and ended when the last of them was OK."""
    began = min((breach.since for breach in breaches), default=incident.opened_at)
    ends = [breach.ended_at for breach in breaches]
    quiet = max((end for end in ends if end is not None), default=None) if all(ends) else None
    ended = quiet or incident.resolved_at
    taken = incident.acknowledged_at
    return Impact(
        began=began,
        ended=ended,
        duration_seconds=max(0.0, ((ended or now) - began).total_seconds()),
        detected_after_seconds=max(0.0, (incident.opened_at - began).total_seconds()),
        acknowledged_after_seconds=None if taken is None else (taken - incident.clock_from).total_seconds(),
        failed_requests=max((e.failed_requests for e in evidence if e.failed_requests is not None), default=None),
        customers=max((e.customers for e in evidence if e.customers is not None), default=None),
        data_at_risk=incident.data_at_risk,
    )


def _check(incident: Incident, item: Item) -> CheckedItem:
    found = next((one for one in incident.done if one.item is item), None)
    by = None if found is None else f"{found.actor}, {found.at:%Y-%m-%d %H:%M} UTC"
    return CheckedItem(item, _ITEMS[item], by, "" if found is None else found.note)


def tell_span(span: timedelta | float) -> str:
    """Tell a length of time in two units at most: 1 d 2 h, 3 h 5 min, 4 min 10 s, 7 s."""
    seconds = round(span.total_seconds() if isinstance(span, timedelta) else span)
    parts = []
    for size, word in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {word}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def render_summary(summary: Summary) -> str:
    """Write the story as Markdown."""
    return "\n".join(_lines(summary)) + "\n"


def _lines(summary: Summary) -> Iterator[str]:
    incident, impact = summary.incident, summary.impact
    yield f"# {incident.id}: {incident.title}"
    yield ""
    yield f"{incident.severity}, {incident.fingerprint}; {_tell_state(incident)}."
    yield ""
    yield "## Detection"
    for alarm in summary.alarms:
        end = "still in ALARM" if alarm.ended_at is None else f"until {_at(alarm.ended_at)}"
        yield f"- {alarm.name}: in ALARM since {_at(alarm.since)}, {end}. {alarm.reason}".rstrip()
    yield f"- Detected after {tell_span(impact.detected_after_seconds)}, {_tell_acknowledged(incident, impact)}."
    yield ""
    yield "## Cause"
    caused = "No promotion" if incident.promotion is None else f"Promotion {incident.promotion}"
    yield f"- {caused}: {incident.cause}."
    yield f"- Root cause: {incident.root_cause or 'not documented yet'}."
    for one in summary.evidence:
        yield f"- Evidence of {_at(one.at)}: {one.headline}"
    yield ""
    yield "## Impact"
    yield f"- Duration: {tell_span(impact.duration_seconds)}{'' if impact.ended else ' so far'}."
    yield f"- Failed requests: {_or_unknown(impact.failed_requests)}."
    yield f"- Customers, by their correlation ids: {_or_unknown(impact.customers)}."
    yield f"- Data at risk: {impact.data_at_risk or _UNKNOWN}."
    yield ""
    yield "## Timeline"
    for entry in summary.timeline:
        yield f"- {_at(entry.at)} {entry.what} ({entry.actor}): {entry.text}"
    yield ""
    yield "## Checklist"
    for item in summary.checklist:
        note = f": {item.note}" if item.note else ""
        yield f"- [{'x' if item.by else ' '}] {item.text}{f' ({item.by}){note}' if item.by else ''}"


def _tell_state(incident: Incident) -> str:
    if incident.resolved_at is not None:
        return f"resolved {_at(incident.resolved_at)} by {incident.resolved_by}: {incident.resolution}"
    return "open, acknowledged" if incident.acknowledged_at is not None else "open, not acknowledged"


def _tell_acknowledged(incident: Incident, impact: Impact) -> str:
    if impact.acknowledged_after_seconds is None:
        return "not acknowledged"
    told = tell_span(impact.acknowledged_after_seconds)
    return f"acknowledged after {told} by {incident.acknowledged_by} through {incident.acknowledged_through}"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _or_unknown(count: int | None) -> str:
    return _UNKNOWN if count is None else str(count)
