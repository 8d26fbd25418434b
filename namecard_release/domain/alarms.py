"""Alarm states judged against what was true before the deploy. Reading CloudWatch does not belong here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# Construct ids of the platform contract (the runbook leaves the word Service out); the physical name adds the stack
# before and CloudFormation's hash after.
_KINDS = {
    "errors": r"[A-Z][a-z]+?(Service)?ErrorsAlarm",
    "throttles": r"[A-Z][a-z]+?(Service)?ThrottlesAlarm",
    "api_latency": r"HttpApiLatencyAlarm",
    "latency": r"[A-Z][a-z]+?(Service)?LatencyAlarm",
    "db_connections": r"DbConnectionsAlarm",
    "proxy_connections": r"RdsProxyConnectionsAlarm",
    "dlq": r"LambdaDeadLetterQueueAlarm",
}
PER_SERVICE = ("Errors", "Throttles", "Latency")
SHARED = (
    "HttpApiLatencyAlarm",
    "DbConnectionsAlarm",
    "RdsProxyConnectionsAlarm",
    "LambdaDeadLetterQueueAlarm",
)


class AlarmState(StrEnum):
    """CloudWatch's three states, and UNREAD where none was read."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
    UNREAD = "UNREAD"


class AlarmAction(StrEnum):
    """What a breach of this kind of alarm asks for."""

    ROLL_BACK = "roll_back"
    PAGE = "page"
    NOTE = "note"


@dataclass(frozen=True)
class AlarmReading:
    """One alarm as read: `name` is the logical id in the stack, `since` the moment of its last state change (UTC)."""

    name: str
    arn: str
    state: AlarmState
    since: datetime
    reason: str = ""


@dataclass(frozen=True)
class AlarmRule:
    """What one kind of alarm does, and for how long it must stay in ALARM before it counts (seconds)."""

    action: AlarmAction
    sustain_seconds: float = 0.0


class AlarmVerdict(StrEnum):
    """What the alarms say about the release."""

    HEALTHY = "HEALTHY"
    BREACHED = "BREACHED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class AlarmAssessment:
    """The verdict and its reason, by the alarms whose rule is a rollback alone.

    `roll_back_by` are breached, `rising` are in ALARM and not sustained yet; `page_by` ask for people, no more.
    """

    verdict: AlarmVerdict
    reason: str
    roll_back_by: tuple[AlarmReading, ...] = ()
    page_by: tuple[AlarmReading, ...] = ()
    rising: tuple[AlarmReading, ...] = ()


def alarm_kind(name: str) -> str | None:
    """Name the kind of an alarm from its logical id, or None for one that the contract does not list."""
    for kind, pattern in _KINDS.items():
        if re.match(pattern, name):
            return kind
    return None


def logical_name(name: str) -> str:
    """Give the logical id in an alarm's physical name, `<stack>-<logical id>-<hash>`; any other name as it is."""
    parts = name.split("-")
    return next((part for part in parts if alarm_kind(part) is not None), name)


def expected_alarms(services: Sequence[str]) -> tuple[str, ...]:
    """List the logical-id prefixes of every alarm that the platform must have: three a service and four shared."""
    own = [f"{service.capitalize()}Service{kind}Alarm" for service in services for kind in PER_SERVICE]
    return (*own, *SHARED)


def missing_alarms(services: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """List the expected alarms that none of the names stands for, with or without the word Service."""
    there = tuple(names)
    return tuple(
        want
        for want in expected_alarms(services)
        if not any(name.startswith((want, want.replace("Service", ""))) for name in there)
    )


def assess_alarms(
    baseline: Sequence[AlarmReading],
    current: Sequence[AlarmReading],
    rules: Mapping[str, AlarmRule],
    now: datetime,
    unread: str | None = None,
) -> AlarmAssessment:
    """Judge alarm states after a deploy.

    An alarm that is in ALARM in the baseline is no cause of the release until it has been OK (`settle_baseline`).
    INSUFFICIENT_DATA, an alarm of the baseline that is gone, and a read that failed (`unread`) are unknown.
    """
    if unread is not None:
        return AlarmAssessment(AlarmVerdict.UNKNOWN, f"alarms unread: {unread}")
    if not current:
        return AlarmAssessment(AlarmVerdict.UNKNOWN, "no alarm was found for this environment")
    old = {reading.arn for reading in baseline if reading.state is AlarmState.ALARM}
    fresh = [r for r in current if r.state is AlarmState.ALARM and r.arn not in old]
    deciding = [r for r in fresh if _rule(r, rules).action is AlarmAction.ROLL_BACK]
    breached = tuple(r for r in deciding if _is_sustained(r, rules, now))
    page = tuple(r for r in fresh if _rule(r, rules).action is AlarmAction.PAGE and _is_sustained(r, rules, now))
    if breached:
        names = ", ".join(reading.name for reading in breached)
        return AlarmAssessment(
            AlarmVerdict.BREACHED, f"in ALARM since the deploy: {names}{_tell_page(page)}", breached, page
        )
    rising = tuple(deciding)
    verdict, reason = _assess_quiet(baseline, current, fresh, rising, rules)
    return AlarmAssessment(verdict, f"{reason}{_tell_page(page)}", page_by=page, rising=rising)


def settle_baseline(baseline: Sequence[AlarmReading], current: Sequence[AlarmReading]) -> tuple[AlarmReading, ...]:
    """Give the baseline in which an alarm that is OK by now is in ALARM no more: from here on it counts again."""
    healed = {reading.arn: reading for reading in current if reading.state is AlarmState.OK}
    return tuple(healed.get(r.arn, r) if r.state is AlarmState.ALARM else r for r in baseline)


def _tell_page(page: Sequence[AlarmReading]) -> str:
    return f"; asks for people: {', '.join(reading.name for reading in page)}" if page else ""


def _assess_quiet(
    baseline: Sequence[AlarmReading],
    current: Sequence[AlarmReading],
    fresh: Sequence[AlarmReading],
    rising: Sequence[AlarmReading],
    rules: Mapping[str, AlarmRule],
) -> tuple[AlarmVerdict, str]:
    deciding = [r for r in current if _rule(r, rules).action is AlarmAction.ROLL_BACK]
    there = {reading.name for reading in current}
    gone = [r.name for r in baseline if r.name not in there and _rule(r, rules).action is AlarmAction.ROLL_BACK]
    if gone:
        return AlarmVerdict.UNKNOWN, f"alarms gone since the deploy: {', '.join(sorted(set(gone)))}"
    dark = [r.name for r in deciding if r.state in (AlarmState.INSUFFICIENT_DATA, AlarmState.UNREAD)]
    if dark:
        return AlarmVerdict.UNKNOWN, f"without data: {', '.join(dark)}"
    if rising:
        return AlarmVerdict.UNKNOWN, f"in ALARM, not yet sustained: {', '.join(r.name for r in rising)}"
    old = sum(reading.state is AlarmState.ALARM for reading in current) - len(fresh)
    note = f", {old} in ALARM since before the deploy" if old else ""
    noted = [r.name for r in fresh if _rule(r, rules).action is AlarmAction.NOTE]
    note += f", noted: {', '.join(noted)}" if noted else ""
    return AlarmVerdict.HEALTHY, f"{len(current)} alarms read, none breached by this release{note}"


def _is_sustained(reading: AlarmReading, rules: Mapping[str, AlarmRule], now: datetime) -> bool:
    needed = _rule(reading, rules).sustain_seconds
    # The cloud's clock may be ahead of ours: what needs no sustaining counts at once.
    return needed <= 0 or (now - reading.since).total_seconds() >= needed


def _rule(reading: AlarmReading, rules: Mapping[str, AlarmRule]) -> AlarmRule:
    return rules.get(alarm_kind(reading.name) or "", AlarmRule(AlarmAction.PAGE))
