"""Triage and evidence as plain values for JSON: the contract of `logs triage --json` (docs/triage.md) and of incidents.

Fields copied from a log keep the log's own names (`requestId`, `correlationIds`); all others are in snake case. Times
are ISO 8601 in UTC, None where there is none.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from namecard_release.domain.failure_groups import FailureGroup, FailureSample
from namecard_release.domain.incident_evidence import IncidentEvidence, Part
from namecard_release.domain.triage import TriageResult


def plain_triage(told: TriageResult) -> dict[str, Any]:
    """Give a triage as plain values."""
    return {
        "since": _plain(told.since),
        "until": _plain(told.until),
        "complete": not told.unread,
        "unread": told.unread or None,
        "cause": _plain(asdict(told.cause)),
        "failed": told.failed,
        "completed": told.completed,
        "groups": [_group(group) for group in told.groups],
        "other": told.other,
        "impact": _plain(asdict(told.impact)),
        "paths": [_plain(asdict(one)) for one in told.paths],
        "platform": _plain(asdict(told.platform)),
        "lines": {"total": told.total_lines, **{name: _plain(value) for name, value in told.lines._asdict().items()}},
        "malformed": list(told.malformed),
    }


def plain_evidence(evidence: IncidentEvidence) -> dict[str, Any]:
    """Give an incident's evidence as plain values: each part has `value` and, where that is None, `unread`."""
    parts = {name: value for name, value in vars(evidence).items() if isinstance(value, Part)}
    rest = {name: _plain(value) for name, value in vars(evidence).items() if name not in parts and name != "cause"}
    told = {name: _part(part) for name, part in parts.items()}
    return {**rest, "cause": _plain(asdict(evidence.cause)), **told, "unknown": [list(one) for one in evidence.unknown]}


def _part(part: Part[Any]) -> dict[str, Any]:
    value = part.value
    plain = plain_triage(value) if isinstance(value, TriageResult) else _plain(_fields(value))
    return {"value": plain, "unread": part.unread or None}


def _fields(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_fields(one) for one in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def _group(group: FailureGroup) -> dict[str, Any]:
    plain: dict[str, Any] = _plain(asdict(group))
    return {**plain, "samples": [_sample(sample) for sample in group.samples]}


def _sample(sample: FailureSample) -> dict[str, Any]:
    return {
        "at": _plain(sample.at),
        "requestId": sample.request_id,
        "invocationId": sample.invocation_id,
        "correlationIds": dict(sample.correlation_ids),
        "path": sample.path,
        "message": sample.message,
        "durationMs": sample.duration_ms,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value
