"""The window of the evidence about an alarm, and the evidence in sentences for a person. Gathering is elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta

from namecard_release.domain.failure_groups import FailureGroup, Impact
from namecard_release.domain.incident_evidence import IncidentEvidence

# Alarms look back over five minutes; before that there is what was normal.
_BEFORE = timedelta(minutes=10)
_LONGEST = timedelta(hours=2)


def evidence_window(alarmed_at: datetime, deployed_at: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Give from when to when evidence is looked for: from ten minutes before the alarm, or before the deploy where that
    was in the two hours before it, until now; at most four hours.
    """
    begun = alarmed_at
    if deployed_at is not None and timedelta() <= alarmed_at - deployed_at <= _LONGEST:
        begun = deployed_at
    since = begun - _BEFORE
    # The alarm's own clock may be ahead of ours.
    return since, min(max(now, since + timedelta(minutes=1)), since + 2 * _LONGEST)


def describe_evidence(evidence: IncidentEvidence) -> tuple[str, ...]:
    """Tell the evidence in sentences, the likely cause first and what is unknown last."""
    told = [f"likely cause: {evidence.cause.cause}: {evidence.cause.reason}"]
    if evidence.service is not None:
        told.append(f"service: {evidence.service}")
    told += _describe_impact(evidence.impact.value)
    told += evidence.findings
    groups = () if evidence.triage.value is None else evidence.triage.value.groups
    told += [_describe_sample(group) for group in groups[:1] if group.samples]
    if evidence.picture.value is not None:
        told.append(f"metrics: {evidence.picture.value}")
    told += [f"UNKNOWN: {part}: {why}" for part, why in evidence.unknown]
    return tuple(told)


def _describe_impact(impact: Impact | None) -> list[str]:
    if impact is None:
        return []
    least = "at least " if impact.at_least else ""
    return [
        f"impact: {least}{impact.requests_failed} failed requests, {impact.correlation_ids} correlation ids, "
        f"{impact.clients} client addresses"
    ]


def _describe_sample(group: FailureGroup) -> str:
    last = group.samples[-1]
    ids = ", ".join(f"{key}={value}" for key, value in last.correlation_ids if key != "x-forwarded-for")
    return f"last of {group.error}: requestId={last.request_id or '-'}{f', {ids}' if ids else ''}"
