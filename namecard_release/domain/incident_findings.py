"""What was gathered about an alarm, as an incident keeps it: a headline, its counts, and the facts by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from namecard_release.domain.incident import Evidence
from namecard_release.domain.incident_evidence import IncidentEvidence

_MOST_GROUPS = 10


def tell_evidence(found: IncidentEvidence) -> Evidence:
    """Sum up gathered evidence; counts that were not read are None, and what was not read is named with its reason."""
    impact = found.impact.value
    return Evidence(
        at=found.gathered_at,
        headline=tell_headline(found),
        failed_requests=None if impact is None else impact.requests_failed,
        customers=None if impact is None else impact.correlation_ids,
        details=_details(found),
    )


def tell_headline(found: IncidentEvidence) -> str:
    """Say the likely cause in one line: which function or service, what it is, why, how much failed, what is unread."""
    where = found.service or "no single service"
    parts = [f"{where}: {found.cause.cause}: {found.cause.reason}"]
    if found.triage.value is not None and found.triage.value.groups:
        parts.append(
            "; ".join(f"{g.count} x {g.error} on {g.path or '(no path)'}" for g in found.triage.value.groups[:3])
        )
    if found.unknown:
        parts.append(f"not read: {', '.join(name for name, _ in found.unknown)}")
    return " | ".join(parts)


def _details(found: IncidentEvidence) -> Mapping[str, object]:
    triage, target = found.triage.value, found.target.value
    functions = found.functions.value or ()
    return {
        "alarm": found.alarm,
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "service": found.service,
        "cause": {"kind": str(found.cause.cause), "reason": found.cause.reason},
        "findings": list(found.findings),
        "functions": [one.name for one in functions],
        "target": None if target is None else {"metric": target.metric, "dimensions": dict(target.dimensions)},
        "failed": None if triage is None else triage.failed,
        "groups": [] if triage is None else [_group(asdict(group)) for group in triage.groups[:_MOST_GROUPS]],
        "picture": found.picture.value,
        "service_graph": [asdict(one) for one in found.service_graph.value or ()],
        "unread": dict(found.unknown),
    }


def _group(group: Mapping[str, object]) -> dict[str, object]:
    kept = {name: group[name] for name in ("service", "error", "path", "count", "message", "cause", "why")}
    samples = [dict(sample) for sample in group["samples"]]  # type: ignore[attr-defined]
    ids = [{"request_id": one["request_id"], "correlation_ids": dict(one["correlation_ids"])} for one in samples]
    return {
        **kept,
        "cause": str(kept["cause"]),
        "first": _at(group["first"]),
        "last": _at(group["last"]),
        "samples": ids,
    }


def _at(moment: object) -> str | None:
    return None if moment is None else str(moment)
